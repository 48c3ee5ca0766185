"""Closed stores are nowhere but in excluded_stores; held-out ones change nothing in any fit, and are placed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.core.chain.agreement import compare_with_categories
from pipeline.core.chain.clustering import cluster_chain
from pipeline.core.chain.features import chain_features
from pipeline.core.external import clustering as external_clustering
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.internal import preprocessing as internal_preprocessing
from pipeline.core.merging.comparison import compare
from pipeline.core.merging.methods import Category
from pipeline.core.merging.stores import CategoryStores
from pipeline.core.statistics.features import positive_sales
from pipeline.settings import (
    ChainClustering,
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)

QUICK = {"resamples": 10, "null_resamples": 19, "k_max": 4}
NEEDS = ("a", "b", "c", "d")
FLAGSHIP = "x flagship"


def sales(stores: int = 60, flagship: bool = True) -> pd.DataFrame:
    """sales_by_need_state of two kinds of stores; a flagship sells a hundred times as much, and what nobody else does."""
    random = np.random.default_rng(0)
    rows = []
    for store in range(stores):
        mix = random.dirichlet(np.array([8, 4, 2, 1] if store % 3 else [1, 2, 4, 8]) * 20.0)
        rows += [(f"s{store:02d}", need, int(1e5 * part)) for need, part in zip(NEEDS, mix, strict=True)]
    if flagship:
        rows += [(FLAGSHIP, "a", 10**7), (FLAGSHIP, "only here", 2 * 10**7)]
    found = pd.DataFrame(rows, columns=["store_id", "need_state", "sales_cents"]).assign(category="Tea")
    return found.assign(is_excluded=False)


def groups(clusters: pd.DataFrame) -> set[frozenset[str]]:
    """Which other stores are together: numbers go by size, in which a placed store counts."""
    others = clusters[clusters["store_id"] != FLAGSHIP]
    return {frozenset(rows["store_id"]) for _, rows in others.groupby("cluster")}


def same_but_for(held: pd.DataFrame, without: pd.DataFrame, *columns: str) -> None:
    """The clusters of the other stores are those of a clustering that never saw the flagship, to the last digits."""
    assert groups(held) == groups(without)
    others = held[held["store_id"] != FLAGSHIP].set_index("store_id").sort_index()
    pd.testing.assert_frame_equal(
        others[["is_outlier", *columns]],
        without.set_index("store_id").sort_index()[["is_outlier", *columns]],
        check_index_type=False,
        atol=1e-9,
    )


@pytest.mark.parametrize("outliers", ["none", "isolation_forest"])
def test_a_held_out_store_changes_nothing_in_the_fit_of_a_category_and_is_placed(outliers: str) -> None:
    told = InternalClustering(**QUICK, outliers=outliers)
    held = internal_clustering.cluster_category(sales_by_need_state=sales(), settings=told, held_out=[f" {FLAGSHIP} "])
    without = internal_clustering.cluster_category(sales_by_need_state=sales(flagship=False), settings=told)
    same_but_for(held["internal_clusters"], without["internal_clusters"], "distance")
    for table in ("internal_k_selection", "internal_verdicts"):
        pd.testing.assert_frame_equal(held[table], without[table], atol=1e-9)
    placed = held["internal_clusters"].set_index("store_id").loc[FLAGSHIP]
    assert (placed["is_held_out"], placed["is_outlier"]) == (True, False)
    assert held["internal_clusters"]["is_held_out"].sum() == 1
    assert FLAGSHIP not in set(held["internal_exemplars"]["store_id"])


@pytest.mark.parametrize("scaling", ["robust", "standard", "minmax"])
def test_a_held_out_store_changes_nothing_in_the_fit_of_the_outside_data(scaling: str) -> None:
    random = np.random.default_rng(0)
    features = pd.DataFrame({"store_id": [f"s{number:02d}" for number in range(60)]})
    features["income"] = np.where(features.index < 36, 20.0, 60.0) + random.normal(0, 2, 60)
    features["age"] = 40.0 + random.normal(0, 2, 60)
    features["zone"] = 1.0
    flagship = pd.DataFrame({"store_id": [FLAGSHIP], "income": [1e6], "age": [-1e6], "zone": [2.0]})
    told = ExternalClustering(**QUICK, scaling=scaling, outliers="none")
    both = pd.concat([features, flagship], ignore_index=True)
    held = external_clustering.cluster(external_features=both, settings=told, held_out=[FLAGSHIP])
    without = external_clustering.cluster(external_features=features, settings=told)
    same_but_for(held["external_clusters"], without["external_clusters"], "distance")
    pd.testing.assert_frame_equal(held["external_k_selection"], without["external_k_selection"], atol=1e-9)


def test_a_held_out_store_changes_nothing_in_the_fit_over_all_categories() -> None:
    def clustered(flagship: bool) -> pd.DataFrame:
        both = pd.concat(
            [sales(flagship=flagship), sales(flagship=flagship).assign(category="Oil").iloc[4:]], ignore_index=True
        )
        told = ChainClustering(**QUICK, outliers="none")
        made = cluster_chain(sales_by_need_state=both, settings=told, held_out=[FLAGSHIP])
        return made["chain_clusters"]

    same_but_for(clustered(flagship=True), clustered(flagship=False), "distance", "coverage")


def test_a_category_that_held_out_stores_alone_sell_is_no_part_of_the_chain() -> None:
    of_all = sales(flagship=True)
    of_flagship = of_all[of_all["store_id"] == FLAGSHIP].assign(category="Caviar")
    both = pd.concat([of_all, of_flagship], ignore_index=True)
    found = [
        chain_features(
            {str(name): positive_sales(rows) for name, rows in table.groupby("category")}, 0.01, 100, [FLAGSHIP]
        )
        for table in (both, of_all)
    ]
    pd.testing.assert_frame_equal(found[0].matrix, found[1].matrix)
    pd.testing.assert_series_equal(found[0].coverage, found[1].coverage)
    assert found[0].weight["Caviar"] == 0.0
    own = both[["store_id", "category"]].drop_duplicates(ignore_index=True).assign(cluster=1)
    told = ChainClustering(**QUICK)
    clusters = cluster_chain(sales_by_need_state=both, settings=told, held_out=[FLAGSHIP])["chain_clusters"]
    made = compare_with_categories(
        sales_by_need_state=both,
        chain_clusters=clusters,
        internal_clusters=own,
        settings=told,
        held_out=[FLAGSHIP],
    )
    assert list(made["chain_agreement"]["category"]) == sorted({*both["category"]})


@pytest.mark.parametrize("method", ["cross", "nested", "internal"])
def test_a_held_out_store_shapes_no_method_of_merging(method: str) -> None:
    random = np.random.default_rng(0)
    internal, external = 1 + np.arange(60) % 2, 1 + np.arange(60) // 30
    mix = random.normal(0, 1, (60, 3)) + 8.0 * np.eye(3)[internal]
    outside = random.normal(0, 1, (60, 3)) + 8.0 * np.eye(3)[external]
    names = np.array([f"s{number:02d}" for number in range(60)], dtype=object)
    alone = CategoryStores("Tea", names, internal, external, mix, outside)
    far = np.full((1, 3), 500.0)
    joined = CategoryStores(
        "Tea", np.append(names, FLAGSHIP), np.append(internal, 1), np.append(external, 1),
        np.vstack([mix, far]), np.vstack([outside, far]), np.arange(61) == 60,
    )  # fmt: skip
    told = Merging(method=method, compare_methods=False, resamples=10)
    found = {}
    for name, stores in (("alone", alone), ("joined", joined)):
        category = Category(stores.in_order_of_values(), told)
        result, _ = compare(category)
        cells = pd.DataFrame({"store_id": category.stores.store_id, "cluster": result.merged.repair.cell})
        again = [groups(cells.assign(cluster=refit)) for refit in result.refits]
        space = pd.DataFrame(category.space, index=category.stores.store_id)
        found[name] = groups(cells), again, space.drop(index=FLAGSHIP, errors="ignore")
    assert found["joined"][:2] == found["alone"][:2]
    pd.testing.assert_frame_equal(found["joined"][2], found["alone"][2], atol=1e-9)
    assert len(found["alone"][0]) > 1


def test_where_all_stores_are_held_out_they_are_fitted() -> None:
    every = sorted(set(sales(flagship=False)["store_id"]))
    told = InternalClustering(**QUICK)
    held = internal_clustering.cluster_category(
        sales_by_need_state=sales(flagship=False), settings=told, held_out=every
    )
    assert held["internal_clusters"]["is_held_out"].all()
    assert held["internal_verdicts"]["k"].tolist() == [2]


def test_a_closed_store_is_excluded_from_every_category_and_its_sales_stay() -> None:
    rows = [(store, category, "a", 500) for store in ("1", "2") for category in ("Oil", "Tea")]
    given = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])
    made = internal_preprocessing.preprocess(
        sales=given, unchosen_stores=pd.DataFrame({"store_id": ["3", "4"]}), settings=InternalPreprocessing(),
        closed=[" 2", "4", "9"],
    )  # fmt: skip
    assert made["excluded_stores"][["store_id", "category", "reason"]].to_numpy().tolist() == [
        ["2", "Oil", "closed"],
        ["2", "Tea", "closed"],
        ["3", "(none)", "no sales in the chosen categories and weeks"],
        ["4", "(none)", "closed"],
    ]
    published = made["sales_by_need_state"]
    assert int(published["sales_cents"].sum()) == 2000
    assert published.loc[published["is_excluded"], "store_id"].unique().tolist() == ["2"]


def test_a_closed_store_is_excluded_from_the_outside_data_before_anything_is_made_of_it() -> None:
    features = pd.DataFrame(
        {"store_id": list("1234"), "income": [1.0, 2.0, np.nan, 900.0], "flag": [0.0, 0.0, 0.0, 1.0]}
    )
    nothing = pd.DataFrame(columns=["feature", "reason"])
    labels = pd.DataFrame(columns=["store_id", "label", "value"])
    made = external_preprocessing.preprocess(
        features=features, ignored=nothing, labels=labels, settings=ExternalPreprocessing(), closed=["4"]
    )
    assert made["excluded_stores"][["store_id", "category", "reason"]].to_numpy().tolist()[-1] == [
        "4",
        "(none)",
        "closed",
    ]
    assert "flag" not in made["external_features"]  # constant, but for the closed store
    assert made["external_features"]["income"].max() <= 2.0
