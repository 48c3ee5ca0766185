"""Outlier stores: an isolation forest, and the threshold of its score.

A store that sells unlike all others is left out of the fit, so that it cannot move a centroid or form its own cluster;
it is placed afterwards, like any other store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import digamma

from pipeline.core.clustering import sampling

TREES = 200
SUBSAMPLE = 256
DEVIATIONS = 5.0  # robust standard deviations above the median from which a figure is far out
MOST = 0.1  # of the stores: no more are ever left out of the fit
FEWEST_STORES = 20  # with fewer, a score says nothing
_CHUNK_NUMBERS = 4_000_000  # numbers held at once: 32 MB


def find(matrix: NDArray[np.float64], smallest: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which stores are clear outliers (n,).

    A store is an outlier if two figures both lie more than `DEVIATIONS` robust standard deviations (1.4826 x the median
    absolute deviation) above their medians [1]_: its isolation score, and its distance to the store that completes half a
    cluster around it. The second figure keeps most of a small, compact group, which is a cluster, in the fit. If more
    than the share `MOST` of the stores are outliers, only the highest isolation scores are. There are no outliers among
    fewer than `FEWEST_STORES` stores, or if half the stores are alike.

    Parameters
    ----------
    matrix : (n, d)
    smallest : the number of stores that make a cluster
    random : the generator that draws the trees

    References
    ----------
    .. [1] B. Iglewicz, D. Hoaglin, "How to detect and handle outliers", ASQC, 1993.
    """
    n, d = matrix.shape
    if n < FEWEST_STORES or d == 0:
        return np.zeros(n, dtype=bool)
    scores = isolation(matrix, random)
    limit = float(np.sort(scores)[n - 1 - int(MOST * n)])
    return _far_out(scores) & _far_out(_reach(matrix, smallest // 2)) & (scores > limit)


def none(matrix: NDArray[np.float64], _smallest: int, _random: np.random.Generator) -> NDArray[np.bool_]:
    """No store is an outlier (n,)."""
    return np.zeros(len(matrix), dtype=bool)


WAYS: Mapping[str, Callable[[NDArray[np.float64], int, np.random.Generator], NDArray[np.bool_]]] = {
    "isolation_forest": find,
    "none": none,
}


def _far_out(figures: NDArray[np.float64]) -> NDArray[np.bool_]:
    middle = np.median(figures)
    spread = 1.4826 * np.median(np.abs(figures - middle))
    return figures > middle + DEVIATIONS * spread if spread > 0 else np.zeros(len(figures), dtype=bool)


def _reach(matrix: NDArray[np.float64], neighbour: int) -> NDArray[np.float64]:
    """Each store's distance to its first, second, ... nearest other store; at least to the first.

    With more than `sampling.EXACT` stores: the distance to the store at the same relative rank in a sample.
    """
    n = len(matrix)
    order = sampling.order(n)
    compared = np.arange(n) if order is None else order[: sampling.SAMPLE]
    others = matrix[compared]
    itself = np.isin(np.arange(n), compared)  # the nearest of a store that is among them is the store itself
    rank = min(max(round(neighbour * len(others) / n), 1), len(others) - 1)
    rows = max(1, _CHUNK_NUMBERS // len(others))
    distances = np.empty(n)
    for first in range(0, n, rows):
        part = slice(first, first + rows)
        apart = np.partition(cdist(matrix[part], others), [rank - 1, rank], axis=1)
        distances[part] = np.where(itself[part], apart[:, rank], apart[:, rank - 1])
    return distances


def isolation(matrix: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Isolation score of every store [1]_: 2^(-mean path length / c(subsample)), 0..1, high where few cuts isolate it.

    All trees grow together, level by level. A branch whose drawn feature is constant in it is not cut on that level,
    and a level without a cut adds nothing to the path.

    References
    ----------
    .. [1] F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation forest", ICDM 2008.
    """
    n = len(matrix)
    at_once = TREES if n <= sampling.EXACT else max(1, _CHUNK_NUMBERS // n)
    paths = sum(_paths(matrix, min(at_once, TREES - first), random) for first in range(0, TREES, at_once))
    scores: NDArray[np.float64] = 2.0 ** (-(paths / TREES) / _unfinished(np.array([min(SUBSAMPLE, n)]))[0])
    return scores


def _paths(matrix: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """The length of every store's path (n,), summed over `count` trees."""
    n, d = matrix.shape
    size = min(SUBSAMPLE, n)
    levels = max(1, int(np.ceil(np.log2(size))))
    trees = np.arange(count)[:, None]
    drawn = random.random((count, n)).argsort(axis=1, kind="stable")[:, :size]
    node = np.zeros((count, n), dtype=np.int64)
    path = np.zeros((count, n))
    rows = np.arange(n)
    for level in range(levels):
        branches = 2**level
        feature = random.integers(0, d, size=(count, branches))
        uniform = random.random((count, branches))
        values = matrix[rows, feature[trees, node]]
        own = (trees * branches + node)[trees, drawn].ravel()
        low = np.full(count * branches, np.inf)
        high = np.full(count * branches, -np.inf)
        np.minimum.at(low, own, values[trees, drawn].ravel())
        np.maximum.at(high, own, values[trees, drawn].ravel())
        cut = high > low
        threshold = np.where(cut, low, 0.0) + uniform.ravel() * np.where(cut, high - np.where(cut, low, 0.0), 0.0)
        branch = trees * branches + node
        path += cut[branch]
        node = 2 * node + (cut[branch] & (values > threshold[branch]))
    ends = trees * 2**levels + node
    sizes = np.bincount(ends[trees, drawn].ravel(), minlength=count * 2**levels)
    path += _unfinished(sizes)[ends]
    summed: NDArray[np.float64] = path.sum(axis=0)
    return summed


def _unfinished(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """c(m): the mean path length of an unsuccessful search in a binary tree of m, 2 H(m - 1) - 2 (m - 1) / m."""
    counts = np.maximum(sizes, 1).astype(np.float64)
    harmonic = digamma(counts) + np.euler_gamma  # of m - 1
    return np.where(sizes > 1, 2.0 * harmonic - 2.0 * (counts - 1.0) / counts, 0.0)
