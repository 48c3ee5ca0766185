"""How reproducible a clustering is, measured by refits on resampled stores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHUNK_STORES = 4_096  # stores whose memberships are held at once


def resample(n: int, resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """The number of times that each bootstrap resample draws each of n stores (resamples, n): n draws with replacement."""
    drawn: NDArray[np.float64] = random.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(np.float64)
    return drawn


def stability(refits: NDArray[np.int64], k: int) -> float:
    """Mean adjusted Rand index [1]_ over all pairs of refits.

    `refits` (B, n): every fitted store's cluster in each refit, whether it was drawn or not. -1..1; 1 for k = 1.

    References
    ----------
    .. [1] L. Hubert, P. Arabie, "Comparing partitions", J. Classif. 2, 1985; as a measure of stability U. von Luxburg,
       "Clustering stability: an overview", Found. Trends Mach. Learn. 2(3), 2010.
    """
    n_refits, n = refits.shape
    if k == 1 or n < 2:
        return 1.0
    shared = np.zeros((n_refits * k, n_refits * k))
    for first in range(0, n, _CHUNK_STORES):
        part = refits[:, None, first : first + _CHUNK_STORES] == np.arange(k)[:, None]
        members = part.reshape(n_refits * k, -1).astype(np.float64)
        shared += members @ members.T
    sizes = shared.diagonal().reshape(n_refits, k)
    together = _pairs(shared.reshape(n_refits, k, n_refits, k)).sum(axis=(1, 3))
    own = _pairs(sizes).sum(axis=1)
    expected = own[:, None] * own / (n * (n - 1) / 2.0)
    largest = 0.5 * (own[:, None] + own)
    index = np.ones_like(together)  # both put all stores in one cluster, or each in its own: the same partition
    np.divide(together - expected, largest - expected, out=index, where=largest > expected)
    return float(index[np.triu_indices(n_refits, 1)].mean())


def jaccard(labels: NDArray[np.int64], refits: NDArray[np.int64], drawn: NDArray[np.float64], k: int) -> float:
    """The Jaccard similarity to the most similar cluster of each refit [1]_: the mean over refits, the lowest over clusters.

    `labels` (n,) and `refits` (B, n) from 0; in each refit only the stores `drawn` (B, n) count, each once. A refit
    without any store of a cluster does not count for that cluster. 0..1; 1 for k = 1.

    References
    ----------
    .. [1] C. Hennig, "Cluster-wise assessment of cluster stability", Comput. Stat. Data Anal. 52, 2007.
    """
    if k == 1:
        return 1.0
    numbers = np.arange(k)[:, None]
    original = labels == numbers
    similar, seen = np.zeros(k), np.zeros(k)
    for refit, times in zip(refits, drawn, strict=True):
        before = (original & (times > 0)).astype(np.float64)
        after = ((refit == numbers) & (times > 0)).astype(np.float64)
        shared = before @ after.T
        sizes = before.sum(axis=1)
        united = sizes[:, None] + after.sum(axis=1) - shared
        similar += (shared / np.maximum(united, 1.0)).max(axis=1)
        seen += sizes > 0
    return float((similar / np.maximum(seen, 1.0)).min())


def _pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts * (counts - 1.0) / 2.0
