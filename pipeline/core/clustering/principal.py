"""Principal axes, where fits start: of what the stores differ from the means of their clusters the first loadings, in a cluster the axis to split it.

Shapes: n stores, d numbers, k clusters, q factors, m fits in the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from pipeline.core.clustering.densities import Sums

_EXACT = 100  # numbers: up to so many, axes are exact
_STEPS, _BESIDE = 8, 6  # steps of the iteration for more numbers, and axes beside those that are asked for
VARIANCE_FLOOR = 1e-3  # of a feature's whole variance: a feature that is constant within clusters must not win alone


def covariances(
    sums: Sums, weights: NDArray[np.float64], memberships: NDArray[np.float64], means: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """The covariance (d, d) of the residuals from the clusters' means, for each fit.

    Where every store has the same numbers it is that of the numbers, computed once for fits with the same weights, less that of the means.
    """
    numbers, counted = sums.stores.numbers, sums.stores.counted
    whole = np.empty(0)
    for fit, (weight, members, middles) in enumerate(zip(weights, memberships, means, strict=True)):
        if counted is not None:
            residuals = (numbers - members.T @ middles) * np.sqrt(counted * weight[:, None])
            yield residuals.T @ residuals / weight.sum()
            continue
        if fit == 0 or not np.array_equal(weight, weights[fit - 1]):
            weighed = numbers * np.sqrt(weight)[:, None]
            whole = weighed.T @ weighed
        heavy = members * weight
        twice = 2.0 * np.diag(heavy.sum(axis=1)) - heavy @ members.T
        yield (whole - middles.T @ (twice @ middles)) / weight.sum()


def loadings(
    covariance: NDArray[np.float64], whole: NDArray[np.float64], q: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loadings (d, q) along the q principal axes of the residuals' correlations, and the variances (d,) that they do not explain."""
    own = np.maximum(np.diag(covariance), VARIANCE_FLOOR * whole)
    widths = np.sqrt(own)
    sizes, along = axes(covariance / np.outer(widths, widths), q)
    along = widths[:, None] * along * np.sqrt(np.maximum(sizes - 1.0, 0.1))
    return along, np.maximum(own - np.square(along).sum(axis=1), 0.2 * own)


def axes(matrix: NDArray[np.float64], q: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues (q,) of a covariance (d, d), rising, and their axes (d, q); nearly so with more than `_EXACT` numbers.

    Of many numbers a block of axes is multiplied with the matrix a few times [1]_. Axes that stand out are exact to a percent then; among
    axes of nearly the same length any is as good a start. It begins from columns of the matrix, so that nothing is drawn.

    References
    ----------
    .. [1] G. Golub, C. Van Loan, "Matrix computations", 2013, 8.2.4 (orthogonal iteration, with Ritz values at its end).
    """
    d = len(matrix)
    if d <= _EXACT:
        sizes, exact = eigh(matrix, subset_by_index=[d - q, d - 1], check_finite=False)
        return sizes, exact
    block = q + _BESIDE
    span = matrix[:, np.arange(block) * d // block]
    for _ in range(_STEPS):
        span = matrix @ np.linalg.qr(span)[0]
    span = np.linalg.qr(span)[0]
    sizes, turn = np.linalg.eigh(span.T @ (matrix @ span))
    return sizes[-q:], (span @ turn)[:, -q:]
