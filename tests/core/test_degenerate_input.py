"""Degenerate input through every stage of core: a documented outcome (docs/own-data.md), no crash, and no store lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.external import clustering as external_clustering
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.internal import preprocessing as internal_preprocessing
from pipeline.errors import DataError, PipelineError, RawDataError
from pipeline.schema import NO_CATEGORY, UNMAPPED
from pipeline.settings import (
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)

INSIDE = {"resamples": 10, "null_resamples": 19}
Sold = dict[tuple[str, str], dict[str, int]]  # (store, category) -> need state -> cents


def sales_of(sold: Sold) -> pd.DataFrame:
    rows = [(s, c, need, cents) for (s, c), needs in sold.items() for need, cents in needs.items()]
    return pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"]).astype(
        {"sales_cents": "int64"}
    )


def outside_of(stores: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"store_id": stores, "income": np.linspace(20.0, 60.0, len(stores)) ** 1.1})


def run_through(sold: Sold, outside: pd.DataFrame | None = None, **how: object) -> dict[str, pd.DataFrame]:
    """Every stage of core, one after the other; no store is lost (P3), and sales are conserved (P1)."""
    sales = sales_of(sold)
    stores = sorted(set(sales["store_id"]))
    outside = outside_of([*stores, "elsewhere"]) if outside is None else outside
    none = pd.DataFrame({"store_id": pd.Series(dtype="str")})
    inside = internal_preprocessing.preprocess(sales=sales, unchosen_stores=none, settings=InternalPreprocessing())
    by_need_state = inside["sales_by_need_state"]
    clustered = [
        internal_clustering.cluster_category(
            sales_by_need_state=by_need_state[by_need_state["category"] == category],
            settings=InternalClustering(**INSIDE, **how),
        )
        for category in inside["categories"]["category"]
    ]
    found = {name: pd.concat([one[name] for one in clustered], ignore_index=True) for name in clustered[0]}
    around = external_preprocessing.preprocess(
        features=outside,
        ignored=pd.DataFrame(columns=["feature", "reason"]),
        labels=pd.DataFrame(columns=["store_id", "label", "value"]),
        settings=ExternalPreprocessing(),
    )
    surrounded = external_clustering.cluster(
        external_features=around["external_features"],
        settings=ExternalClustering(**INSIDE),
        external_feature_report=around["external_feature_report"],
    )
    merged = merge_and_finish(
        internal_clusters=found["internal_clusters"],
        internal_features=found["internal_features"],
        internal_excluded=inside["excluded_stores"],
        external_clusters=surrounded["external_clusters"],
        external_features=around["external_features"],
        external_feature_report=around["external_feature_report"],
        external_scaled_features=surrounded["external_scaled_features"],
        external_excluded=around["excluded_stores"],
        overrides=pd.DataFrame(columns=["store_id", "category", "cluster", "reason"]),
        settings=Merging(),
    )
    assert int(by_need_state["sales_cents"].sum()) == int(sales["sales_cents"].sum())
    placed = set(zip(merged["store_clusters"]["store_id"], merged["store_clusters"]["category"], strict=True))
    excluded = set(zip(merged["excluded_stores"]["store_id"], merged["excluded_stores"]["category"], strict=True))
    assert set(sold) <= placed | excluded
    assert not set(sold) & placed & excluded
    assert set(stores) | set(outside["store_id"]) <= {store for store, _ in placed | excluded}
    return found | surrounded | merged | {"excluded_stores": merged["excluded_stores"]}


def mixed(stores: int, needs: int = 4, seed: int = 0, category: str = "Bread") -> Sold:
    random = np.random.default_rng(seed)
    return {
        (f"s{i:03d}", category): {f"need {j}": int(c) for j, c in enumerate(random.integers(100, 10_000, needs))}
        for i in range(stores)
    }


def verdict(found: dict[str, pd.DataFrame], category: str = "Bread") -> tuple[str, int]:
    row = found["internal_verdicts"].set_index("category").loc[category]
    return row["verdict"], int(row["k"])


def test_one_store_is_one_cluster_without_structure():
    found = run_through(mixed(1))
    assert verdict(found) == ("no structure", 1)
    assert found["internal_clusters"]["cluster"].tolist() == [1]


@pytest.mark.parametrize("k", [50, 4])
def test_with_fewer_stores_than_the_fixed_k_each_store_is_a_cluster_at_most(k):
    found = run_through(mixed(3), k=k)
    assert 1 <= verdict(found)[1] <= 3
    assert len(found["internal_clusters"]) == 3
    assert str(k) in found["internal_verdicts"]["reason"].iloc[0]


def test_identical_stores_are_one_cluster():
    sold = {(f"s{i:03d}", "Bread"): {"a": 300 * (i + 1), "b": 100 * (i + 1)} for i in range(40)}
    found = run_through(sold)
    assert verdict(found) == ("no structure", 1)
    assert found["internal_clusters"]["cluster"].nunique() == 1


def test_one_need_state_is_one_cluster():
    found = run_through(mixed(30, needs=1))
    assert verdict(found) == ("no structure", 1)


def test_a_category_that_sold_nothing_keeps_its_stores_as_excluded_and_others_as_they_are():
    sold = mixed(30) | {(f"s{i:03d}", "Empty"): {"a": 0, "b": 0} for i in range(30)}
    found = run_through(sold)
    assert verdict(found, "Empty") == ("no structure", 0)
    of_empty = found["excluded_stores"].query("category == 'Empty'")
    assert len(of_empty) == 30
    assert set(of_empty["reason"]) == {"no positive sales"}
    alone = run_through(mixed(30))["internal_clusters"]
    pd.testing.assert_frame_equal(
        found["internal_clusters"].query("category == 'Bread'").reset_index(drop=True), alone.reset_index(drop=True)
    )


def test_a_net_negative_category_keeps_its_stores_as_excluded():
    found = run_through(mixed(12) | {(f"s{i:03d}", "Returned"): {"a": -500, "b": -1} for i in range(12)})
    assert verdict(found, "Returned") == ("no structure", 0)
    assert len(found["excluded_stores"].query("category == 'Returned'")) == 12


def test_where_no_category_has_a_positive_sale_every_store_is_excluded():
    found = run_through({(f"s{i:03d}", "Bread"): {"a": -500} for i in range(12)})
    assert found["internal_clusters"].empty
    assert found["store_clusters"]["status"].eq("external_only").all()
    assert len(found["excluded_stores"].query("category == 'Bread'")) == 12


def test_stores_that_sold_nothing_mapped_are_excluded_with_that_reason():
    sold = mixed(30)
    sold[("s000", "Bread")] = {UNMAPPED: 900}
    found = run_through(sold)
    assert found["excluded_stores"].query("store_id == 's000'")["reason"].tolist() == [
        "no positive sales of mapped SKUs"
    ]


def test_constant_features_are_dropped_with_the_reason_and_where_none_is_left_it_is_an_error():
    stores = [f"s{i:03d}" for i in range(30)]
    outside = outside_of(stores).assign(opened=1.0)
    found = run_through(mixed(30), outside)
    assert set(found["external_scaled_features"]["feature"]) == {"income"}
    with pytest.raises(RawDataError, match=r"no feature of the outside data can be used .*opened: .*constant"):
        run_through(mixed(30), outside[["store_id", "opened"]])


def test_missing_features_are_imputed_and_a_store_without_any_is_excluded():
    outside = outside_of([f"s{i:03d}" for i in range(30)]).assign(rent=np.random.default_rng(0).normal(size=30))
    outside.loc[0, ["income", "rent"]] = np.nan
    outside.loc[1, "income"] = np.nan
    found = run_through(mixed(30), outside)
    placed = found["store_clusters"].set_index("store_id")["status"]
    assert placed["s000"] == "internal_only"
    assert placed["s001"] == "both"
    excluded = found["excluded_stores"]
    assert excluded.loc[excluded["category"] == NO_CATEGORY, "store_id"].tolist() == ["s000"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_values_that_are_no_numbers_to_compute_with_are_refused_by_name(bad):
    features = outside_of([f"s{i:03d}" for i in range(30)])
    features.loc[3, "income"] = bad
    with pytest.raises(DataError, match=r"'income' is .*'s003'"):
        external_clustering.cluster(external_features=features, settings=ExternalClustering(**INSIDE))


NAMES = [
    "東京店",
    "متجر القاهرة",
    "Ångström",
    "магазин",
    "🏪",
    "a/b\\c",
    "'; DROP TABLE x;--",
    "x" * 300,
    "NaN",
    "null",
]


def test_names_in_any_script_are_carried_through_unchanged():
    sold = {
        (name, "Хлеб и 🥖"): {f"потребность {j}": 100 * (i + j + 1) for j in range(3)} for i, name in enumerate(NAMES)
    }
    found = run_through(sold, outside_of(NAMES))
    assert set(found["store_clusters"]["store_id"]) == set(NAMES)
    assert set(found["store_clusters"]["category"]) == {"Хлеб и 🥖"}
    assert set(found["internal_features"]["feature"]) == {f"потребность {j}" for j in range(3)}


@pytest.mark.nightly
def test_five_hundred_categories_of_a_handful_of_stores_are_all_there():
    sold = {pair: needs for c in range(500) for pair, needs in mixed(6, seed=c, category=f"category {c}").items()}
    found = run_through(sold)
    assert found["internal_verdicts"]["category"].nunique() == 500
    assert len(found["store_clusters"]) == 500 * 6 + 1


cents = st.one_of(st.just(0), st.integers(-50, 50), st.integers(-(10**13), 10**13))
few_stores = st.dictionaries(
    st.tuples(st.sampled_from([*"abcdefghij", "店", " "]), st.sampled_from(["Bread", "Хлеб"])),
    st.dictionaries(st.sampled_from(["a", "b", "c", "需要"]), cents, min_size=1, max_size=4),
    min_size=1,
    max_size=14,
)


@settings(max_examples=5, deadline=None)
@given(
    sold=few_stores,
    how=st.fixed_dictionaries(
        {
            "k": st.sampled_from([None, 1, 3]),
            "min_cluster_size": st.sampled_from([1, 5]),
        }
    ),
)
def test_whatever_a_handful_of_stores_sold_none_is_lost(sold, how):
    run_through(sold, **how)


def test_every_error_of_these_is_one_of_ours_in_one_line():
    with pytest.raises(PipelineError) as raised:
        run_through(mixed(5), pd.DataFrame({"store_id": ["s000"], "opened": [1.0]}))
    assert "\n" not in str(raised.value)
