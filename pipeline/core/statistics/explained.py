"""How much of a matrix's variance a clustering explains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NO_VARIANCE = 1e-18  # relative to the mean square: what rounding leaves of a constant


def centred(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (n, d) minus its mean; all zeros if it varies only by rounding."""
    if not len(matrix):
        return matrix
    centred: NDArray[np.float64] = matrix - matrix.mean(axis=0)
    if float(np.square(centred).sum()) <= NO_VARIANCE * float(np.square(matrix).sum()):
        centred = np.zeros_like(centred)
    return centred


def r_squared(matrix: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Between-cluster / total sum of squares of the rows (n, d) of a matrix, by their labels (n,), 0..1.

    This is the multivariate R squared of a one-way layout [1]_; 0 if nothing varies, or without rows.

    References
    ----------
    .. [1] M. J. Anderson, "A new method for non-parametric multivariate analysis of variance", Austral Ecol. 26, 2001.
    """
    rows = centred(matrix)
    total = float(np.square(rows).sum())
    if total == 0.0:
        return 0.0
    _, position = np.unique(labels, return_inverse=True)
    members = (position.reshape(-1)[:, None] == np.arange(position.max() + 1)).astype(np.float64)
    sums = members.T @ rows
    return float((np.square(sums).sum(axis=1) / members.sum(axis=0)).sum() / total)
