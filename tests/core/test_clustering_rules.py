"""Which k is taken."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.clustering import rules
from pipeline.settings import ClusteringSettings


def figures(k: int, **changes: float) -> rules.KFigures:
    usual = {"silhouette": 0.3, "calinski_harabasz": 50.0, "davies_bouldin": 1.0, "bic": -100.0 * k, "inertia": 9.0 / k}
    usual |= {"smallest_cluster": 20, "stability": 0.95, "jaccard": 0.9}
    if k == 1:
        usual |= dict.fromkeys(("silhouette", "calinski_harabasz", "davies_bouldin"), np.nan)
        usual |= {"stability": 1.0, "jaccard": 1.0}
    return rules.KFigures(k=k, **(usual | changes))


def choose(*tried: rules.KFigures, stores: int = 100, **settings: object) -> rules.Choice:
    return rules.choose(list(tried), ClusteringSettings(min_jaccard=0.5, min_stability=0.6, **settings), stores)


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


def test_it_takes_the_lowest_criterion_of_those_that_qualify():
    tried = [figures(1), figures(2), figures(3), figures(4, jaccard=0.49), figures(5, stability=0.59)]
    found = choose(*tried, figures(6, smallest_cluster=4))
    assert found.k == 3
    assert found.reason.startswith(
        "k = 3 has the lowest BIC, with a charge for instability (-298; k = 1: -100), of k = 1 and the 2 of k = 2 to 6 that qualify "
        "(stability at least 0.60"
    )
    assert found.reason.endswith("; its stability is 0.95, its lowest Jaccard 0.90")
    assert choose(*tried, figures(6, smallest_cluster=5)).k == 6


def test_it_takes_one_cluster_where_that_has_the_lowest_bic():
    found = choose(figures(1, bic=-500.0), figures(2), figures(3))
    assert (found.k, found.reason) == (
        1,
        "k = 1 has a lower BIC (-500) than any k that qualifies has with a charge for instability (k = 3: -298)",
    )


def test_a_bic_that_is_a_little_lower_does_not_make_up_for_a_cluster_that_is_not_found_again():
    """Of 100 stores: a Jaccard similarity that is lower by 0.3 is worth 6 points of BIC."""
    tried = [figures(1), figures(2, bic=-300.0), figures(3, jaccard=0.6, bic=-305.9)]
    assert choose(*tried).k == 2
    assert choose(*tried[:2], figures(3, jaccard=0.6, bic=-306.1)).k == 3
    assert choose(*tried, stores=90).k == 3


def test_one_cluster_is_certain_and_need_not_be_beaten_by_a_cut_through_noise():
    assert choose(figures(1), figures(2, bic=-107.9, jaccard=0.6)).k == 1
    assert choose(figures(1), figures(2, bic=-108.1, jaccard=0.6)).k == 2


def test_it_takes_one_cluster_where_none_qualifies():
    found = choose(figures(1), figures(2, stability=0.1), figures(3, jaccard=0.1))
    assert found.k == 1
    assert found.reason.startswith("k = 1: no k from 2 to 3 qualifies (stability at least 0.60")


def test_a_tie_goes_to_the_smaller_k():
    assert choose(figures(1), figures(2, bic=-250.0), figures(3, bic=-250.0)).k == 2


def test_one_k_alone_is_explained():
    assert choose(figures(1), stores=12).reason == (
        "k = 1: with 12 stores fitted, fewer than 20, two clusters of 5 are not tried"
    )
    assert choose(figures(1), stores=100).reason == "k = 1: the stores do not differ"


def test_a_fixed_k_is_taken_as_far_as_it_is_possible():
    settings = ClusteringSettings(k=4)
    tried = [figures(1), figures(2), figures(3), figures(4)]
    assert rules.fixed(tried, 4, settings, 100) == rules.Choice(4, "k = 4 is set")
    clipped = rules.fixed(tried[:3], 4, settings, 100)
    assert clipped.k == 3
    assert "but the stores can form 3 different clusters at most" in clipped.reason
    small = rules.fixed([*tried[:3], figures(4, smallest_cluster=2)], 4, settings, 100)
    assert small.k == 4
    assert "its smallest cluster has 2 stores, fewer than the 5" in small.reason
