"""Choose k by its figures, with the reason in words."""

from __future__ import annotations

import math
from typing import NamedTuple

from pipeline.settings import ClusteringSettings, Merging

UNSTABLE = 0.2  # points of BIC per store, where a cluster is never found again


class KFigures(NamedTuple):
    """The figures of one k; silhouette, Calinski-Harabasz and Davies-Bouldin are NaN at k = 1."""

    k: int
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    bic: float
    inertia: float
    smallest_cluster: int
    stability: float
    jaccard: float


class Choice(NamedTuple):
    """The chosen k, and the reason."""

    k: int
    reason: str


def smallest_size(settings: ClusteringSettings | Merging, stores: int) -> int:
    """The smallest size of a cluster: max(`min_cluster_size`, `min_cluster_share` x the fitted stores, rounded up)."""
    # A share such as 0.03 is not exact in binary: 0.03 x 300 must be 9 stores, not 10.
    return max(settings.min_cluster_size, math.ceil(round(settings.min_cluster_share * stores, 9)))


def largest_k(settings: ClusteringSettings, stores: int) -> int:
    """The largest k to try: min(`k_max`, stores // (2 x the smallest size)), at least 1."""
    return max(1, min(settings.k_max, stores // (2 * smallest_size(settings, stores))))


def criterion(bic: float, jaccard: float, stores: int) -> float:
    """The criterion that `bic_stable` minimises: the BIC, plus a charge if resamples do not reproduce every cluster.

    bic + n (1 - jaccard) / 5, with the Jaccard similarity of the least reproducible cluster. If clusters overlap, or noise can be cut in
    several ways, a k that is too large often has a slightly lower BIC, and resamples cut elsewhere. Like the entropy in the integrated
    completed likelihood [1]_, this charges a k for uncertain clusters; here the resamples measure the uncertainty, not the model that
    gave the BIC. The size of the charge was chosen on planted stores: docs/decisions/0003.

    References
    ----------
    .. [1] C. Biernacki, G. Celeux, G. Govaert, "Assessing a mixture model for clustering with the integrated completed likelihood",
       IEEE Trans. PAMI 22(7), 2000.
    """
    return bic + UNSTABLE * stores * (1.0 - jaccard)


def is_reproducible(stability: float, jaccard: float, settings: ClusteringSettings) -> bool:
    """Whether stability and every cluster's Jaccard reach the minimum in the settings."""
    return stability >= settings.min_stability and jaccard >= settings.min_jaccard


def take(figures: list[KFigures], settings: ClusteringSettings, stores: int) -> Choice:
    """The k that the settings fix, or else the k that their rule takes; parameters as in `choose`."""
    if settings.k is None:
        return choose(figures, settings, stores)
    return fixed(figures[: settings.k], settings.k, settings, stores)


def choose(figures: list[KFigures], settings: ClusteringSettings, stores: int) -> Choice:
    """The k with the lowest `criterion`, among k = 1 and every k >= 2 that qualifies; ties go to the smaller k.

    A k qualifies if it is reproducible and all its clusters are large enough. If no k >= 2 qualifies, k = 1.

    Parameters
    ----------
    figures : the figures of k = 1, 2, ... up to the largest k tried
    stores : the number of fitted stores
    """
    smallest = smallest_size(settings, stores)
    if len(figures) == 1:
        return Choice(1, why_only_one(stores, smallest))
    stable = [
        of_k
        for of_k in figures[1:]
        if of_k.smallest_cluster >= smallest and is_reproducible(of_k.stability, of_k.jaccard, settings)
    ]
    return _lowest_criterion(figures, stable, settings, smallest, stores)


def fixed(figures: list[KFigures], asked: int, settings: ClusteringSettings, stores: int) -> Choice:
    """The k that the settings fix, or the largest possible k: the last of `figures`."""
    last = figures[-1]
    reason = f"k = {asked} is set"
    if last.k < asked:
        reason += f", but the stores can form {last.k} different clusters at most: k = {last.k}"
    smallest = smallest_size(settings, stores)
    if last.smallest_cluster < smallest and last.k > 1:
        reason += f"; its smallest cluster has {last.smallest_cluster} stores, fewer than the {smallest} that a chosen k needs"
    return Choice(last.k, reason)


def why_only_one(stores: int, smallest: int) -> str:
    """Why no larger k was tried, in words."""
    if stores < 4 * smallest:
        return (
            f"k = 1: with {stores} stores fitted, fewer than {4 * smallest}, two clusters of {smallest} are not tried"
        )
    return "k = 1: the stores do not differ"


def criteria(settings: ClusteringSettings, smallest: int, stability: float) -> str:
    """The minimum that a k >= 2 must reach, in words."""
    return (
        f"stability at least {stability:.2f}, every cluster's Jaccard at least {settings.min_jaccard:.2f} "
        f"and {smallest} stores"
    )


def _lowest_criterion(
    figures: list[KFigures], stable: list[KFigures], settings: ClusteringSettings, smallest: int, stores: int
) -> Choice:
    asked = criteria(settings, smallest, settings.min_stability)
    one_cluster, tried = figures[0], figures[-1].k
    if not stable:
        return Choice(1, f"k = 1: no k from 2 to {tried} qualifies ({asked})")
    values = {of_k.k: criterion(of_k.bic, of_k.jaccard, stores) for of_k in stable}
    rival = min(stable, key=lambda of_k: values[of_k.k])
    if one_cluster.bic <= values[rival.k]:
        return Choice(
            1,
            f"k = 1 has a lower BIC ({one_cluster.bic:.0f}) than any k that qualifies has with a charge for instability (k = {rival.k}: "
            f"{values[rival.k]:.0f})",
        )
    among = f"of k = 1 and the {len(stable)} of k = 2 to {tried} that qualify ({asked})"
    return Choice(rival.k, taken(rival.k, rival.bic, rival.stability, rival.jaccard, one_cluster.bic, stores, among))


def taken(k: int, bic: float, stability: float, jaccard: float, bic_of_one: float, stores: int, among: str) -> str:
    """Why `bic_stable` takes a k >= 2, in words; `among` names the k that were compared."""
    return (
        f"k = {k} has the lowest BIC, with a charge for instability ({criterion(bic, jaccard, stores):.0f}; k = 1: {bic_of_one:.0f}), "
        f"{among}; its stability is {stability:.2f}, its lowest Jaccard {jaccard:.2f}"
    )
