"""ChainClustering: the stores over all categories together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from pipeline.core.chain.agreement import compare_with_categories
from pipeline.core.chain.clustering import cluster_chain
from pipeline.core.chain.features import chain_features
from pipeline.core.statistics.explained import r_squared
from pipeline.schema import TABLES, UNMAPPED
from pipeline.settings import ChainClustering
from pipeline.storage.rows import to_arrow

QUICK = {"resamples": 10, "null_resamples": 19, "k_max": 4, "outliers": "none"}
NEEDS = ("a", "b", "c", "d", "e", "f")


def sold(*rows: tuple[str, str, str, int], excluded: frozenset[tuple[str, str]] = frozenset()) -> pd.DataFrame:
    """sales_by_need_state, as far as it is read."""
    found = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])
    found = found.astype({"store_id": "str", "category": "str", "need_state": "str", "sales_cents": "int64"})
    pairs = zip(found["store_id"], found["category"], strict=True)
    return found.assign(is_excluded=np.array([pair in excluded for pair in pairs], dtype=bool))


def planted(stores: int = 60) -> pd.DataFrame:
    """Two kinds of stores, told apart in Bread and Tea together; Salt is the same everywhere."""
    random = np.random.default_rng(0)
    mixes = {
        "Bread": ((6, 5, 4, 3, 2, 1), (1, 2, 3, 4, 5, 6)),
        "Tea": ((6, 6, 3, 3, 1, 2), (2, 1, 3, 3, 6, 6)),
        "Salt": ((4, 4, 4, 3, 3, 3), (4, 4, 4, 3, 3, 3)),
    }
    rows = []
    for store in range(stores):
        for category, of_kind in mixes.items():
            share = random.dirichlet(np.array(of_kind[store % 2]) * 5.0)
            rows += [
                (f"s{store:03d}", category, need, int(1e5 * of_need))
                for need, of_need in zip(NEEDS, share, strict=True)
            ]
    return sold(*rows)


def own(sales: pd.DataFrame) -> pd.DataFrame:
    """internal_clusters: by the store's number, as far as it is read."""
    pairs = sales.loc[~sales["is_excluded"], ["store_id", "category"]].drop_duplicates(ignore_index=True)
    return pairs.assign(cluster=1 + pairs["store_id"].str[1:].astype("int64") % 2)


def both(sales: pd.DataFrame, own_clusters: pd.DataFrame, told: ChainClustering) -> dict[str, pd.DataFrame]:
    """The tables of ChainClustering and ChainAgreement."""
    found = cluster_chain(sales_by_need_state=sales, settings=told)
    return found | compare_with_categories(
        sales_by_need_state=sales,
        chain_clusters=found["chain_clusters"],
        internal_clusters=own_clusters,
        settings=told,
    )


def clustered(sales: pd.DataFrame, **chosen: object) -> dict[str, pd.DataFrame]:
    """The tables, once they were seen to be what the schema says."""
    found = both(sales, own(sales), ChainClustering(**QUICK | chosen))
    for name, table in found.items():
        assert set(table.columns) == {column.name for column in TABLES[name].columns}
        to_arrow(table.sort_values(list(TABLES[name].key)), TABLES[name])
    return found


def test_kinds_of_stores_that_every_category_shows_are_found():
    found = clustered(planted())
    clusters = found["chain_clusters"]
    assert adjusted_rand_score(clusters["store_id"].str[1:].astype(int) % 2, clusters["cluster"]) == 1.0
    assert found["chain_verdicts"].loc[0, ["verdict", "k"]].tolist() == ["separated", 2]
    assert clusters["categories"].tolist() == [3] * 60
    assert clusters["coverage"].tolist() == pytest.approx([1.0] * 60)


def test_agreement_says_where_the_chains_clusters_are_the_categorys_own():
    agreement = clustered(planted())["chain_agreement"].set_index("category")
    assert agreement["agreement"].tolist() == [1.0] * 3
    assert agreement["stores"].tolist() == [60] * 3
    assert agreement.loc["Tea", "r_squared_chain"] > 0.8 > 0.1 > agreement.loc["Salt", "r_squared_chain"]
    pd.testing.assert_series_equal(
        agreement["r_squared_chain"], agreement["r_squared_internal"], check_names=False, rtol=1e-9
    )


def test_a_squared_distance_is_the_sales_weighted_mean_of_those_in_the_categories():
    sales = {
        "Bread": pd.DataFrame({"a": [300, 100, 200], "b": [100, 300, 200]}, index=["x", "y", "z"]),
        "Tea": pd.DataFrame({"c": [50, 10, 30], "d": [50, 90, 170]}, index=["x", "y", "z"]),
    }
    found = chain_features(sales, 0.0, 300)
    assert found.weight == {"Bread": pytest.approx(1200 / 1600), "Tea": pytest.approx(400 / 1600)}
    bread = (np.sqrt(3 / 4) - np.sqrt(1 / 4)) ** 2 * 2
    tea = (np.sqrt(0.5) - np.sqrt(0.1)) ** 2 + (np.sqrt(0.5) - np.sqrt(0.9)) ** 2
    distance = np.square(found.matrix.loc["x"] - found.matrix.loc["y"]).sum()
    assert distance == pytest.approx(0.75 * bread + 0.25 * tea)


def test_a_store_stands_at_the_mean_in_a_category_it_does_not_sell():
    sales = {
        "Bread": pd.DataFrame({"a": [300, 100, 200], "b": [100, 300, 200]}, index=["x", "y", "z"]),
        "Tea": pd.DataFrame({"c": [50, 10], "d": [50, 90]}, index=["x", "y"]),
    }
    found = chain_features(sales, 0.0, 300)
    tea = [name for name in found.matrix if name[0] == "Tea"]
    assert found.matrix.loc["z", tea].tolist() == [0.0, 0.0]
    assert found.matrix[tea].sum().tolist() == pytest.approx([0.0, 0.0])
    assert found.categories.to_dict() == {"x": 2, "y": 2, "z": 1}
    assert found.coverage["z"] == pytest.approx(1200 / 1400)


def test_need_states_beyond_the_largest_are_one_feature_of_their_category():
    wide = pd.DataFrame({"a": [50, 10], "b": [30, 40], "c": [15, 30], "d": [5, 20], UNMAPPED: [7, 7]}, index=["x", "y"])
    small = pd.DataFrame({"e": [3, 4], "f": [4, 3]}, index=["x", "y"])
    found = chain_features({"Bread": wide, "Tea": small}, 0.0, 2)
    assert list(found.matrix.columns) == [("Bread", "a"), ("Bread", "b"), ("Bread", "(rare)")]
    np.testing.assert_allclose(found.blocks["Bread"].loc["x"], np.sqrt([0.5, 0.3, 0.2]))
    assert list(chain_features({"Bread": wide}, 0.2, 300).blocks["Bread"].columns) == ["a", "b", "c", "(rare)"]


def test_a_category_of_many_small_need_states_keeps_most_of_its_mix_apart():
    sales = pd.DataFrame(np.full((2, 200), 5), index=["x", "y"], columns=[f"n{j:03d}" for j in range(200)])
    sales.iloc[:, :20] = 1
    of_bread = chain_features({"Bread": sales}, 0.01, 300).blocks["Bread"]
    assert of_bread.shape[1] == 181
    np.testing.assert_allclose(np.square(of_bread["(rare)"]), 20 / 920)


def test_a_store_known_in_little_of_the_chain_is_placed_and_not_fitted():
    sales = planted()
    sales = sales[~((sales["store_id"] == "s007") & (sales["category"] != "Salt"))]
    clusters = clustered(sales, min_coverage=0.5)["chain_clusters"].set_index("store_id")
    assert clusters.loc["s007", ["is_outlier", "categories"]].tolist() == [True, 1]
    assert clusters["is_outlier"].sum() == 1
    assert clusters.loc["s007", "coverage"] == pytest.approx(1 / 3, abs=0.01)


def test_a_store_excluded_everywhere_has_no_row_and_one_excluded_somewhere_does():
    sales = planted()
    gone = {("s001", category) for category in ("Bread", "Tea", "Salt")} | {("s002", "Tea")}
    sales["is_excluded"] = [pair in gone for pair in zip(sales["store_id"], sales["category"], strict=True)]
    found = clustered(sales)
    clusters = found["chain_clusters"].set_index("store_id")
    assert "s001" not in clusters.index
    assert clusters.loc["s002", "categories"] == 2
    assert found["chain_agreement"].set_index("category")["stores"].to_dict() == {"Bread": 59, "Tea": 58, "Salt": 59}


def test_profiles_are_the_mean_shares_of_the_clusters_stores_in_each_category():
    sales = planted()
    found = clustered(sales)
    row = found["chain_profiles"].query("cluster == 1 and category == 'Tea' and need_state == 'a'").iloc[0]
    members = set(found["chain_clusters"].query("cluster == 1")["store_id"])
    tea = sales[sales["category"] == "Tea"].pivot(index="store_id", columns="need_state", values="sales_cents")
    shares = tea.div(tea.sum(axis=1), axis=0)["a"]
    mean = shares[shares.index.isin(members)].mean()
    assert row["stores"] == len(members) == 30
    assert row["mean_share"] == pytest.approx(mean)
    assert row["share_index"] == pytest.approx(100 * mean / (tea["a"].sum() / tea.to_numpy().sum()))


@pytest.mark.parametrize(
    "sales",
    [
        pytest.param(sold(), id="no sales"),
        pytest.param(sold(("x", "Bread", "a", 100)), id="one store"),
        pytest.param(sold(("x", "Bread", UNMAPPED, 100), ("y", "Bread", UNMAPPED, 5)), id="nothing mapped"),
        pytest.param(sold(("x", "Bread", "a", -100), ("y", "Bread", "a", 0)), id="no positive sales"),
        pytest.param(sold(*((f"s{i}", "Bread", n, 10) for i in range(30) for n in NEEDS)), id="identical stores"),
        pytest.param(sold(("x", "Bread", "a", 9), excluded=frozenset({("x", "Bread")})), id="all excluded"),
    ],
)
def test_where_nothing_tells_stores_apart_they_are_one_cluster_and_none_is_lost(sales):
    found = both(sales, own(sales.assign(store_id="s1")), ChainClustering(**QUICK))
    stores = set(sales.loc[~sales["is_excluded"], "store_id"])
    assert set(found["chain_clusters"]["store_id"]) == stores
    assert set(found["chain_clusters"]["cluster"]) <= {1}
    verdicts = [("no structure", min(len(stores), 1))] if len(sales) else []
    assert list(found["chain_verdicts"][["verdict", "k"]].itertuples(index=False, name=None)) == verdicts


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_and_the_names_of_stores_change_nothing(seed):
    sales = planted(40)
    before = clustered(sales)
    shuffled = clustered(sales.sample(frac=1, random_state=seed))
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, shuffled[name])
    names = sorted(sales["store_id"].unique())
    new = dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True))
    renamed = cluster_chain(
        sales_by_need_state=sales.assign(store_id=sales["store_id"].map(new).astype("str")),
        settings=ChainClustering(**QUICK),
    )
    after = renamed["chain_clusters"].set_index("store_id").loc[[new[name] for name in names]]
    assert after["cluster"].tolist() == before["chain_clusters"]["cluster"].tolist()
    np.testing.assert_array_equal(after["distance"], before["chain_clusters"]["distance"])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5))
def test_r_squared_is_one_less_the_within_share_of_the_sum_of_squares(seed, stores, clusters):
    random = np.random.default_rng(seed)
    matrix, labels = random.normal(3, 2, (stores, 3)), random.integers(0, clusters, stores)
    total = ((matrix - matrix.mean(axis=0)) ** 2).sum()
    within = sum(((rows - rows.mean(axis=0)) ** 2).sum() for rows in (matrix[labels == c] for c in set(labels)))
    assert r_squared(matrix, labels) == pytest.approx(1 - within / total if stores > 1 else 0.0)


def test_nothing_is_explained_where_nothing_varies():
    assert r_squared(np.full((9, 2), 1 / 3), np.arange(9) % 2) == 0.0
    assert r_squared(np.zeros((0, 2)), np.zeros(0, dtype=np.int64)) == 0.0
    assert r_squared(np.zeros((4, 0)), np.arange(4)) == 0.0
