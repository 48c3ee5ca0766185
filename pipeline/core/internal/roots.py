"""A category's features for clustering: roots of shares on a plane, with gaps for need states that a store does not carry.

A store without a need state sells more of all others. Its raw mix is unlike any other, and stores without the same few need states
look like a cluster. So a zero is a gap if the store's sales are too large for a zero by chance. A gap is filled with the chain's share,
the store's other shares shrink to make room, and the gap does not count in the clustering.

But if the stores that sell most alike lack a need state together, what they lack is part of their mix: its zeros are shares then. They
count less than other values, as zeros do not scatter: at full weight they would make the scatter of the stores that carry it look small.

Sums run over the stores in the order of their values, never of their names.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.core.clustering.densities import Stores
from pipeline.core.clustering.evidence import thinness
from pipeline.core.clustering.factor_mixture import fit
from pipeline.core.clustering.tangent import base_of, flat
from pipeline.core.statistics.features import value_order

FEWEST_GAPS = 3.0  # stores: fewer that seem to lack a need state are none
_ROUNDS = 3  # gaps are found anew once those before them no longer blur the noise
_ITERATIONS = 20
_LOW = 0.02  # of a need state's positive sales: so many are smaller than what is taken for one sale
_DEARER = 6.0  # times the least sale of any need state: no need state's is more
_LUMPY = 1.5  # sales come in baskets: so many fewer chances than units
_MOST = 0.95  # of the stores: a need state is never taken to be lacking in more
_NEIGHBOURS = 5  # stores that sell most like a store
_COMPARED = 1_000  # stores, at most, among which neighbours are sought
_FORETOLD = 0.8  # of the variance of a need state's gaps, by the neighbours: from there on stores lack it together
_NOTHING = 1e-9  # of a store's sales
_OF_ZEROS = 0.2  # of a value's weight: where stores lack a need state together


class Plane(NamedTuple):
    """`base` by feature: the roots of the chain's shares, a vector of length 1. `gap_sales` by feature, in cents: a store with at least these
    total sales, and none of the feature, does not carry it; infinite if a feature has no gaps. `lacked_together` by feature: stores that sell
    alike lack it together, so that it has zeros and no gaps."""

    base: pd.Series[float]
    gap_sales: pd.Series[float]
    lacked_together: pd.Series[bool]


def plane(shares: pd.DataFrame, sales: pd.Series[int], one_sale: float) -> Plane:
    """The plane of the shares.

    Parameters
    ----------
    shares : store x feature, rows sum to 1, of the stores that shape the plane; at least one row
    sales : each store's mapped sales in cents
    one_sale : the amount of one sale of the cheapest need state, in cents (`one_sale_of`)
    """
    values = shares.to_numpy(dtype=np.float64)
    order = value_order(values)
    roots, total = np.sqrt(values[order]), sales.reindex(shares.index).to_numpy(dtype=np.float64)[order]
    from_sales = np.full(roots.shape[1], np.inf)
    base, together = base_of(roots), np.zeros(roots.shape[1], dtype=bool)
    if roots.shape[1] > 2 and (roots <= 0).any():
        for _ in range(_ROUNDS):
            gaps = _gaps(roots, total, from_sales)
            next_sales = _gap_sales(_filled(roots, gaps, base), roots <= 0, total, one_sale)
            if (next_sales == from_sales).all():
                break
            from_sales = next_sales
            base = _base(roots, _gaps(roots, total, from_sales))
        together = _foretold(values[order], _gaps(roots, total, from_sales)) >= _FORETOLD
        if together.any():
            from_sales[together] = np.inf
            base = _base(roots, _gaps(roots, total, from_sales))
    columns = shares.columns
    return Plane(
        pd.Series(base, index=columns), pd.Series(from_sales, index=columns), pd.Series(together, index=columns)
    )


def one_sale_of(sales: pd.DataFrame) -> float:
    """The smallest amount of one sale, in cents: the lowest over need states of the low end of positive sales; 0 without sales.

    `sales` : store x need state, cents, including rare need states.
    """
    values = sales.to_numpy(dtype=np.float64)
    low = [float(np.quantile(column[column > 0], _LOW)) for column in values.T if (column > 0).any()]
    return min(low, default=0.0)


def gaps_of(shares: pd.DataFrame, sales: pd.Series[int], of: Plane) -> pd.DataFrame:
    """Which features each store does not carry (store x feature)."""
    total = sales.reindex(shares.index).to_numpy(dtype=np.float64)
    gaps = _gaps(shares.to_numpy(dtype=np.float64), total, of.gap_sales.to_numpy(dtype=np.float64))
    return pd.DataFrame(gaps, index=shares.index, columns=shares.columns)


def counted_of(shares: pd.DataFrame, gaps: pd.DataFrame, of: Plane) -> pd.DataFrame:
    """How much each value counts in the clustering (store x feature): 1; 0 in a gap; less than 1 if it is a zero of a need state that stores lack
    together."""
    values = np.where(gaps.to_numpy(dtype=bool), 0.0, 1.0)
    lacked = (shares.to_numpy(dtype=np.float64) <= 0) & of.lacked_together.to_numpy(dtype=bool)
    return pd.DataFrame(np.where(lacked, _OF_ZEROS, values), index=shares.index, columns=shares.columns)


def laid_flat(shares: pd.DataFrame, gaps: pd.DataFrame, of: Plane) -> pd.DataFrame:
    """The stores' vectors on the plane (store x feature), gaps filled."""
    if shares.size == 0:
        return shares.astype("float64")
    base = of.base.to_numpy(dtype=np.float64)
    filled = _filled(np.sqrt(shares.to_numpy(dtype=np.float64)), gaps.to_numpy(dtype=bool), base)
    return pd.DataFrame(flat(filled, base), index=shares.index, columns=shares.columns)


def _gaps(
    shares: NDArray[np.float64], total: NDArray[np.float64], from_sales: NDArray[np.float64]
) -> NDArray[np.bool_]:
    gaps: NDArray[np.bool_] = (shares <= 0) & (total[:, None] >= from_sales)
    return gaps


def _foretold(shares: NDArray[np.float64], gaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each need state (d,), the share of the variance of its gaps that a store's neighbours foretell; at most 1, 0 or less if they do not.

    Neighbours are the stores nearest in the mix of the other need states (Hellinger distance), zeros included. With more than
    `_COMPARED` stores, as many of them, evenly along the given order, speak for all.
    """
    compared = np.unique(np.linspace(0, len(shares) - 1, min(len(shares), _COMPARED)).round().astype(np.int64))
    shares, gaps = shares[compared], gaps[compared]
    foretold = np.zeros(gaps.shape[1])
    if len(shares) <= _NEIGHBOURS:
        return foretold
    roots = np.sqrt(shares)
    of_all = roots @ roots.T
    for j in np.flatnonzero(gaps.sum(axis=0) >= FEWEST_GAPS):
        # Cosines of the other roots, but for a factor per row.
        unlike = (np.outer(roots[:, j], roots[:, j]) - of_all) / np.sqrt(np.maximum(1.0 - shares[:, j], _NOTHING))
        np.fill_diagonal(unlike, np.inf)
        nearest = np.argpartition(unlike, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
        is_gap = gaps[:, j].astype(np.float64)
        variance = float(np.square(is_gap - is_gap.mean()).sum())
        if variance > 0:
            foretold[j] = 1.0 - float(np.square(is_gap - is_gap[nearest].mean(axis=1)).sum()) / variance
    return foretold


def _filled(roots: NDArray[np.float64], gaps: NDArray[np.bool_], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """The roots (n, d) of a mix with the chain's share in a store's gaps."""
    carried = np.sqrt(np.where(gaps, 0.0, np.square(base)).sum(axis=1, keepdims=True))
    filled = np.where(gaps, base, roots * carried)
    whole: NDArray[np.float64] = filled / np.linalg.norm(filled, axis=1, keepdims=True)
    return whole


def _base(roots: NDArray[np.float64], gaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean root (d,) of the stores, scaled to length 1; it also fills their gaps."""
    carrying = np.maximum((~gaps).sum(axis=0), 1)
    base = np.where(gaps, 0.0, roots).sum(axis=0) / carrying
    base /= np.linalg.norm(base)
    for _ in range(_ROUNDS):
        base = base_of(_filled(roots, gaps, base))
    mean: NDArray[np.float64] = base
    return mean


def _gap_sales(
    filled: NDArray[np.float64], zero: NDArray[np.bool_], total: NDArray[np.float64], one_sale: float
) -> NDArray[np.float64]:
    """The total sales (d,), in cents, from which a zero is more likely a gap than chance.

    A store sells nothing by chance if its root falls to 0, within the spread of stores of its size, or if none of its few expected sales
    takes place (Poisson). EM estimates from both the share of stores that do not carry a need state.
    """
    n, d = filled.shape
    thin = thinness(total, float(np.median(total)))
    seen = Stores(np.where(zero, 0.0, filled), (~zero).astype(np.float64), np.zeros((n, 0)), thin)
    one_cluster = fit(seen, np.ones((1, n)), np.ones((1, n, 1)), 0, _ITERATIONS)
    means, spread = (
        one_cluster.means[0, 0],
        np.sqrt(one_cluster.variances[0] * (1.0 + one_cluster.noise[0] * thin[:, None])),
    )
    cents = np.square(filled) * total[:, None]
    low = [float(np.quantile(cents[~zero[:, j], j], _LOW)) if (~zero[:, j]).any() else np.inf for j in range(d)]
    price = np.maximum(np.minimum(low, _DEARER * one_sale), 1.0)
    chance = np.maximum(norm.cdf(-means / spread), np.exp(-np.square(means) * total[:, None] / price / _LUMPY))
    lacking = zero.mean(axis=0)
    for _ in range(_ROUNDS * _ITERATIONS):
        lacking = np.where(
            zero, lacking / np.maximum(lacking + (1.0 - lacking) * chance, np.finfo(np.float64).tiny), 0.0
        ).mean(axis=0)
        lacking = np.minimum(lacking, _MOST)
    odds = lacking / (1.0 - lacking)
    by_size = np.argsort(total, kind="stable")
    gap_sales = np.full(d, np.inf)
    for j in np.flatnonzero(lacking * n >= FEWEST_GAPS):
        likelier = chance[by_size, j] < odds[j]
        if likelier[-1]:  # chance falls with sales: from the first store of which all larger ones say so
            gap_sales[j] = total[by_size[len(likelier) - int(np.argmin(likelier[::-1])) if not likelier.all() else 0]]
    return gap_sales
