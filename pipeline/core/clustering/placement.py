"""From the fit to the result: every store's cluster, how near it lies, and the clusters' numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.clustering.figures import centroids, distances, silhouettes


def number(
    matrix: NDArray[np.float64], fitted: NDArray[np.bool_], clusters: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give the clusters their final order.

    They are ordered by their number of stores, largest first; then by the means
    of the features over the fitted stores, first feature first, lowest first.

    Parameters
    ----------
    matrix : (n, d) all stores
    fitted : (n,) which stores were fitted; at least one
    clusters : (n,) the clusters of all stores, from 0; each cluster has a fitted store

    Returns
    -------
    The new number of each cluster (k,), and the centroids (k, d) of the fit in the new order.
    """
    centres = centroids(matrix[fitted], clusters[fitted], k)
    sizes = np.bincount(clusters, minlength=k)
    order = np.lexsort((*centres.T[::-1], -sizes))
    numbers = np.empty(k, dtype=np.int64)
    numbers[order] = np.arange(k)
    return numbers, centres[order]


def describe(
    matrix: NDArray[np.float64], clusters: NDArray[np.int64], centres: NDArray[np.float64]
) -> dict[str, pd.Series]:
    """Distance, next cluster, margin and silhouette of every store (see `internal_clusters` in pipeline.schema).

    The margin is (next - own) / the larger of the two: it is negative if a store is nearer to another
    centroid than to its own, as in Ward's clusters. The silhouette is that of the result: outlier stores count in it.
    """
    n, k = len(matrix), len(centres)
    apart = distances(matrix, centres)
    rows = np.arange(n)
    own = apart[rows, clusters].copy()
    if k == 1:
        nothing = pd.Series(np.full(n, np.nan))
        return {
            "distance": pd.Series(own),
            "next_cluster": pd.Series([pd.NA] * n, dtype="Int64"),
            "margin": nothing,
            "silhouette": nothing.copy(),
        }
    apart[rows, clusters] = np.inf
    following = apart.argmin(axis=1)
    next_distance = apart[rows, following]
    larger = np.maximum(own, next_distance)
    return {
        "distance": pd.Series(own),
        "next_cluster": pd.Series(following + 1, dtype="Int64"),
        "margin": pd.Series(np.where(larger > 0, (next_distance - own) / np.where(larger > 0, larger, 1.0), 0.0)),
        "silhouette": pd.Series(silhouettes(matrix, [clusters])[0]),
    }
