"""The k that `bic_stable` takes, without the figures of other k: it refits only if refits decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import bootstrap, rules
from pipeline.core.clustering.centroid_algorithms import Algorithm, Refits
from pipeline.core.clustering.mixture import bic
from pipeline.core.clustering.trial import labelings, most, refits_of_one, try_every_k
from pipeline.settings import ClusteringSettings


class Fit(NamedTuple):
    """The chosen k, the clusters (n,) of the fitted stores, from 0, the refits, and the reason for k."""

    k: int
    labels: NDArray[np.int64]
    refits: Refits
    reason: str


def take(matrix: NDArray[np.float64], drawn: NDArray[np.float64], fits: Algorithm, settings: ClusteringSettings) -> Fit:
    """The clustering with the k that the settings fix, or else that `bic_stable` takes: the same as `try_every_k` and `rules.take`.

    Among k with large enough clusters, the k with the lowest BIC is refitted first; then a k only if its BIC is below the best so far.

    Parameters
    ----------
    matrix : (n, d) the fitted stores, n >= 1
    drawn : (B, n) how often each store is in each bootstrap resample
    fits : the algorithm
    settings : their rule is `bic_stable`
    """
    if settings.k is not None:
        trials = try_every_k(matrix, drawn, fits, settings)
        choice = rules.take([trial.figures for trial in trials], settings, len(matrix))
        return Fit(choice.k, trials[choice.k - 1].labels, trials[choice.k - 1].refits, choice.reason)
    return _lowest_criterion(matrix, drawn, fits, settings)


def _lowest_criterion(
    matrix: NDArray[np.float64], drawn: NDArray[np.float64], fits: Algorithm, settings: ClusteringSettings
) -> Fit:
    partitions = labelings(fits, most(matrix, settings))
    partitions[0] = np.zeros(len(matrix), dtype=np.int64)
    smallest, tried = rules.smallest_size(settings, len(matrix)), len(partitions)
    values = [bic(matrix, labels, k) for k, labels in enumerate(partitions, start=1)]
    lower = [
        k
        for k in range(2, tried + 1)
        if values[k - 1] < values[0] and np.bincount(partitions[k - 1], minlength=k).min() >= smallest
    ]
    best, least = None, values[0]
    for k in sorted(lower, key=lambda k: values[k - 1]):
        if values[k - 1] >= least:  # what is unstable in it comes on top
            break
        refits = fits.refits(k)
        again = refits.assign(matrix)
        stability, jaccard = bootstrap.stability(again, k), bootstrap.jaccard(partitions[k - 1], again, drawn, k)
        value = rules.criterion(values[k - 1], jaccard, len(matrix))
        reproducible = rules.is_reproducible(stability, jaccard, settings)
        if reproducible and (value, k) < (least, best.k if best else 1):
            asked = rules.criteria(settings, smallest, settings.min_stability)
            among = f"of k = 1 and those of k = 2 to {tried} that qualify ({asked})"
            why = rules.taken(k, values[k - 1], stability, jaccard, values[0], len(matrix), among)
            best, least = Fit(k, partitions[k - 1], refits, why), value
    if best is not None:
        return best
    if tried == 1:
        reason = rules.why_only_one(len(matrix), smallest)
    elif lower:
        asked = rules.criteria(settings, smallest, settings.min_stability)
        reason = f"k = 1: of k = 2 to {tried} none that has a lower BIC qualifies ({asked})"
    else:
        reason = f"k = 1 has a lower BIC ({values[0]:.0f}) than any k whose clusters have at least {smallest} stores"
    return Fit(1, partitions[0], refits_of_one(matrix, drawn), reason)
