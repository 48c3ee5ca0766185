"""The algorithms by name, behind one interface: fit all stores, refit resamples, fit other matrices of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.centroid_algorithms import Algorithm, KMeans, Ward
from pipeline.core.clustering.gmm import GaussianMixture

ALGORITHMS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64], int], Algorithm]] = {
    "kmeans": KMeans,
    "ward": Ward,
    "gmm": GaussianMixture,
}


def algorithm(name: str, matrix: NDArray[np.float64], drawn: NDArray[np.float64], seed: int) -> Algorithm:
    """The algorithm of that name, a key of `ALGORITHMS`, for a matrix (n, d) and its resamples `drawn` (B, n)."""
    return ALGORITHMS[name](matrix, drawn, seed)
