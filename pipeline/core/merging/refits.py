"""Refit the clusters of a side on resampled stores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import kmeans
from pipeline.core.clustering.figures import centroids

_FRESH_STARTS = 2  # of each refit, beside the start from the existing clusters


def refit(
    matrix: NDArray[np.float64], labels: NDArray[np.int64], drawn: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int64]:
    """The clusters of all stores, refitted on each resample by k-means with the same number of clusters.

    A refit is the best, by inertia, of a start from the centroids of the existing clusters and of new starts.

    Parameters
    ----------
    matrix : (n, d) the stores' features
    labels : (n,) their clusters, any numbers
    drawn : (B, n) how often each store is in each resample; at least one store in each
    random : for the new starts

    Returns
    -------
    (B, n), clusters from 0.
    """
    numbers, position = np.unique(labels, return_inverse=True)
    if len(numbers) < 2:
        return np.zeros(drawn.shape, dtype=np.int64)
    centres = centroids(matrix, position.reshape(-1), len(numbers))
    return kmeans.refit(matrix, drawn, centres, _FRESH_STARTS, random).labels
