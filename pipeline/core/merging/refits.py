"""Refits of a side's clusters on resampled stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.clustering.figures import centroids
from pipeline.core.clustering.kmeans import best_of, kmeans, spread_starts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRESH_STARTS = 2  # beside the one from the clusters as they are


def refit(
    matrix: NDArray[np.float64], labels: NDArray[np.int64], drawn: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int64]:
    """The clusters, refitted on each resample by k-means with as many clusters, and given to all stores.

    A refit is the best, by inertia, of a start from the centroids of the clusters as they are and of fresh ones, whatever
    algorithm made them.

    Parameters
    ----------
    matrix : (n, d) the stores' features
    labels : (n,) their clusters, any numbers
    drawn : (B, n) how often each store is in each resample; at least one store in each
    random : for the fresh starts

    Returns
    -------
    (B, n), clusters from 0.
    """
    import numpy as np

    numbers, position = np.unique(labels, return_inverse=True)
    k, starts_each = len(numbers), FRESH_STARTS + 1
    if k < 2:
        return np.zeros(drawn.shape, dtype=np.int64)
    weights = np.repeat(drawn, starts_each, axis=0)
    starts = np.empty((len(weights), k, matrix.shape[1]))
    starts[::starts_each] = centroids(matrix, position.reshape(-1), k)
    fresh = np.arange(len(weights)) % starts_each > 0
    starts[fresh] = spread_starts(matrix, weights[fresh], k, random)
    return best_of(kmeans(matrix, weights, starts), starts_each).labels
