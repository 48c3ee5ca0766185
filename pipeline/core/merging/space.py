"""The block-scaled space: the features of both sides, each side scaled to its weight.

Otherwise, a side with many or large features would dominate every distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NO_VARIANCE = 1e-18  # of a block, relative to its mean square: the rounding error of a constant


def block_scaled(
    internal: NDArray[np.float64],
    external: NDArray[np.float64],
    in_both: NDArray[np.bool_],
    internal_weight: float,
    external_weight: float,
    fitted: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The stores of a category in the block-scaled space, as in multiple factor analysis's balancing of groups [1]_.

    Each block is centred, divided by the square root of its total variance (the sum of the variances of its features, so that
    its total variance becomes 1), and multiplied by the square root of its weight.

    Parameters
    ----------
    internal : (n, p) the category's features of its n stores
    external : (n, q) the scaled outside features; rows of stores that the outside data does not have are ignored
    in_both : (n,) the stores that the outside data has; the others are at the centre of the external block, zeros
    internal_weight, external_weight : 0..1
    fitted : (n,) the stores that define centres and variances; None, or no store of a block, means all

    Returns
    -------
    (n, p + q). A block without variance (no feature, one store, or constant ones) is all zeros.

    References
    ----------
    .. [1] B. Escofier, J. Pages, "Multiple factor analysis (AFMULT package)", Computational Statistics & Data Analysis
       18(1), 1994; here by total variance rather than by the first eigenvalue.
    """
    outside = np.zeros(external.shape)
    fitted = np.ones(len(in_both), dtype=bool) if fitted is None else fitted
    outside[in_both] = balanced(external[in_both], external_weight, fitted[in_both])
    return np.hstack([balanced(internal, internal_weight, fitted), outside])


def balanced(block: NDArray[np.float64], weight: float, fitted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A block (n, p), centred and scaled so that the total variance of its fitted stores (n,) is its weight.

    All zeros if the block has no variance; all stores define it if none is fitted.
    """
    if not block.size:
        return np.zeros(block.shape)
    of = block[fitted] if fitted.any() else block
    centred = block - of.mean(axis=0)
    total_variance = float(np.square(of - of.mean(axis=0)).mean(axis=0).sum())
    mean_square = float(np.square(of).mean(axis=0).sum())
    if total_variance <= _NO_VARIANCE * mean_square:
        return np.zeros(block.shape)
    return np.asarray(centred * np.sqrt(weight / total_variance))
