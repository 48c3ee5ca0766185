"""Clusters as the components of a mixture with one shared diagonal covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import mixture
from pipeline.core.clustering.centroid_algorithms import KMeans
from pipeline.core.clustering.mixture import Mixture
from pipeline.core.clustering.points import Points, Scale

_NUMBERS_AT_ONCE = 4_000_000  # of memberships or points, held for EM: 32 MB


class GaussianMixture:
    """A mixture that EM finds from where k-means ends [1]_; a store belongs to its likeliest component.

    Against k-means it weighs every feature by its scatter within clusters, and lets clusters differ in size. All
    components share one diagonal covariance: with a few dozen stores a cluster, there is nothing to estimate more with.

    References
    ----------
    .. [1] G. Celeux, G. Govaert, "Gaussian parsimonious clustering models", Pattern Recognit. 28(5), 1995 (model [lambda B]
       with equal volumes, shapes and axis-aligned orientations).
    """

    def __init__(self, matrix: NDArray[np.float64], drawn: NDArray[np.float64], seed: int) -> None:
        self._start = KMeans(matrix, drawn, seed)
        self._drawn = drawn
        self._points = Scale(matrix)
        self._scaled = self._points.of(matrix)
        self._found: dict[int, Mixture] = {}

    def labels(self, k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        likeliest: NDArray[np.int64] = mixture.posteriors(self._scaled, self._fit(k))[0].argmax(axis=1)
        return likeliest

    def refits(self, k: int) -> Mixtures:
        """See `Algorithm`: EM on the resample, from where the refit of k-means ends."""
        started = self._start.refits(k).assign(self._start.matrix)
        return Mixtures(_fitted(self._scaled, self._drawn, started, k), self._points)

    def of_draws(self, draws: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        started = self._start.of_draws(draws, k)
        found = np.empty_like(started)
        for number, (draw, labels) in enumerate(zip(draws, started, strict=True)):
            scaled = Scale(draw).of(draw)
            fitted = _fitted(scaled, np.ones((1, len(draw))), labels[None], k)
            found[number] = mixture.posteriors(scaled, fitted)[0].argmax(axis=1)
            missing = np.bincount(found[number], minlength=k) == 0
            if missing.any():  # the statistics of a draw need a store in every cluster
                found[number] = labels
        return found

    def place(self, points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        likeliest: NDArray[np.int64] = self.memberships(points, k).argmax(axis=1)
        return likeliest

    def memberships(self, points: NDArray[np.float64], k: int) -> NDArray[np.float64]:
        """See `Algorithm`."""
        likely: NDArray[np.float64] = mixture.posteriors(self._points.of(points), self._fit(k))[0]
        return likely

    def _fit(self, k: int) -> Mixture:
        if k not in self._found:
            once = np.ones((1, len(self._start.matrix)))
            self._found[k] = _fitted(self._scaled, once, self._start.labels(k)[None], k)
        return self._found[k]


class Mixtures:
    """Refits that assign to their likeliest component."""

    def __init__(self, fitted: Mixture, scale: Scale) -> None:
        self._fitted = fitted
        self._scale = scale

    def assign(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """See `Refits`."""
        scaled = self._scale.of(points)
        parts = _parts(len(self._fitted.means), len(points), max(self._fitted.means.shape[1], scaled.width))
        found = [
            mixture.posteriors(scaled, mixture.Mixture(*(of_all[part] for of_all in self._fitted))).argmax(axis=2)
            for part in parts
        ]
        return np.concatenate(found)


def _fitted(points: Points, weights: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> Mixture:
    """The mixtures from clusters (m, n), so many at a time as memory is meant for."""
    found = [
        mixture.fit(points, weights[part], (labels[part][:, :, None] == np.arange(k)).astype(np.float64))
        for part in _parts(len(weights), weights.shape[1], max(k, points.width))
    ]
    return mixture.Mixture(*(np.concatenate(of_all) for of_all in zip(*found, strict=True)))


def _parts(count: int, n: int, width: int) -> list[slice]:
    at_once = max(1, _NUMBERS_AT_ONCE // max(n * width, 1))
    return [slice(first, first + at_once) for first in range(0, count, at_once)]
