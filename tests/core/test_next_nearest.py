"""The next-nearest final cluster: by brute force, and in the numbers by which a person would place a store."""

from __future__ import annotations

import numpy as np
import pandas as pd
from core.merged_stores import Given, in_category

from pipeline.core.final.final_clusters import numbered
from pipeline.core.merging.next_nearest import NO_NEXT, next_nearest

EVERYWHERE = {f"s{i}": (1 + i % 2, (float(i % 2), 0.0)) for i in range(12)}


def test_it_is_the_nearest_other_centroid_and_the_margin_is_as_published() -> None:
    space = np.random.default_rng(0).normal(size=(40, 3))
    cell = np.repeat([4, 7, 2, 9], 10)
    following, margin = next_nearest(space, cell, np.ones(40, dtype=bool))
    for store in range(40):
        apart = {c: float(np.linalg.norm(space[store] - space[cell == c].mean(axis=0))) for c in (2, 4, 7, 9)}
        own = apart.pop(int(cell[store]))
        other = min(apart, key=apart.__getitem__)
        assert following[store] == other
        assert np.isclose(margin[store], (apart[other] - own) / max(apart[other], own), atol=1e-9)


def test_stores_are_compared_with_cells_of_their_own_kind_only_and_one_cell_has_no_next() -> None:
    space, cell = np.array([[0.0], [0.0], [9.0], [9.0], [1.0]]), np.array([0, 0, 1, 1, 2])
    following, margin = next_nearest(space, cell, np.array([True, True, True, True, False]))
    assert following.tolist() == [1, 1, 0, 0, NO_NEXT], "the last one is the only store that the outside data lacks"
    assert np.isnan(margin[4])
    alone, nothing = next_nearest(space, np.zeros(5, dtype=int), np.ones(5, dtype=bool))
    assert (alone == NO_NEXT).all()
    assert np.isnan(nothing).all()
    assert [len(part) for part in next_nearest(np.empty((0, 2)), np.empty(0, dtype=int), np.empty(0, dtype=bool))] == [
        0,
        0,
    ]


def test_in_a_crossing_it_is_the_number_of_a_final_cluster_where_that_of_the_sales_mix_is_another() -> None:
    outside = {f"s{i}": (1 + (i // 2) % 2, (float((i // 2) % 2) / 4,)) for i in range(12)}
    placed = Given(in_category(**EVERYWHERE), outside).cross(min_cluster_size=1)["store_clusters"].set_index("store_id")
    sides = {int(row.cluster): (int(row.internal_cluster), int(row.external_cluster)) for row in placed.itertuples()}
    assert len(sides) == 4
    for row in placed.itertuples():
        own, other = sides[row.cluster], sides[int(row.next_cluster)]
        assert own != other
        assert row.margin > 0
    assert set(placed["next_cluster"]) == {1, 2, 3, 4}, "the sales mix has the numbers 1 and 2 only"


def test_where_the_mix_alone_makes_the_clusters_nothing_else_decides_what_is_near() -> None:
    mixes = {f"s{i}": (1 + i // 4, (float([0, 1, 3][i // 4]) + i % 4 / 100,)) for i in range(12)}
    outside = {f"s{i}": (1, (float([0, 50, 0][i // 4]),)) for i in range(12)}
    merged = Given(in_category(**mixes), outside).merge(method="internal", min_cluster_size=2)
    placed = merged["store_clusters"].set_index("store_id")
    cluster_of = {group: int(placed.loc[f"s{4 * group}", "cluster"]) for group in range(3)}
    assert set(placed.loc["s8":"s9", "next_cluster"]) == {cluster_of[1]}
    assert placed.loc["s0", "next_cluster"] == cluster_of[1]


def test_a_store_without_sales_has_none_and_numbers_follow_those_of_the_reference() -> None:
    outside = {f"s{i}": (1 + i % 2, (float(i % 2),)) for i in range(14)}
    merged = Given(in_category(**EVERYWHERE), outside).merge(method="internal", min_cluster_size=2)
    nowhere = merged["store_clusters"].query("category == '(none)'")
    assert nowhere["next_cluster"].isna().all()
    placed = merged["store_clusters"].query("category == 'Bread'")
    before = placed[["store_id", "category"]].assign(cluster=placed["cluster"].map({1: 5, 2: 3}))
    used = pd.DataFrame({"category": ["Bread"], "highest_number": [8]})
    now = numbered(merged, before, used)["store_clusters"].query("category == 'Bread'")
    assert set(zip(now["cluster"], now["next_cluster"], strict=True)) == {(5, 3), (3, 5)}
