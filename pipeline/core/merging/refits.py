"""Refits of a side's clusters on resampled stores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import kmeans
from pipeline.core.clustering.centroid_algorithms import RESTARTS_OF_REFITS
from pipeline.core.clustering.figures import centroids


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
    numbers, position = np.unique(labels, return_inverse=True)
    if len(numbers) < 2:
        return np.zeros(drawn.shape, dtype=np.int64)
    centres = centroids(matrix, position.reshape(-1), len(numbers))
    return kmeans.refit(matrix, drawn, centres, RESTARTS_OF_REFITS, random).labels
