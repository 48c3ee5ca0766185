"""The block-scaled space: both sides' features side by side, each side with the say that its weight gives it.

A side with many features, or with large ones, would otherwise rule every distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NO_VARIANCE = 1e-18  # of a block, relative to its mean square: what rounding leaves of a constant


def block_scaled(
    internal: NDArray[np.float64],
    external: NDArray[np.float64],
    known: NDArray[np.bool_],
    internal_weight: float,
    external_weight: float,
    fitted: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The stores of a category in the block-scaled space, as in multiple factor analysis's balancing of groups [1]_.

    Each block is centred, divided by the root of its total variance (the sum of its features' variances, so that a
    block's stores scatter with total variance 1 whatever its features are), and multiplied by the root of its weight.

    Parameters
    ----------
    internal : (n, p) the category's features of its n stores
    external : (n, q) the scaled outside features; rows of stores that the outside data does not know are not read
    known : (n,) which stores the outside data knows; the others stand at the external block's centre, zeros
    internal_weight, external_weight : 0..1
    fitted : (n,) the stores that centres and variances are of; None, or none of a block's stores, is all

    Returns
    -------
    (n, p + q). A block without variance (no feature, one store, or constant ones) is all zeros.

    References
    ----------
    .. [1] B. Escofier, J. Pages, "Multiple factor analysis (AFMULT package)", Computational Statistics & Data Analysis
       18(1), 1994; here by total variance rather than by the first eigenvalue.
    """
    outside = np.zeros(external.shape)
    fitted = np.ones(len(known), dtype=bool) if fitted is None else fitted
    outside[known] = _balanced(external[known], external_weight, fitted[known])
    return np.hstack([_balanced(internal, internal_weight, fitted), outside])


def _balanced(block: NDArray[np.float64], weight: float, fitted: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not block.size:
        return np.zeros(block.shape)
    of = block[fitted] if fitted.any() else block
    centred = block - of.mean(axis=0)
    total_variance = float(np.square(of - of.mean(axis=0)).mean(axis=0).sum())
    mean_square = float(np.square(of).mean(axis=0).sum())
    if total_variance <= _NO_VARIANCE * mean_square:
        return np.zeros(block.shape)
    return np.asarray(centred * np.sqrt(weight / total_variance))
