"""Small stores' shares, drawn towards the chain's as far as they are noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_ROUNDS = 20  # of reweighting; the two numbers have settled long before


def shrunk(shares: pd.DataFrame, sales: pd.Series) -> pd.DataFrame:
    """Each store's shares, its weight of noise of the way towards the pooled ones: parametric empirical Bayes [1]_.

    The squared distance of a store's shares from the pooled ones is taken for the sum of two parts: how stores differ, the
    same for all, and noise, in inverse proportion to what a store sells. Both are estimated from the stores themselves by
    moments, as for proportions that vary more than counting does [2]_; the weight of noise is its part of the sum. In
    which unit sales are measured changes nothing.

    Parameters
    ----------
    shares : store x feature, each row summing to 1
    sales : what each store sells of them, above 0; same index

    Returns
    -------
    Shares that sum to 1; unchanged with fewer than three stores, or where larger stores are no closer to the pooled shares.

    References
    ----------
    .. [1] C. N. Morris, "Parametric empirical Bayes inference: theory and applications", JASA 78(381), 1983.
    .. [2] J. C. Kleinman, "Proportions with extraneous variance: single and independent samples", JASA 68(341), 1973.
    """
    import numpy as np

    from pipeline.core.features import value_order

    if len(shares) < 3 or shares.shape[1] < 2:
        return shares
    values = shares.to_numpy(dtype=np.float64)
    size = sales.loc[shares.index].to_numpy(dtype=np.float64)
    order = value_order(np.column_stack([values, size]))
    pooled = (values[order] * size[order, None]).sum(axis=0) / size[order].sum()
    apart = np.square(values - pooled).sum(axis=1)
    noise = noise_weights(apart[order], size[order])[np.argsort(order)]
    result = shares.astype("float64").copy()
    result.iloc[:, :] = values + noise[:, None] * (pooled - values)
    return result


def noise_weights(apart: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each squared distance (n,) is noise, 0..1, given the sizes (n,), above 0.

    Fits apart = a + b / size, with a and b not negative. Squared distances scatter as much as they are large, so that each
    is weighted by the inverse square of what the last fit expects of it.
    """
    import numpy as np
    from scipy.optimize import nnls

    if not apart.any():
        return np.zeros(len(apart))
    design = np.column_stack([np.ones(len(size)), np.median(size) / size])
    expected = np.full(len(size), float(apart.mean()))
    parts = np.array([expected[0], 0.0])
    for _ in range(_ROUNDS):
        parts, _ = nnls(design / expected[:, None], apart / expected)
        expected = np.maximum(design @ parts, np.finfo(np.float64).tiny)
    noise: NDArray[np.float64] = design[:, 1] * parts[1] / expected
    return noise
