"""The figures that describe a clustering without refitting it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from pipeline.core.clustering import sampling

_CHUNK_NUMBERS = 4_000_000  # distances held at once: 32 MB
_FEWEST_COMPARED = 100  # of a cluster's stores, as far as it has so many: those of a small one are added to the sample


def centroids(matrix: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """The mean (k, d) of each cluster's stores; every cluster has a store."""
    members = (labels == np.arange(k)[:, None]).astype(np.float64)
    means: NDArray[np.float64] = (members @ matrix) / members.sum(axis=1, keepdims=True)
    return means


def distances(matrix: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances (n, k) of the stores to the centres, from differences: exactly 0 if they coincide."""
    distances: NDArray[np.float64] = np.stack(
        [np.sqrt(np.square(matrix - centre).sum(axis=1)) for centre in centres], 1
    )
    return distances


def silhouettes(matrix: NDArray[np.float64], labelings: Sequence[NDArray[np.int64]]) -> list[NDArray[np.float64]]:
    """Silhouette [1]_ of every store in each of several clusterings; the distances are computed once for all.

    (b - a) / max(a, b): a is the mean distance to the other stores of the own cluster, b the smallest mean distance
    to the stores of another cluster; 0 for a store alone in its cluster. With more than `sampling.EXACT` stores these means are over
    the stores of a sample.

    Parameters
    ----------
    matrix : (n, d)
    labelings : each (n,), clusters from 0 without gaps, at least two of them

    Returns
    -------
    One (n,) array for each labeling, -1..1.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
       J. Comput. Appl. Math. 20, 1987.
    """
    if not labelings:
        return []
    n = len(matrix)
    counts = [int(labels.max()) + 1 for labels in labelings]
    compared = _compared(labelings, counts)
    every = np.flatnonzero(np.any(compared, axis=0))
    members = np.concatenate(
        [
            ((labels[every, None] == np.arange(k)) & chosen[every, None]).astype(np.float64)
            for labels, k, chosen in zip(labelings, counts, compared, strict=True)
        ],
        1,
    )
    others = matrix[every]
    rows = max(1, _CHUNK_NUMBERS // len(every))
    sums = np.concatenate([cdist(matrix[first : first + rows], others) @ members for first in range(0, n, rows)])
    ends = np.cumsum(counts)
    return [
        _silhouette(sums[:, end - k : end], labels, members[:, end - k : end].sum(axis=0), chosen)
        for labels, k, end, chosen in zip(labelings, counts, ends, compared, strict=True)
    ]


def _compared(labelings: Sequence[NDArray[np.int64]], counts: Sequence[int]) -> list[NDArray[np.bool_]]:
    """For each labeling, the stores (n,) with which all stores are compared."""
    n = len(labelings[0])
    order = sampling.order(n)
    if order is None:
        return [np.ones(n, dtype=bool)] * len(labelings)
    samples = []
    for labels, k in zip(labelings, counts, strict=True):
        chosen = np.zeros(n, dtype=bool)
        chosen[order[: sampling.SAMPLE]] = True
        sizes = np.bincount(labels[chosen], minlength=k)
        for cluster in np.flatnonzero(sizes < _FEWEST_COMPARED):
            chosen[order[labels[order] == cluster][:_FEWEST_COMPARED]] = True
        samples.append(chosen)
    return samples


def calinski_harabasz(total: float, inertia: float, n: int, k: int) -> float:
    """Between- to within-cluster dispersion, ((T - W) / (k - 1)) / (W / (n - k)) [1]_.

    `total` (T) is the sum of squared distances to the common mean, `inertia` (W) to the own centroid. If W is 0 and T
    is not, the result is the largest float in place of infinity.

    References
    ----------
    .. [1] T. Caliński, J. Harabasz, "A dendrite method for cluster analysis", Commun. Stat. 3(1), 1974.
    """
    if k >= n or inertia <= 0.0:
        return sys.float_info.max
    return ((total - inertia) / (k - 1)) / (inertia / (n - k))


def davies_bouldin(matrix: NDArray[np.float64], labels: NDArray[np.int64], centres: NDArray[np.float64]) -> float:
    """Mean over clusters of the largest (s_i + s_j) / d_ij [1]_; lower is better.

    s is the mean distance of a cluster's stores to its centroid, d the distance between centroids; pairs with
    equal centroids are skipped.

    References
    ----------
    .. [1] D. L. Davies, D. W. Bouldin, "A cluster separation measure", IEEE Trans. PAMI 1(2), 1979.
    """
    own = np.sqrt(np.square(matrix - centres[labels]).sum(axis=1))
    scatter = np.bincount(labels, weights=own, minlength=len(centres)) / np.bincount(labels, minlength=len(centres))
    apart = distances(centres, centres)
    similarity = np.zeros_like(apart)
    np.divide(scatter[:, None] + scatter, apart, out=similarity, where=apart > 0)
    return float(similarity.max(axis=1).mean())


def _silhouette(
    sums: NDArray[np.float64], labels: NDArray[np.int64], sizes: NDArray[np.float64], compared: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The silhouettes (n,), from the sums (n, k) of the distances to each cluster's compared stores, and their number (k,)."""
    rows = np.arange(len(labels))
    own_size = np.bincount(labels)[labels]
    within = sums[rows, labels] / np.maximum(sizes[labels] - compared, 1)
    means = sums / sizes
    means[rows, labels] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    widths = np.zeros(len(labels))
    np.divide(between - within, larger, out=widths, where=(larger > 0) & (own_size > 1))
    return widths
