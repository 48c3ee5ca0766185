"""Small stores' shares, drawn towards the chain's as far as they are noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from pipeline.core.statistics.features import value_order

SHRINKS = {"none": False, "empirical_bayes": True}  # whether shares are shrunk, by the setting's value
_ROUNDS = 20  # of reweighting; the two numbers have settled long before


class Noise(NamedTuple):
    """How noisy shares are: `pooled` shares (d,), and the squared distance from them that stores of size s have on average,
    `spread` + `noise` / s."""

    pooled: NDArray[np.float64]
    spread: float
    noise: float

    def weights(self, size: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much of the squared distances of stores of these sizes (n,), above 0, is noise: 0..1."""
        expected = np.maximum(self.spread + self.noise / size, np.finfo(np.float64).tiny)
        found: NDArray[np.float64] = self.noise / size / expected
        return found

    def drawn(self, shares: pd.DataFrame, size: NDArray[np.float64]) -> pd.DataFrame:
        """Each store's shares (n, d), its weight of noise of the way towards the pooled ones."""
        values = shares.to_numpy(dtype=np.float64)
        result = shares.astype("float64").copy()
        result.iloc[:, :] = values + self.weights(size)[:, None] * (self.pooled - values)
        return result


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
    found = noise_of(shares, sales)
    return shares if found is None else found.drawn(shares, sales.loc[shares.index].to_numpy(dtype=np.float64))


def noise_of(shares: pd.DataFrame, sales: pd.Series) -> Noise | None:
    """How noisy the shares are, as `shrunk` estimates it; None where there is too little to estimate it from."""
    if len(shares) < 3 or shares.shape[1] < 2:
        return None
    values = shares.to_numpy(dtype=np.float64)
    size = sales.loc[shares.index].to_numpy(dtype=np.float64)
    order = value_order(np.column_stack([values, size]))
    values, size = values[order], size[order]
    pooled = (values * size[:, None]).sum(axis=0) / size.sum()
    return Noise(pooled, *_parts(np.square(values - pooled).sum(axis=1), size))


def _parts(apart: NDArray[np.float64], size: NDArray[np.float64]) -> tuple[float, float]:
    """The two numbers of the fit, a and b, of squared distances (n,) and sizes (n,), above 0.

    Fits apart = a + b / size, with a and b not negative. Squared distances scatter as much as they are large, so that each
    is weighted by the inverse square of what the last fit expects of it.
    """
    if not apart.any():
        return 0.0, 0.0
    middle = np.median(size)
    design = np.column_stack([np.ones(len(size)), middle / size])
    expected = np.full(len(size), float(apart.mean()))
    parts = np.array([expected[0], 0.0])
    for _ in range(_ROUNDS):
        parts, _ = nnls(design / expected[:, None], apart / expected)
        expected = np.maximum(design @ parts, np.finfo(np.float64).tiny)
    return float(parts[0]), float(parts[1] * middle)
