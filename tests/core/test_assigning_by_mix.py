"""New stores that are placed by their sales mix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from core.assigned_stores import (
    CATEGORIES,
    FAST,
    assigned,
    fitted,
    own_cluster_back,
    placed,
    published,
)

from pipeline.core.assigning.learning import learnt_inside
from pipeline.core.assigning.published import clustering, wide
from pipeline.core.assigning.sales import new_sales
from pipeline.core.assigning.space_tables import published_spaces
from pipeline.core.assigning.spaces import Points, farthest, place
from pipeline.core.clustering.densities import posteriors
from pipeline.core.clustering.evidence import Roots
from pipeline.core.internal.clustering import cluster_category
from pipeline.core.internal.preprocessing import preprocess
from pipeline.core.statistics.features import positive_sales
from pipeline.settings import Assign, ExternalClustering, InternalClustering, InternalPreprocessing
from pipeline.settings.assigning import model_of


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("small", [0, 3, 5])
def test_a_fitted_store_gets_its_own_cluster_back_small_or_not_weighed_or_not(small, weights):
    of = fitted(small=small, weights=weights)
    back = own_cluster_back(of)
    spaces = of.model["model_spaces"].query("side == 'internal'")
    assert (spaces["replayed_share"] * spaces["stores"]).sum() == pytest.approx(back.sum())
    assert back.all()
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    both = both[both["internal_cluster"] == both["cluster_y"]]
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-6)


def test_a_store_of_a_cluster_that_lacks_need_states_is_placed_there_by_what_it_lacks():
    of = fitted(weights=False, lacking=(1, 3))
    together = of.model["model_features"].query("is_lacked_together")
    assert set(zip(together["category"], together["feature"], strict=True)) >= {("Bread", "b"), ("Bread", "d")}
    assert own_cluster_back(of).all()
    likeliest = of.tables["internal_memberships"].groupby(["store_id", "category"])["probability"].max()
    found = placed(of, of.sales).dropna(subset=["distance"]).set_index(["store_id", "category"])["probability"]
    np.testing.assert_allclose(found, likeliest.loc[found.index], atol=1e-6)


def test_distances_and_margins_are_those_that_the_clustering_published():
    of = fitted()
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-8)
    np.testing.assert_allclose(both["margin_x"].astype(float), both["margin_y"].astype(float), atol=1e-8)


def test_a_store_that_is_known_by_its_exclusion_alone_has_its_row_and_the_reason():
    of = fitted()
    inside = new_sales(of.sales.iloc[:0], pd.DataFrame({"store_id": ["x9"]}), set(CATEGORIES), InternalPreprocessing())
    assert inside.sales_by_need_state.empty
    found = assigned(of, inside)
    assert found["store_id"].tolist() == ["x9", "x9"]
    assert set(found["category"]) == set(CATEGORIES)


def test_a_fitted_store_is_as_likely_in_its_cluster_as_was_published():
    of = fitted(weights=False)
    assert own_cluster_back(of).all()
    likeliest = of.tables["internal_memberships"].groupby(["store_id", "category"])["probability"].max()
    found = placed(of, of.sales).dropna(subset=["distance"]).set_index(["store_id", "category"])["probability"]
    np.testing.assert_allclose(found, likeliest.loc[found.index], atol=1e-6)
    around = (
        placed(of, offered=of.offered).query("category == 'Bread'").merge(of.tables["external_clusters"], on="store_id")
    )
    assert (around["external_cluster"] == around["cluster_y"]).all()


def test_stores_held_out_shape_nothing_and_are_placed_as_the_clustering_placed_them():
    held_out, alone = ("s000", "s001"), fitted()
    of = fitted(held_out=held_out)
    both = placed(of, of.sales, of.offered).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    assert (both["internal_cluster"] == both["cluster_y"]).all()
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-8)
    for category in CATEGORIES:
        facts = [one.model["model_spaces"].set_index("category").loc[category, "stores"] for one in (of, alone)]
        assert facts == [alone.tables["internal_clusters"]["category"].eq(category).sum() - 2, facts[1]]


def test_outlier_stores_are_placed_as_the_clustering_placed_them():
    of = fitted(outliers="isolation_forest")
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    assert (both["internal_cluster"] == both["cluster_y"]).all()


def test_a_store_beyond_nearly_all_that_were_fitted_is_placed_at_the_nearest_and_said_to_be_too_far():
    of = fitted()
    strange = pd.DataFrame([("n1", "Bread", "a", 50_000), ("n2", "Bread", "d", 50_000)], columns=of.sales.columns)
    found = placed(of, strange).query("category == 'Bread'").set_index("store_id")
    assert found["too_far"].all()
    assert found["why"].str.contains("farther from every centroid than 99% of the stores that were fitted").all()
    first = of.tables["internal_clusters"].query("category == 'Bread' and store_id in ['s000', 's003', 's006']")[
        "cluster"
    ]
    assert found.loc["n1", "internal_cluster"] == first.mode()[0]


def test_of_the_fitted_stores_one_in_a_hundred_is_too_far_at_most_and_none_of_fewer():
    of = fitted()
    for _, rows in placed(of, of.sales).query("method == 'mix'").groupby("category"):
        assert rows["too_far"].sum() == len(rows) // 100
    for stores in (20, 99, 100, 116, 250):
        values = np.random.default_rng(stores).random((stores, 1)) - 0.5
        own = np.abs(values - values.mean())[:, 0]
        one = of.model["model_spaces"].iloc[:1]
        space = published_spaces(of.model)[str(one["side"].iloc[0]), str(one["category"].iloc[0])]
        d, k = len(space.features), len(space.clusters)
        wide = np.column_stack([values, np.zeros((stores, d - 1))])
        placed_at = np.column_stack([np.full(k, values.mean()), np.zeros((k, d - 1))])
        space = space._replace(weights=np.ones(d), centroids=placed_at, max_distance=farthest(own.round(10)))
        points = Points(wide, np.ones(wide.shape), np.zeros(stores))
        assert place(space, points).too_far.sum() == stores // 100


def test_sales_in_a_need_state_that_no_store_sold_are_left_out_and_told():
    of = fitted()
    known = pd.DataFrame([("n1", "Bread", "a", 40_000), ("n1", "Bread", "b", 20_000)], columns=of.sales.columns)
    new = pd.concat([known, known.tail(1).assign(need_state="unheard of", sales_cents=40_000)])
    row, same = (placed(of, sales).query("category == 'Bread'").iloc[0] for sales in (new, known))
    assert "40.0% of its mapped sales are left out: no store of the clusters sold these need states" in row["why"]
    assert (row["internal_cluster"], row["distance"]) == (same["internal_cluster"], same["distance"])


@pytest.mark.parametrize("seed", range(4))
def test_two_need_states_that_are_equally_large_do_not_turn_the_published_mixture(seed: int):
    random, rows = np.random.default_rng(2 * seed), []
    for number in range(15):
        first, second, third = (random.dirichlet([300, 500, 200]) * 10**6).astype(int).tolist()
        for store, cents in ((f"s{number:02}", (first, second, third)), (f"t{number:02}", (second, first, third))):
            rows += [(store, "Bread", need, amount) for need, amount in zip("abc", cents, strict=True)]
    sales = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])
    none = pd.DataFrame({"store_id": pd.Series(dtype=object)})
    inside = preprocess(sales=sales, unchosen_stores=none, settings=InternalPreprocessing())
    by_need = published("sales_by_need_state", inside["sales_by_need_state"])
    made = cluster_category(sales_by_need_state=by_need, settings=InternalClustering(k=2, **FAST))
    tables = {
        name: published(name, made[name]) for name in ("internal_clusters", "internal_features", "internal_mixture")
    }
    of = clustering(*tables.values())
    shares = wide(tables["internal_features"], "share", of.clusters.index)
    learnt = learnt_inside(
        of, shares, positive_sales(by_need), model_of(Assign(), InternalClustering(), ExternalClustering())
    )
    stores = learnt.seeing.of(
        learnt.points.values, Roots(learnt.seeing.base, learnt.points.counted), learnt.points.thin
    )
    assert (posteriors(stores, learnt.mixture)[0].argmax(axis=1) + 1 == of.clusters).all()
