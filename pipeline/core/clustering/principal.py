"""The first loadings of mixtures: the principal axes of what the stores differ from the means of their clusters.

Shapes: n stores, d numbers, k clusters, q factors, m fits in the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from pipeline.core.clustering.densities import Sums

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
    d = len(widths)
    sizes, axes = eigh(covariance / np.outer(widths, widths), subset_by_index=[d - q, d - 1], check_finite=False)
    along: NDArray[np.float64] = widths[:, None] * axes * np.sqrt(np.maximum(sizes - 1.0, 0.1))
    return along, np.maximum(own - np.square(along).sum(axis=1), 0.2 * own)
