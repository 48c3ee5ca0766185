"""What every algorithm can do (`Algorithm`), and k-means, which assigns stores to the nearest centroid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.figures import centroids
from pipeline.core.clustering.kmeans import best_of, kmeans, nearest, refit, spread_starts

RESTARTS = 20  # of the fit on all stores
RESTARTS_OF_REFITS = 2  # of each bootstrap refit, beside the start from the fit on all stores
RESTARTS_OF_NULLS = 2  # of each fit on a draw from the null


class Refits(Protocol):
    """B refits of an algorithm on resamples."""

    def assign(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cluster (B, n), from 0, that each refit gives each of the points (n, d)."""
        ...


class Algorithm(Protocol):
    """One way to cluster the n stores of a matrix (n, d)."""

    def labels(self, k: int) -> NDArray[np.int64]:
        """The clusters (n,) of the fit on all stores, from 0. A cluster is empty only if fewer than k rows differ."""
        ...

    def refits(self, k: int) -> Refits:
        """A refit on each resample."""
        ...

    def of_draws(self, draws: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """The clusters (m, n) of a fit on each of the draws (m, n, d)."""
        ...

    def place(self, points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """The cluster (m,), from 0, that the fit on all stores gives to other points (m, d)."""
        ...

    def memberships(self, points: NDArray[np.float64], k: int) -> NDArray[np.float64] | None:
        """How likely each of the points (m, d) is in each cluster (m, k); None if the algorithm has no likelihood."""
        ...


class Centroids:
    """Refits that assign to the nearest of their centroids (B, k, d)."""

    def __init__(self, centres: NDArray[np.float64]) -> None:
        self.centres = centres

    def assign(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """See `Refits`."""
        return nearest(points, self.centres)


class _NearestCentroid(ABC):
    """The common part of algorithms that assign to the nearest centroid."""

    matrix: NDArray[np.float64]

    @abstractmethod
    def labels(self, k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""

    def place(self, points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`: the nearest centroid."""
        placed: NDArray[np.int64] = nearest(points, centroids(self.matrix, self.labels(k), k)[None])[0]
        return placed

    def memberships(self, points: NDArray[np.float64], k: int) -> None:  # noqa: B027  # None is the answer
        """See `Algorithm`."""


class KMeans(_NearestCentroid):
    """K-means: the best of several starts, by inertia.

    A refit starts from the centroids of the fit on all stores, and from new random ones; the best fit counts. The random
    starts show whether another partition is as good; the start from the fit avoids bad local minima.
    """

    def __init__(self, matrix: NDArray[np.float64], drawn: NDArray[np.float64], seed: int) -> None:
        self.matrix = matrix
        self._drawn = drawn
        self._seed = seed
        self._labels_by_k: dict[int, NDArray[np.int64]] = {}

    def labels(self, k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        if k not in self._labels_by_k:
            weights = np.ones((RESTARTS, len(self.matrix)))
            starts = spread_starts(self.matrix, weights, k, self._random(0, k))
            self._labels_by_k[k] = best_of(kmeans(self.matrix, weights, starts), RESTARTS).labels[0]
        return self._labels_by_k[k]

    def refits(self, k: int) -> Centroids:
        """See `Algorithm`."""

        centres = centroids(self.matrix, self.labels(k), k)
        fits = refit(self.matrix, self._drawn, centres, RESTARTS_OF_REFITS, self._random(1, k))
        return Centroids(fits.centroids)

    def of_draws(self, draws: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        repeated = np.repeat(draws, RESTARTS_OF_NULLS, axis=0)
        weights = np.ones(repeated.shape[:2])
        starts = spread_starts(repeated, weights, k, self._random(2, k))
        return best_of(kmeans(repeated, weights, starts), RESTARTS_OF_NULLS).labels

    def _random(self, purpose: int, k: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, k])
