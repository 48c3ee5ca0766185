"""The bounds that every choice of k keeps, and why only one cluster was possible."""

from __future__ import annotations

import math

from pipeline.settings import ClusteringSettings, Merging


def smallest_size(settings: ClusteringSettings | Merging, stores: int) -> int:
    """The smallest size of a cluster: max(`min_cluster_size`, `min_cluster_share` x the fitted stores, rounded up)."""
    # A share such as 0.03 is not exact in binary: 0.03 x 300 must be 9 stores, not 10.
    return max(settings.min_cluster_size, math.ceil(round(settings.min_cluster_share * stores, 9)))


def largest_k(settings: ClusteringSettings, stores: int) -> int:
    """The largest k to try: min(`k_max`, stores // (2 x the smallest size)), at least 1."""
    return max(1, min(settings.k_max, stores // (2 * smallest_size(settings, stores))))


def is_reproducible(stability: float, jaccard: float, settings: ClusteringSettings) -> bool:
    """Whether stability and every cluster's Jaccard reach the minimum in the settings."""
    return stability >= settings.min_stability and jaccard >= settings.min_jaccard


def why_only_one(stores: int, smallest: int) -> str:
    """Why no larger k was tried, in words."""
    if stores < 4 * smallest:
        return (
            f"k = 1: with {stores} stores fitted, fewer than {4 * smallest}, two clusters of {smallest} are not tried"
        )
    return "k = 1: the stores do not differ"
