"""The bounds of every choice of k."""

from __future__ import annotations

import pytest

from pipeline.core.clustering import rules
from pipeline.settings import ClusteringSettings


@pytest.mark.parametrize(
    ("stores", "settings", "smallest"),
    [(100, {}, 5), (240, {}, 8), (300, {}, 9), (301, {}, 10), (1000, {"min_cluster_share": 0.1}, 100), (0, {}, 5)],
)
def test_the_smallest_size_is_the_larger_of_the_number_and_the_share_rounded_up(stores, settings, smallest):
    assert rules.smallest_size(ClusteringSettings(**settings), stores) == smallest


@pytest.mark.parametrize(("stores", "k_max"), [(2000, 16), (600, 16), (240, 15), (108, 10), (60, 6), (7, 1)])
def test_the_largest_k_leaves_room_for_clusters(stores, k_max):
    assert rules.largest_k(ClusteringSettings(), stores) == k_max
    assert rules.largest_k(ClusteringSettings(k_max=4), stores) == min(k_max, 4)


def test_that_one_cluster_alone_was_possible_is_explained():
    assert rules.why_only_one(12, 5) == "k = 1: with 12 stores fitted, fewer than 20, two clusters of 5 are not tried"
    assert rules.why_only_one(100, 5) == "k = 1: the stores do not differ"


@pytest.mark.parametrize(
    ("stability", "jaccard", "expected"), [(0.6, 0.5, True), (0.59, 1.0, False), (1.0, 0.49, False)]
)
def test_clusters_are_reproducible_where_stability_and_every_jaccard_reach_their_floors(stability, jaccard, expected):
    settings = ClusteringSettings(min_stability=0.6, min_jaccard=0.5)
    assert rules.is_reproducible(stability, jaccard, settings) is expected
