"""K-means, many fits at once.

The bootstrap, the restarts and the null need the same fit dozens of times on small matrices. Separate fits spend
their time in overhead; here a batch of fits advances together, each with its own weights and start.

Shapes: n points, d features, k clusters, B fits in the batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS = 300
_STILL = 0.001  # share of the points that may still change their cluster when a fit ends: none of fewer than 1,000
RESTARTS_OF_DRAWS = 2  # of each fit in `of_draws`
_OF_DRAWS = 2  # a stream of random numbers
_REFIT_NUMBERS = 10_000_000  # weights of refits (B, n) that are held at once: 80 MB
_LARGE = 1_000_000  # products in a sum over points by cluster, from which a fit sums only what changed
_BATCH_NUMBERS = 250_000  # numbers of a (B, k, n) array that are worked on at once: what a processor's cache holds


class Fits(NamedTuple):
    """Fits of a batch: `centroids` (B, k, d), `labels` (B, n) from 0, and `inertia` (B,)."""

    centroids: NDArray[np.float64]
    labels: NDArray[np.int64]
    inertia: NDArray[np.float64]


def nearest(points: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest centroid of every point, in every fit; ties go to the lower number.

    `points` (n, d) or (B, n, d), `centroids` (B, k, d); returns (B, n).
    """
    transposed = points.swapaxes(-1, -2)
    parts = [
        _assign(transposed if points.ndim == 2 else transposed[of_part], centroids[of_part])[0]
        for of_part in _parts(len(centroids), centroids.shape[1] * points.shape[-2])
    ]
    return np.concatenate(parts).astype(np.int64)


def kmeans(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    starts: NDArray[np.float64],
) -> Fits:
    """Lloyd's algorithm [1]_ for a batch of fits, each run until at most one point in a thousand changes its cluster.

    Parameters
    ----------
    points : (n, d), shared by all fits, or (B, n, d)
    weights : (B, n), how often each point counts in each fit; 0 leaves it out
    starts : (B, k, d), the centroids to start from

    Returns
    -------
    The fits. All points have labels, also points with weight 0. A cluster that loses all its points
    takes the point that lies farthest from its centroid; if every point lies on its centroid, it stays empty.

    References
    ----------
    .. [1] S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982.
    """
    parts = [
        _lloyd(points if points.ndim == 2 else points[of_part], weights[of_part], starts[of_part])
        for of_part in _parts(len(starts), weights.shape[1] * max(starts.shape[1], _own_features(points)))
    ]
    return Fits(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def spread_starts(
    points: NDArray[np.float64], weights: NDArray[np.float64], k: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Starting centroids by greedy k-means++ [1]_: each the best of a few points drawn by squared distance.

    `points` (n, d) or (B, n, d), `weights` (B, n) with at least one positive in each row; returns (B, k, d).

    References
    ----------
    .. [1] D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    n_fits, n = weights.shape
    trials = 2 + int(np.log(k))
    uniform = [random.random((n_fits, 1)), *(random.random((n_fits, trials)) for _ in range(1, k))]
    parts = [
        _spread(points if points.ndim == 2 else points[part], weights[part], [drawn[part] for drawn in uniform])
        for part in _parts(n_fits, n * max(trials, _own_features(points)))
    ]
    return np.concatenate(parts)


def _spread(
    points: NDArray[np.float64], weights: NDArray[np.float64], uniform: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """`spread_starts` of a part of the fits; uniform numbers (B, t) draw each centroid's candidates."""
    squares = np.square(points).sum(axis=-1)
    fits = np.arange(len(weights))
    first = _draw(weights, uniform[0])[:, 0]
    chosen = [_rows(points, first[:, None])[:, 0]]
    distances = _squared_distances(points, squares, chosen[0][:, None])[:, 0]
    for drawn in uniform[1:]:
        candidates = _rows(points, _draw(weights * distances, drawn))
        closer = np.minimum(_squared_distances(points, squares, candidates), distances[:, None])
        best = np.einsum("btn,bn->bt", closer, weights).argmin(axis=1)
        chosen.append(candidates[fits, best])
        distances = closer[fits, best]
    return np.stack(chosen, axis=1)


def best_of(fits: Fits, restarts: int) -> Fits:
    """The fit with the least inertia of each group of `restarts` neighbouring fits; the earlier fit at a tie."""
    best = fits.inertia.reshape(-1, restarts).argmin(axis=1) + restarts * np.arange(len(fits.inertia) // restarts)
    return Fits(*(array[best] for array in fits))


def of_draws(draws: NDArray[np.float64], k: int, seed: int) -> NDArray[np.int64]:
    """The clusters (m, n), from 0, of each of m matrices (m, n, d): the best of few starts. A cluster is empty only if fewer than k rows differ."""
    repeated = np.repeat(draws, RESTARTS_OF_DRAWS, axis=0)
    weights = np.ones(repeated.shape[:2])
    starts = spread_starts(repeated, weights, k, np.random.default_rng([seed, _OF_DRAWS, k]))
    return best_of(kmeans(repeated, weights, starts), RESTARTS_OF_DRAWS).labels


def refit(
    points: NDArray[np.float64],
    drawn: NDArray[np.float64],
    centres: NDArray[np.float64],
    fresh_starts: int,
    random: np.random.Generator,
) -> Fits:
    """K-means on each resample: the best fit, by inertia, from these centroids and from new random starts.

    The random starts show whether another partition is as good; the start from these centroids avoids bad local minima.

    Parameters
    ----------
    points : (n, d)
    drawn : (B, n) how often each point is in each resample; each resample has a point
    centres : (k, d) to start from
    fresh_starts : the number of random starts (`spread_starts`)
    random : the generator of the random starts
    """
    at_once = max(1, _REFIT_NUMBERS // ((fresh_starts + 1) * len(points)))
    parts = [
        _refit(points, drawn[first : first + at_once], centres, fresh_starts, random)
        for first in range(0, len(drawn), at_once)
    ]
    return parts[0] if len(parts) == 1 else Fits(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _refit(
    points: NDArray[np.float64],
    drawn: NDArray[np.float64],
    centres: NDArray[np.float64],
    fresh_starts: int,
    random: np.random.Generator,
) -> Fits:
    each = fresh_starts + 1
    weights = np.repeat(drawn, each, axis=0)
    starts = np.empty((len(weights), *centres.shape))
    starts[::each] = centres
    fresh = np.arange(len(weights)) % each > 0
    starts[fresh] = spread_starts(points, weights[fresh], len(centres), random)
    return best_of(kmeans(points, weights, starts), each)


def _own_features(points: NDArray[np.float64]) -> int:
    """The number of features that each fit has for itself: 0 if all fits share the points."""
    return 0 if points.ndim == 2 else points.shape[2]


def _parts(n_fits: int, numbers: int) -> list[slice]:
    """The batch in parts that fit into a processor's cache; `numbers` is the size of a fit."""
    size = max(1, _BATCH_NUMBERS // max(1, numbers))
    return [slice(first, first + size) for first in range(0, n_fits, size)]


def _assign(
    transposed: NDArray[np.float64], centroids: NDArray[np.float64]
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.float64]]:
    """Labels (B, n) of the smallest type that holds them, and for each point half its squared norm less half its squared distance to its centroid."""
    scores = _products(centroids, transposed)
    scores -= 0.5 * np.square(centroids).sum(axis=-1)[..., None]
    best = scores[:, 0].copy()
    # Small whole numbers: many are compared at once, and a maximum takes the place of a copy under a mask, which is slow.
    small = np.min_scalar_type(scores.shape[1])
    labels = np.zeros(best.shape, dtype=small)
    for cluster in range(1, scores.shape[1]):
        is_nearer = (scores[:, cluster] > best).astype(small)
        is_nearer *= small.type(cluster)
        np.maximum(labels, is_nearer, out=labels)
        np.maximum(best, scores[:, cluster], out=best)
    return labels, best


def _lloyd(points: NDArray[np.float64], weights: NDArray[np.float64], starts: NDArray[np.float64]) -> Fits:
    k, is_shared = starts.shape[1], points.ndim == 2
    centroids, inertia = starts.copy(), np.zeros(len(starts))
    labels = np.full(weights.shape, k, dtype=np.min_scalar_type(k))
    moving = np.arange(len(starts))
    # Of the fits that still move:
    own, own_weights, before, now, sums = points, weights, labels, starts, np.zeros_like(starts)
    transposed, half_squares = np.ascontiguousarray(points.swapaxes(-1, -2)), 0.5 * np.square(points).sum(axis=-1)
    for iteration in range(MAX_ITERATIONS):
        nearest, best = _assign(transposed, now)
        goes_on = (nearest != before).sum(axis=1) > _STILL * weights.shape[1]
        goes_on &= iteration < MAX_ITERATIONS - 1
        ended = moving[~goes_on]
        if len(ended):
            centroids[ended], labels[ended] = now[~goes_on], nearest[~goes_on]
            apart = (half_squares if is_shared else half_squares[~goes_on]) - best[~goes_on]
            inertia[ended] = 2.0 * (np.maximum(apart, 0.0) * own_weights[~goes_on]).sum(axis=1)
            moving = moving[goes_on]
            if not len(moving):
                break
            own_weights, nearest, before, best, now, sums = (
                array[goes_on] for array in (own_weights, nearest, before, best, now, sums)
            )
            if not is_shared:
                own, transposed, half_squares = (array[goes_on] for array in (own, transposed, half_squares))
        sizes, sums = _sums(own, own_weights, nearest, before, sums)
        now = _centroids(own, own_weights, sizes, sums, half_squares - best, now)
        before = nearest
    return Fits(centroids, labels.astype(np.int64), inertia)


def _sums(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    labels: NDArray[np.unsignedinteger[Any]],
    labels_before: NDArray[np.unsignedinteger[Any]],
    before: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weight (B, k) and weighted sum (B, k, d) of each cluster. Of large fits, only points that changed their cluster are summed, and the
    sums `before` are used up."""
    k, d = before.shape[1:]
    members = (labels[:, None] == np.arange(k, dtype=labels.dtype)[:, None]) * weights[:, None]
    sizes = members.sum(axis=-1)
    if members[0].size * d < _LARGE:
        return sizes, _products(members, points)
    moved = labels != labels_before
    for fit in range(len(labels)):
        own, rows = points if points.ndim == 2 else points[fit], np.flatnonzero(moved[fit])
        if 2 * len(rows) > moved.shape[1]:
            before[fit] = members[fit] @ own
        else:
            left = labels_before[fit, rows] == np.arange(k, dtype=labels.dtype)[:, None]
            before[fit] += (members[fit][:, rows] - left * weights[fit, rows]) @ own[rows]
    return sizes, before


def _centroids(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    sizes: NDArray[np.float64],
    sums: NDArray[np.float64],
    half_squared: NDArray[np.float64],
    before: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The weighted mean of each cluster (B, k, d). `half_squared` (B, n): half the squared distances to the centroids before."""
    centroids: NDArray[np.float64] = sums / np.where(sizes > 0, sizes, 1.0)[..., None]
    for fit in np.flatnonzero((sizes == 0).any(axis=1)):
        empty = np.flatnonzero(sizes[fit] == 0)
        residuals = np.maximum(half_squared[fit], 0.0) * weights[fit]
        farthest = np.argsort(-residuals, kind="stable")[: len(empty)]
        own = points if points.ndim == 2 else points[fit]
        centroids[fit, empty] = before[fit, empty]
        for cluster, point in zip(empty, farthest, strict=False):
            if residuals[point] > 0:
                centroids[fit, cluster] = own[point]
    return centroids


def _products(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix products (B, t, b) of (B, t, a) and a matrix (a, b) that all fits share, as one product, or one for each fit (B, a, b)."""
    if matrix.ndim == 3:
        return np.asarray(rows @ matrix)
    n_fits, t, width = rows.shape
    return np.asarray((rows.reshape(n_fits * t, width) @ matrix).reshape(n_fits, t, matrix.shape[1]))


def _rows(points: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chosen points (B, t) of each fit, as (B, t, d)."""
    rows: NDArray[np.float64] = (
        points[chosen] if points.ndim == 2 else np.take_along_axis(points, chosen[..., None], axis=1)
    )
    return rows


def _draw(masses: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each uniform number (B, t), a point drawn by its mass (B, n); the last point if all masses are 0."""
    cumulated = np.cumsum(masses, axis=1)
    targets = uniform * cumulated[:, -1:]
    drawn: NDArray[np.int64] = (cumulated[:, None, :] <= targets[..., None]).sum(axis=-1)
    return drawn.clip(max=masses.shape[1] - 1)


def _squared_distances(
    points: NDArray[np.float64], squares: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distances (B, t, n) of all points to the centres (B, t, d)."""
    products = _products(centres, points.swapaxes(-1, -2))
    own = np.square(centres).sum(axis=-1)
    across = squares if squares.ndim == 1 else squares[:, None]
    distances: NDArray[np.float64] = np.maximum(across - 2.0 * products + own[..., None], 0.0)
    return distances
