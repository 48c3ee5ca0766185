"""How noisy each store's mix is, from the halves of its weeks, and how reliable its shares are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.holding.halves import INTERLEAVED, Halves


def reliability(halves: Halves | None, shares: pd.DataFrame, sales: pd.Series[int]) -> pd.DataFrame:
    """The noise of every store's share of every feature, and its reliability.

    The two halves of a halving differ by noise, and half of the weeks is twice as noisy as all weeks: the mean of
    ((a - b) / 2)^2 over the interleaved halvings is the variance of a share of all weeks [1]_. For a single store and feature this has
    few degrees of freedom. Its expected value is steadier: the variance of a count, in proportion to p (1 - p) / sales, where p is the
    share, drawn towards the chain's by its own reliability, times a factor per feature that makes the two equal on average. On 40 categories
    of real sales the expected value predicts the noise of other weeks better than a store's own figure, or any mix of both.

    Parameters
    ----------
    halves : the n stores that sold in every half; None gives no rows
    shares : store x feature, of all weeks
    sales : each store's sales of these features in all weeks, above 0 for the stores of `halves`; in any unit

    Returns
    -------
    store_id, feature, share, noise (the standard deviation of the share, 0..1) and reliability (the part of the variance
    between stores that is not noise, 0..1); one row per store of `halves` and feature, sorted.

    References
    ----------
    .. [1] P. J. McCarthy, "Pseudo-replication: half samples", Review of the International Statistical Institute 37(3), 1969.
    """
    columns = {"store_id": "str", "feature": "str", "share": "float64", "noise": "float64", "reliability": "float64"}
    if halves is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    values = shares.loc[halves.stores].to_numpy(dtype=np.float64)
    noise = variances(halves.shares, values, sales.loc[halves.stores].to_numpy(dtype=np.float64))
    spread = _between(values, noise)
    n, d = values.shape
    frame = pd.DataFrame(
        {
            "store_id": np.repeat(halves.stores.to_numpy(), d),
            "feature": np.tile(shares.columns.to_numpy(), n),
            "share": values.ravel(),
            "noise": np.sqrt(noise).ravel(),
            "reliability": _part(spread, noise).ravel(),
        }
    )
    return frame.astype(columns).sort_values(["store_id", "feature"], ignore_index=True)


def variances(
    halves: NDArray[np.float64], shares: NDArray[np.float64], sales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The variance of the noise of each share (n, d), as `reliability` explains it.

    Parameters
    ----------
    halves : (7, 2, n, d) shares in halves of the weeks
    shares : (n, d) of all weeks
    sales : (n,) of all weeks, above 0
    """
    apart = halves[INTERLEAVED, 0] - halves[INTERLEAVED, 1]
    measured = np.square(apart / 2.0).mean(axis=0)
    flat = np.broadcast_to(measured.mean(axis=0), measured.shape)
    chain = sales @ shares / sales.sum()
    drawn = chain + _part(_between(shares, flat), flat) * (shares - chain)
    counted = drawn * (1.0 - drawn) / sales[:, None]
    total = counted.sum(axis=0)
    expected: NDArray[np.float64] = measured.sum(axis=0) / np.where(total > 0, total, 1.0) * counted
    return expected


def _between(shares: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The variance (d,) of the stores' shares (n, d) beyond their noise."""
    between: NDArray[np.float64] = np.maximum(shares.var(axis=0) - noise.mean(axis=0), 0.0)
    return between


def _part(spread: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a share's variance (n, d) that is not noise; 1 if there is no variance and no noise."""
    whole = spread + noise
    return np.where(whole > 0, spread / np.where(whole > 0, whole, 1.0), 1.0)
