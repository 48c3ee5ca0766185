"""The first two principal components of a feature matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pipeline.core.statistics.explained import centred


def two_components(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Project rows onto the first two principal components (Pearson 1901), by singular values of the centred matrix.

    The sign of a component makes its largest loading positive, so that equal matrices give equal coordinates.

    Parameters
    ----------
    values : rows x features, finite

    Returns
    -------
    Coordinates, rows x 2, and the share of the variance that each component holds, 0..1. A missing component (one
    feature, equal rows, no rows) is zero, with share 0.
    """
    rows, features = values.shape
    coordinates, held = np.zeros((rows, 2)), [0.0, 0.0]
    if not rows or not features:
        return coordinates, (0.0, 0.0)
    rows_less_mean = centred(values)
    total = float(np.square(rows_less_mean).sum())
    if total == 0.0:
        return coordinates, (0.0, 0.0)
    with threadpool_limits(limits=1):
        _, singular, loadings = np.linalg.svd(rows_less_mean, full_matrices=False)
    for number in range(min(2, len(singular))):
        loading = loadings[number]
        sign = 1.0 if loading[np.argmax(np.abs(loading).round(9))] >= 0 else -1.0
        coordinates[:, number] = sign * (rows_less_mean @ loading)
        held[number] = float(singular[number] ** 2) / total
    return coordinates, (held[0], held[1])
