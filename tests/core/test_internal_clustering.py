"""One category's stores, clustered on their sales mix."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline import tasks
from pipeline.core.internal.clustering import cluster_category
from pipeline.errors import DataError
from pipeline.schema import TABLES, UNMAPPED
from pipeline.settings import InternalClustering

SETTINGS = InternalClustering(resamples=10, null_resamples=19)
MIXES = {0: [0.6, 0.2, 0.1, 0.097, 0.003], 1: [0.1, 0.2, 0.6, 0.097, 0.003], 2: [0.1, 0.2, 0.1, 0.597, 0.003]}


def table(stores: int = 60, seed: int = 0, category: str = "Bread") -> pd.DataFrame:
    """Stores of three mixes over five need states, one of them rare, and some sales that are not mapped."""
    random = np.random.default_rng(seed)
    rows = []
    for store in range(stores):
        cents = random.multinomial(100_000, random.dirichlet(np.array(MIXES[store % 3]) * 300))
        rows += [(f"s{store:03d}", f"need {i}", int(c)) for i, c in enumerate(cents) if c]
        rows.append((f"s{store:03d}", UNMAPPED, 5_000))
    return with_shares(pd.DataFrame(rows, columns=["store_id", "need_state", "sales_cents"]).assign(category=category))


def with_shares(sales: pd.DataFrame) -> pd.DataFrame:
    positive = sales["sales_cents"].clip(lower=0)
    share = positive / positive.groupby(sales["store_id"]).transform("sum")
    chain = positive.groupby(sales["need_state"]).transform("sum") / positive.sum()
    return sales.assign(share=share, share_index=100 * share / chain, is_excluded=False)


@pytest.fixture(scope="module")
def found() -> dict[str, pd.DataFrame]:
    return cluster_category(sales_by_need_state=table(), settings=SETTINGS)


def test_the_planted_mixes_are_found(found):
    clusters = found["internal_clusters"]
    truth = clusters["store_id"].str[1:].astype(int) % 3
    assert adjusted_rand_score(truth, clusters["cluster"]) == 1.0
    assert found["internal_verdicts"][["category", "verdict", "k"]].iloc[0].tolist() == ["Bread", "separated", 3]


def test_every_table_has_the_columns_and_the_key_of_the_schema(found):
    assert sorted(found) == sorted(tasks.ClusterCategory.tables)
    for name, frame in found.items():
        assert sorted(frame.columns) == sorted(column.frame_name for column in TABLES[name].columns)
        assert not frame.duplicated(list(TABLES[name].key)).any()
        for column in TABLES[name].columns:
            assert column.nullable or frame[column.frame_name].notna().all()


def test_the_features_are_roots_of_the_mapped_shares_laid_flat_with_the_rare_ones_together(found):
    wide = found["internal_features"].pivot(index="store_id", columns="feature", values=["value", "share"])
    features, shares = wide["value"], wide["share"]
    assert list(features.columns) == ["(rare)", "need 0", "need 1", "need 2", "need 3"]
    of_store = table().query("store_id == 's004' and need_state != @UNMAPPED").set_index("need_state")["sales_cents"]
    assert shares.loc["s004", "need 0"] == pytest.approx(of_store["need 0"] / of_store.sum())
    roots = np.sqrt(shares)
    base = roots.mean() / np.linalg.norm(roots.mean())
    np.testing.assert_allclose(features @ base, 0.0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), np.arccos(roots @ base), atol=1e-9)


def test_profiles_hold_all_need_states_and_agree_with_the_shares(found):
    profiles = found["internal_profiles"]
    assert profiles["need_state"].nunique() == 6
    shares = table().merge(found["internal_clusters"][["store_id", "cluster"]])
    expected = shares.groupby(["cluster", "need_state"])["share"].sum()
    of_cluster = found["internal_clusters"]["cluster"].value_counts()
    for row in profiles.itertuples():
        assert row.mean_share == pytest.approx(
            expected.get((row.cluster, row.need_state), 0.0) / of_cluster[row.cluster]
        )
        assert row.stores == of_cluster[row.cluster]


def test_an_excluded_store_is_in_no_table_and_changes_no_cluster(found):
    excluded = table().query("store_id == 's001'").assign(store_id="s999", is_excluded=True, sales_cents=10**9)
    again = cluster_category(sales_by_need_state=pd.concat([table(), excluded]), settings=SETTINGS)
    for name in found:
        pd.testing.assert_frame_equal(again[name], found[name], check_exact=True)


def test_the_order_of_the_rows_and_the_names_of_the_stores_change_nothing(found):
    shuffled = table().sample(frac=1, random_state=1)
    names = {
        name: f"x{hash_:03d}" for name, hash_ in zip(sorted(set(shuffled["store_id"])), range(59, -1, -1), strict=True)
    }
    again = cluster_category(
        sales_by_need_state=shuffled.assign(store_id=shuffled["store_id"].map(names)), settings=SETTINGS
    )
    for name in ("internal_k_selection", "internal_verdicts", "internal_profiles"):
        pd.testing.assert_frame_equal(again[name], found[name], check_exact=True)
    before = found["internal_clusters"].set_index("store_id")
    after = again["internal_clusters"].set_index("store_id")
    for store, name in names.items():
        assert before.loc[store].equals(after.loc[name])


def test_a_store_without_mapped_sales_is_kept_and_marked():
    sales = table()
    lone = pd.DataFrame({"store_id": ["z"], "category": ["Bread"], "need_state": [UNMAPPED], "sales_cents": [700]})
    found = cluster_category(sales_by_need_state=with_shares(pd.concat([sales, lone])), settings=SETTINGS)
    row = found["internal_clusters"].set_index("store_id").loc["z"]
    assert row["is_outlier"]
    assert row["cluster"] in (1, 2, 3)


@pytest.mark.parametrize(
    ("rows", "stores", "k"),
    [
        ("store_id == 's000'", 1, 1),
        ("store_id < 's004'", 4, 1),
        ("need_state == 'need 1'", 60, 1),
        ("need_state == @UNMAPPED", 60, 1),
    ],
)
def test_few_stores_and_a_single_need_state_make_one_cluster(rows, stores, k):
    found = cluster_category(sales_by_need_state=with_shares(table().query(rows)), settings=SETTINGS)
    assert len(found["internal_clusters"]) == stores
    assert found["internal_verdicts"].loc[0, ["verdict", "k"]].tolist() == ["no structure", k]


def test_a_category_of_excluded_stores_alone_has_a_verdict_and_nothing_else():
    found = cluster_category(sales_by_need_state=table().assign(is_excluded=True), settings=SETTINGS)
    assert found["internal_verdicts"][["category", "verdict", "k"]].iloc[0].tolist() == ["Bread", "no structure", 0]
    assert all(len(frame) == 0 for name, frame in found.items() if name != "internal_verdicts")


def test_an_empty_table_gives_empty_tables(found):
    empty = cluster_category(sales_by_need_state=table().iloc[:0], settings=SETTINGS)
    for name, frame in empty.items():
        assert len(frame) == 0
        assert sorted(frame.columns) == sorted(found[name].columns)


def test_two_categories_at_once_are_an_error():
    both = pd.concat([table(6), table(6, category="Milk")])
    with pytest.raises(DataError, match="2 categories, 'Bread' and 'Milk' among them"):
        cluster_category(sales_by_need_state=both, settings=SETTINGS)


def test_a_need_state_of_weight_0_is_not_clustered_on_and_its_share_is_published_all_the_same(found):
    weighed = cluster_category(
        sales_by_need_state=table(), settings=msgspec.structs.replace(SETTINGS, weights={"need 0": 0.0, "need 1": 4.0})
    )
    values = {
        name: tables["internal_features"].pivot(index="store_id", columns="feature", values=["value", "share"])
        for name, tables in {"plain": found, "weighed": weighed}.items()
    }
    plain, weighed_values = values["plain"]["value"], values["weighed"]["value"]
    assert (weighed_values["need 0"] == 0).all()
    assert weighed_values["need 1"].to_numpy() == pytest.approx(2.0 * plain["need 1"].to_numpy())
    assert values["weighed"]["share"].equals(values["plain"]["share"])
