"""How far features drifted between two results: the population stability index."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

MOST_BINS = 10
STORES_PER_BIN = 20  # of the reference: with fewer, chance alone gives a large index
MOVED, MOVED_MUCH = 0.1, 0.25  # what an index is taken for
_CHANCE = 0.95


def drift(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """The population stability index of every feature of either matrix.

    Parameters
    ----------
    before, now : one row per store, one column per feature; not the same stores, nor the same features

    Returns
    -------
    One row per feature, sorted: feature, psi, psi_by_chance, mean_before, mean_now, change. `moved` (psi of at least
    `MOVED`) and `moved much` (`MOVED_MUCH`) only where chance is no explanation: psi above psi_by_chance; else
    `stable`. `new` and `gone`, without figures but the mean, where one matrix alone has the feature.
    """
    rows = []
    for feature in sorted({*before.columns, *now.columns}):
        sides = [frame[feature].to_numpy(dtype=np.float64) if feature in frame else None for frame in (before, now)]
        means = [np.nan if side is None or not len(side) else float(np.sort(side).mean()) for side in sides]
        index, chance, change = np.nan, np.nan, "gone" if sides[1] is None else "new"
        if sides[0] is not None and sides[1] is not None and len(sides[0]) and len(sides[1]):
            index, chance = psi(sides[0], sides[1])
            change = _change(index, chance)
        rows.append((str(feature), index, chance, *means, change))
    columns = ["feature", "psi", "psi_by_chance", "mean_before", "mean_now", "change"]
    kinds = {"feature": "str", "change": "str"} | dict.fromkeys(columns[1:5], "float64")
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def psi(before: NDArray[np.float64], now: NDArray[np.float64]) -> tuple[float, float]:
    """Population stability index [1]_ of `now` (m,) against `before` (n,), and what chance alone exceeds once in twenty.

    The sum over bins of (q - p) ln(q / p), p and q the shares of either sample in the bin; it is Jeffreys' divergence
    [2]_ of the two. Bins are parted at quantiles of `before`, `MOST_BINS` at most and `STORES_PER_BIN` values each, so
    that transforming both alike by any rising function changes nothing; equal quantiles are one. To each count half a value is
    added [3]_, so that an empty bin gives a number. Where nothing changed the index is 1/n + 1/m times a chi-squared
    variable of one degree less than there are bins [4]_; that is for independent samples, and where both hold the same
    stores chance gives less.

    Parameters
    ----------
    before, now : values, at least one each

    References
    ----------
    .. [1] N. Siddiqi, "Credit risk scorecards", 2006.
    .. [2] H. Jeffreys, "An invariant form for the prior probability in estimation problems", Proc. R. Soc. A 186, 1946.
    .. [3] R. E. Krichevsky, V. K. Trofimov, "The performance of universal encoding", IEEE Trans. Inf. Theory 27, 1981.
    .. [4] B. Yurdakul, J. Naranjo, "Statistical properties of the population stability index", J. Risk Model Valid. 14,
       2020.
    """
    edges = bin_edges(before)
    bins = len(edges) + 1
    p, q = (
        (np.bincount(np.searchsorted(edges, side, side="left"), minlength=bins) + 0.5) / (len(side) + 0.5 * bins)
        for side in (before, now)
    )
    chance = float(chi2.ppf(_CHANCE, bins - 1)) * (1.0 / len(before) + 1.0 / len(now))
    return float(((q - p) * np.log(q / p)).sum()), chance


def bin_edges(before: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upper edges of all bins but the last; a value on an edge is in the bin below it. At least one edge."""
    low, high = before.min(), before.max()
    if low == high:  # more, less, and the same
        return np.array([np.nextafter(low, -np.inf), low])
    bins = min(MOST_BINS, max(2, len(before) // STORES_PER_BIN))
    quantiles = np.quantile(before, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(np.where(quantiles < high, quantiles, low))


def _change(index: float, chance: float) -> str:
    if index < MOVED or index <= chance:
        return "stable"
    return "moved much" if index >= MOVED_MUCH else "moved"
