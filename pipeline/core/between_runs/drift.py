"""How far features drifted between two results: the population stability index, and a paired test of the stores in both."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, norm, rankdata

MOST_BINS = 10
STORES_PER_BIN = 20  # of the reference: with fewer, chance alone gives a large index
MOVED, MOVED_MUCH = 0.1, 0.25  # limits of the index
SHIFTED = 0.05  # of the mean before; a smaller shift is not reported, even if it is certain
_CHANCE = 0.95


def drift(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """How far every feature of either matrix drifted.

    Parameters
    ----------
    before, now : one row per store (index: store_id), one column per feature; stores and features may differ

    Returns
    -------
    One row per feature, sorted: feature, psi, psi_by_chance, mean_before, mean_now, shift, p_shift, change. `moved` (psi of at least
    `MOVED`) and `moved much` (`MOVED_MUCH`) require psi above psi_by_chance. Else `shifted`, if the stores in both matrices moved
    together: p_shift, corrected for the number of features (Holm [1]_), is at most 1 - `_CHANCE`, and the shift is at least `SHIFTED`
    of the mean before. Else `stable`. `new` and `gone`, with the mean only, if only one matrix has the feature.

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6(2), 1979.
    """
    shifts = _shifts(before, now)
    rows = []
    for feature in sorted({*before.columns, *now.columns}):
        sides = [frame[feature].to_numpy(dtype=np.float64) if feature in frame else None for frame in (before, now)]
        means = [np.nan if side is None or not len(side) else float(np.sort(side).mean()) for side in sides]
        index, chance, change = np.nan, np.nan, "gone" if sides[1] is None else "new"
        if sides[0] is not None and sides[1] is not None and len(sides[0]) and len(sides[1]):
            index, chance = psi(sides[0], sides[1])
            change = _change(index, chance)
            if change == "stable" and feature in shifts.index and shifts.loc[feature, "is_shifted"]:
                change = "shifted"
        shift, p_shift = shifts.loc[feature, ["shift", "p_shift"]] if feature in shifts.index else (np.nan, np.nan)
        rows.append((str(feature), index, chance, *means, shift, p_shift, change))
    columns = ["feature", "psi", "psi_by_chance", "mean_before", "mean_now", "shift", "p_shift", "change"]
    kinds = {"feature": "str", "change": "str"} | dict.fromkeys(columns[1:7], "float64")
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def _shifts(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """For each feature in both: shift, p_shift and is_shifted, over the stores in both; empty without such stores."""
    stores, features = before.index.intersection(now.index), before.columns.intersection(now.columns)
    if not len(stores):
        return pd.DataFrame({"shift": [], "p_shift": [], "is_shifted": []})
    was = before.loc[stores, features].to_numpy(dtype=np.float64)
    moved = now.loc[stores, features].to_numpy(dtype=np.float64) - was
    shift = np.sort(moved, axis=0).mean(axis=0)
    p = np.array([signed_rank(column) for column in moved.T])
    order = p.argsort(kind="stable")
    sure = np.empty(len(p))
    sure[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    large = np.abs(shift) >= SHIFTED * np.abs(np.sort(was, axis=0).mean(axis=0))
    return pd.DataFrame({"shift": shift, "p_shift": p, "is_shifted": (sure <= 1.0 - _CHANCE) & large}, index=features)


def signed_rank(differences: NDArray[np.float64]) -> float:
    """p of Wilcoxon's signed-rank test [1]_, two-sided: how likely differences (n,) lie to one side as much by chance alone.

    Its normal approximation, with the variance that ties leave; differences of 0 say nothing. 1 where all are.

    References
    ----------
    .. [1] F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 1945.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    ranks = rankdata(np.abs(moved))
    return float(2.0 * norm.sf(abs(float((np.sign(moved) * ranks).sum())) / np.sqrt(float(np.square(ranks).sum()))))


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
