"""The starts of a mixture's fits: clusters by k-means, and the clusters of a fit with one cluster less or more.

Shapes: n stores, d numbers, k clusters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import principal
from pipeline.core.clustering.densities import Mixtures, Stores, certainty, factor_posteriors, posteriors
from pipeline.core.clustering.factor_mixture import one_hot
from pipeline.core.clustering.kmeans import kmeans, spread_starts

_SPLITS = 6  # clusters that are tried to be split, of one cluster less
_MERGES = 4  # pairs of clusters that are tried to be one, of one cluster more
_NOTHING = 1e-16  # of a membership: a store with less adds nothing to a sum
_SEEDS = 3  # stores that lie farthest out, tried to be the middle of a cluster


def from_whitened_kmeans(
    stores: Stores, one_cluster: Mixtures, k: int, restarts: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Memberships (2, n, k) of the best and the worst of several k-means fits.

    K-means measures the numbers in the deviations of `one_cluster`'s mixture, with its common factors taken out, and weights a store
    by its certainty. So variation along an axis in all stores, or in small stores only, does not start a cluster.
    """
    points = without_factors(stores, one_cluster)
    weights = np.repeat(certainty(stores, one_cluster.noise), restarts, axis=0)
    fits = kmeans(points, weights, spread_starts(points, weights, k, random))
    order = np.argsort(fits.inertia, kind="stable")
    return one_hot(fits.labels[order[[0, -1]]], k)


def from_plain_kmeans(stores: Stores, k: int, restarts: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Memberships (2, n, k) of the best and the worst of several k-means fits on the weighted numbers and the levels."""
    points = np.ascontiguousarray(np.column_stack([stores.firsts, stores.levels]))
    weights = np.ones((restarts, len(points)))
    fits = kmeans(points, weights, spread_starts(points, weights, k, random))
    order = np.argsort(fits.inertia, kind="stable")
    return one_hot(fits.labels[order[[0, -1]]], k)


def from_fewer(stores: Stores, fewer: Mixtures, smallest: int) -> NDArray[np.float64]:
    """Memberships (s, n, k) from a fit of k - 1 clusters: a cluster is split, or stores far out become a cluster.

    The clusters with the longest principal axes of residuals are split, across that axis. A cluster far out has `smallest` stores: the
    store that is farthest from every cluster, and the stores nearest to it.
    """
    memberships = posteriors(stores, fewer)[0]
    residuals = _residuals(stores, fewer, memberships)
    lengths, halves = [], []
    for cluster in memberships.T:
        size = max(float(cluster.sum()), 1.0)
        middle = cluster @ residuals / size
        about = residuals - middle
        own = np.flatnonzero(cluster > _NOTHING)
        weighed = about[own] * np.sqrt(cluster[own])[:, None]
        scatter, axis = _longest_axis(weighed)
        lengths.append(scatter)
        along = about @ axis
        halves.append(along > 0)
    order = np.argsort(-np.asarray(lengths), kind="stable")[:_SPLITS]
    starts = [_split(memberships, cluster, memberships[:, cluster] * halves[cluster]) for cluster in order]
    far = np.square(residuals).sum(axis=1)
    for _ in range(min(_SEEDS, len(far))):
        seed = int(far.argmax())
        near = np.argsort(np.square(residuals - residuals[seed]).sum(axis=1), kind="stable")[:smallest]
        chosen = np.zeros(len(far))
        chosen[near] = 1.0
        starts.append(np.column_stack([memberships * (1.0 - chosen)[:, None], chosen]))
        far[near] = -1.0
    return np.stack(starts)


def _longest_axis(rows: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The squares of rows (n, d) along their longest principal axis, and the axis (d,), of any length; without rows, 0 and any axis."""
    n, d = rows.shape
    if n == 0 or n >= d:
        squares, axis = principal.axes(rows.T @ rows, 1)
        return float(squares[0]), axis[:, 0]
    squares, along = principal.axes(rows @ rows.T, 1)  # the same axis, from the smaller matrix
    return float(squares[0]), along[:, 0] @ rows


def from_more(stores: Stores, more: Mixtures) -> NDArray[np.float64]:
    """Memberships (s, n, k) from a fit of k + 1 clusters: two clusters with near means, in deviations, are joined."""
    memberships = posteriors(stores, more)[0]
    means = more.means[0] / np.sqrt(more.variances[0])
    first, second = np.triu_indices(len(means), 1)
    apart = np.square(means[first] - means[second]).sum(axis=1)
    order = np.argsort(apart, kind="stable")[:_MERGES]
    return np.stack([_merged(memberships, first[pair], second[pair]) for pair in order])


def _merged(memberships: NDArray[np.float64], cluster: int, other: int) -> NDArray[np.float64]:
    merged = memberships.copy()
    merged[:, cluster] += merged[:, other]
    return np.delete(merged, other, axis=1)


def _split(memberships: NDArray[np.float64], cluster: int, part: NDArray[np.float64]) -> NDArray[np.float64]:
    rest = memberships.copy()
    rest[:, cluster] -= part
    return np.column_stack([rest, part])


def without_factors(stores: Stores, one_cluster: Mixtures) -> NDArray[np.float64]:
    """The numbers (n, d) in deviations, orthogonal to the factors."""
    points = (stores.numbers - one_cluster.means[0, 0]) / np.sqrt(one_cluster.variances[0])
    if stores.counted is not None:
        points = points * np.sqrt(stores.counted)
    if one_cluster.loadings.shape[2]:
        axes, _ = np.linalg.qr(one_cluster.loadings[0] / np.sqrt(one_cluster.variances[0])[:, None])
        points = points - (points @ axes) @ axes.T
    return np.ascontiguousarray(points)


def _residuals(stores: Stores, fit: Mixtures, memberships: NDArray[np.float64]) -> NDArray[np.float64]:
    """The residuals (n, d) from clusters and factors, in deviations of each store."""
    expected = memberships @ fit.means[0] + factor_posteriors(stores, fit)[0][0] @ fit.loadings[0].T
    left = (stores.numbers - expected) / np.sqrt(fit.variances[0])
    if stores.counted is not None:
        left = left * np.sqrt(stores.counted)
    residuals: NDArray[np.float64] = left * np.sqrt(certainty(stores, fit.noise))[0][:, None]
    return residuals
