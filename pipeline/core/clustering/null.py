"""Do the clusters stand apart, or are they cuts through a continuum?

Two nulls, drawn from the data's own covariance and clustered with the same k:

- one Gaussian [1]_. The clusters beat it if stores lie deeper inside their clusters than in its draws, measured by the
  mean margin: 1 - (distance to the own centroid) / (distance to the next).
- one flat continuum: uniform along each principal axis. Among shapes with one mode the uniform is the hardest to tell
  from two [2]_. The clusters beat it if the density dips deeper between neighbouring clusters than in its draws.

A feature with few values, such as a flag or a rating, has the same values in every draw, each as often as in the data. Otherwise a
feature without middle values would beat every draw with middle values.

With enough stores, any skewed or flat continuum beats the first null; the second null refuses these.

References
----------
.. [1] Y. Liu, D. N. Hayes, A. Nobel, J. S. Marron, "Statistical significance of clustering for high-dimension,
   low-sample size data", JASA 103, 2008 (one Gaussian as the null, a parametric bootstrap from it).
.. [2] J. A. Hartigan, P. M. Hartigan, "The dip test of unimodality", Ann. Statist. 13(1), 1985.
.. [3] J. Besag, P. Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from pipeline.core.clustering.figures import centroids, distances
from pipeline.core.clustering.kmeans import of_draws

SIGNIFICANT = 0.05  # reached counts: 19 draws, none of them as good, are a test at this level
_FEW = 10  # values of a feature: beyond it, there are middle values
_BANDWIDTH = 0.2  # of the dip's kernel, in distances between the two centroids
_FIRST_DRAWS = 10  # before the first look at whether more are needed; twice as many before each further one
_DRAWN_NUMBERS = 4_000_000  # of the draws from a null, how many numbers are held at once


class NullTest(NamedTuple):
    """The p-values against both nulls; the flat null's is None if the Gaussian was not beaten."""

    gaussian: float
    flat: float | None

    @property
    def is_separated(self) -> bool:
        """Both nulls are beaten."""
        return self.flat is not None and max(self.gaussian, self.flat) <= SIGNIFICANT


def compare_with_nulls(
    matrix: NDArray[np.float64],
    labels: NDArray[np.int64],
    k: int,
    draws: int,
    seed: int,
    pattern: NDArray[np.float64] | None = None,
) -> NullTest:
    """Compare a clustering with k >= 2 against both nulls by a parametric bootstrap.

    Parameters
    ----------
    matrix : (n, d) the fitted stores
    labels : (n,) their clusters, from 0
    k : number of clusters; k-means clusters the draws
    draws : number of draws from each null, at most; p = (1 + draws that do as well) / (1 + draws). Drawing ends early, as in [3]_, once so
        many do as well that p could no more be significant: the verdict is that of all draws
    seed : what the draws depend on
    pattern : (n, d) the width of each store's values in the draws, 0 for a missing value: small stores are as noisy, and lack as many
        values, in the draws as in the data; None: all stores alike
    """
    axes = _axes(matrix)
    if pattern is not None:  # on the whole as wide as the data
        usual = np.sqrt(np.square(pattern).mean(axis=0))
        pattern = pattern / np.where(usual > 0, usual, 1.0)
    random = np.random.default_rng([seed, 3, k])
    gaussian = _p_value(
        matrix,
        labels,
        k,
        draws,
        seed,
        mean_margin,
        lambda shape: _as_stores(random.standard_normal(shape) @ axes, pattern),
    )
    if gaussian > SIGNIFICANT:
        return NullTest(gaussian, None)
    half = np.sqrt(3.0)  # the uniform of variance 1
    flat = _p_value(
        matrix,
        labels,
        k,
        draws,
        seed,
        mean_dip,
        lambda shape: _as_stores(random.uniform(-half, half, shape) @ axes, pattern),
    )
    return NullTest(gaussian, flat)


def mean_margin(matrix: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> float:
    """Mean over stores of 1 - (distance to the own centroid) / (distance to the nearest other one)."""
    apart = distances(matrix, centroids(matrix, labels, k))
    rows = np.arange(len(labels))
    own = apart[rows, labels]
    apart[rows, labels] = np.inf
    nearest_other = apart.min(axis=1)
    return float(np.mean(1.0 - own / np.where(nearest_other > 0, nearest_other, 1.0)))


def mean_dip(matrix: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> float:
    """Mean over clusters of how far the density falls between a cluster and its nearest one.

    The stores of both are projected on the line through the two centroids, each cluster with the same total weight. The
    dip is 1 - density halfway / the lower density of those at the two centroids: near 1 with a gap, 0 on a flat
    continuum, negative on a hill.
    """
    centres = centroids(matrix, labels, k)
    apart = distances(centres, centres)
    np.fill_diagonal(apart, np.inf)
    dips = []
    for cluster, other in enumerate(apart.argmin(axis=1)):
        direction = centres[other] - centres[cluster]
        length = float(direction @ direction)
        if length == 0.0:
            continue
        densities = sum(
            np.exp(-0.5 * ((positions[:, None] - _PLACES) / _BANDWIDTH) ** 2).mean(axis=0)
            for positions in ((matrix[labels == c] - centres[cluster]) @ direction / length for c in (cluster, other))
        )
        dips.append(1.0 - densities[1] / min(densities[0], densities[2]))
    return float(np.mean(dips)) if dips else 0.0


_PLACES = (0.0, 0.5, 1.0)  # the cluster's centroid, halfway, the other's


def as_levels(drawn: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The draws (m, n, d); features with few values in the matrix (n, d) have these values, as often, in each draw.

    The order of a draw's values stays: the largest become the largest of the matrix.
    """
    for column in range(matrix.shape[1]):
        values = np.sort(matrix[:, column])
        if 2 <= 1 + np.count_nonzero(np.diff(values)) <= _FEW:
            places = np.argsort(drawn[:, :, column], axis=1, kind="stable").argsort(axis=1)
            drawn[:, :, column] = values[places]
    return drawn


def _as_stores(drawn: NDArray[np.float64], pattern: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The draws (m, n, d), each store as wide as its pattern (n, d)."""
    return drawn if pattern is None else drawn * pattern


def _axes(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The principal axes, each as long as its standard deviation (d, d), of the shrunk covariance [1]_.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivar.
       Anal. 88, 2004.
    """
    # Fourth powers are summed, which overflow from 1e77: a power of two, so that nothing is rounded, is taken out first.
    unit = np.ldexp(1.0, np.frexp(np.abs(matrix).max())[1])
    variances, directions = np.linalg.eigh(ledoit_wolf(matrix / unit)[0])
    axes: NDArray[np.float64] = unit * np.sqrt(np.maximum(variances, 0.0))[:, None] * directions.T
    return axes


def _p_value(
    matrix: NDArray[np.float64],
    labels: NDArray[np.int64],
    k: int,
    draws: int,
    seed: int,
    statistic: Callable[[NDArray[np.float64], NDArray[np.int64], int], float],
    draw: Callable[[tuple[int, ...]], NDArray[np.float64]],
) -> float:
    observed = statistic(matrix, labels, k)

    def does_as_well(points: NDArray[np.float64], clusters: NDArray[np.int64]) -> bool:
        """Whether a draw does as well as the clusters. A draw with fewer distinct points than clusters counts as doing so."""
        return bool(np.bincount(clusters, minlength=k).min() == 0 or statistic(points, clusters, k) >= observed)

    most, size, as_good, drawn = max(1, _DRAWN_NUMBERS // matrix.size), _FIRST_DRAWS, 0, 0
    while drawn < draws and 1 + as_good <= SIGNIFICANT * (1 + draws):
        size = min(size, most, draws - drawn)
        matrices = as_levels(draw((size, *matrix.shape)), matrix)
        clusters = of_draws(matrices, k, seed + drawn)
        as_good += sum(does_as_well(*pair) for pair in zip(matrices, clusters, strict=True))
        drawn, size = drawn + size, 2 * size
    return (1 + as_good) / (1 + drawn)
