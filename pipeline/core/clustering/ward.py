"""Ward's agglomerative clustering, its tree cut at exactly k clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist


def tree(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The merges of Ward's method [1]_ on the points (n, d), as (n - 1, 2): point i is i, the result of merge j is n + j.

    References
    ----------
    .. [1] J. H. Ward, "Hierarchical grouping to optimize an objective function", JASA 58, 1963.
    """
    if len(points) < 2:
        return np.empty((0, 2), dtype=np.int64)
    merges: NDArray[np.int64] = linkage(pdist(points), method="ward")[:, :2].astype(np.int64)
    return merges


def cut(merges: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k clusters (n,), from 0, after all merges but the last k - 1. k <= n."""
    n = len(merges) + 1
    cluster = np.full(2 * n - 1, -1, dtype=np.int64)
    carried_out = n - k
    standing = 0
    for merge in range(n - 2, -1, -1):
        own = cluster[n + merge]
        if merge < carried_out and own < 0:
            own, standing = standing, standing + 1
        cluster[merges[merge]] = own
    for point in np.flatnonzero(cluster[:n] < 0):
        cluster[point], standing = standing, standing + 1
    return cluster[:n]
