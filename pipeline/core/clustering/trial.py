"""Try a k: its fit, its refits, and all its figures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import bootstrap, rules
from pipeline.core.clustering.centroid_algorithms import Algorithm, Centroids, Refits
from pipeline.core.clustering.figures import calinski_harabasz, centroids, davies_bouldin, silhouettes
from pipeline.core.clustering.mixture import bic
from pipeline.core.clustering.rules import KFigures
from pipeline.settings import ClusteringSettings


class Trial(NamedTuple):
    """One k: its figures, the clusters (n,) of the fitted stores, from 0, and the refits."""

    figures: KFigures
    labels: NDArray[np.int64]
    refits: Refits


def try_every_k(
    matrix: NDArray[np.float64], drawn: NDArray[np.float64], fits: Algorithm, settings: ClusteringSettings
) -> list[Trial]:
    """Try every k from 1 to the largest of the settings (`rules.largest_k`); a fixed k may be larger."""
    return try_k(matrix, drawn, fits, most(matrix, settings))


def most(matrix: NDArray[np.float64], settings: ClusteringSettings) -> int:
    """The largest k to try for a matrix (n, d): by the settings, at most the number of distinct rows."""
    varying = int((matrix.max(axis=0) > matrix.min(axis=0)).sum()) if matrix.shape[1] else 0
    distinct = len(np.unique(matrix, axis=0)) if varying else 1
    k_max = max(min(rules.largest_k(settings, len(matrix)), max(2 * varying, 1)), settings.k or 1)
    return min(k_max, distinct)


def try_k(matrix: NDArray[np.float64], drawn: NDArray[np.float64], fits: Algorithm, k_max: int) -> list[Trial]:
    """Fit and measure every k from 1 to `k_max`, or to the last k without an empty cluster.

    Rows that differ by less than the rounding error of squared distances are distinct, but no cluster can separate them.

    Parameters
    ----------
    matrix : (n, d) the fitted stores, n >= 1
    drawn : (B, n) how often each store is in each bootstrap resample
    fits : the algorithm
    k_max : at most the number of distinct rows
    """
    partitions = labelings(fits, k_max)
    apart = silhouettes(matrix, partitions[1:])
    trials = [_one_cluster(matrix, drawn)]
    for k, (labels, of_stores) in enumerate(zip(partitions[1:], apart, strict=True), start=2):
        trials.append(_several(matrix, drawn, labels, k, fits.refits(k), float(of_stores.mean())))
    return trials


def labelings(fits: Algorithm, k_max: int) -> list[NDArray[np.int64]]:
    """The clusters (n,) of every k from 1 to `k_max`, or to the last k without an empty cluster."""
    partitions = []
    for k in range(1, k_max + 1):
        labels = fits.labels(k)
        if not np.bincount(labels, minlength=k).all():
            break
        partitions.append(labels)
    return partitions


def _one_cluster(matrix: NDArray[np.float64], drawn: NDArray[np.float64]) -> Trial:
    n = len(matrix)
    labels = np.zeros(n, dtype=np.int64)
    total = float(np.square(matrix - matrix.mean(axis=0)).sum())
    figures = KFigures(1, np.nan, np.nan, np.nan, bic(matrix, labels, 1), total, n, 1.0, 1.0)
    return Trial(figures, labels, refits_of_one(matrix, drawn))


def refits_of_one(matrix: NDArray[np.float64], drawn: NDArray[np.float64]) -> Centroids:
    """The refits of one cluster: the mean of each resample."""
    return Centroids((drawn @ matrix / len(matrix))[:, None, :])


def _several(
    matrix: NDArray[np.float64],
    drawn: NDArray[np.float64],
    labels: NDArray[np.int64],
    k: int,
    refits: Refits,
    silhouette: float,
) -> Trial:
    n = len(matrix)
    centres = centroids(matrix, labels, k)
    inertia = float(np.square(matrix - centres[labels]).sum())
    total = float(np.square(matrix - matrix.mean(axis=0)).sum())
    again = refits.assign(matrix)
    figures = KFigures(
        k=k,
        silhouette=silhouette,
        calinski_harabasz=calinski_harabasz(total, inertia, n, k),
        davies_bouldin=davies_bouldin(matrix, labels, centres),
        bic=bic(matrix, labels, k),
        inertia=inertia,
        smallest_cluster=int(np.bincount(labels, minlength=k).min()),
        stability=bootstrap.stability(again, k),
        jaccard=bootstrap.jaccard(labels, again, drawn, k),
    )
    return Trial(figures, labels, refits)
