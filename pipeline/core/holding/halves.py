"""The stores' mixes in halves of the weeks, to try clusters on weeks outside their fit.

The weeks are in `BLOCKS` blocks: four consecutive periods, each with two sets of alternating weeks. Half of the blocks, in
seven ways that are balanced against each other, make fourteen half-samples: the rows of a Hadamard matrix, as surveys estimate
variances from [1]_. The first way splits the weeks in the middle; in the other six, both sides have weeks of the whole time.

References
----------
.. [1] P. J. McCarthy, "Pseudo-replication: half samples", Review of the International Statistical Institute 37(3), 1969.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.statistics.features import value_order
from pipeline.schema import BLOCK_CENTS, BLOCKS, RARE, UNMAPPED

IN_THE_MIDDLE = 0  # the halving whose halves follow each other
INTERLEAVED = slice(1, None)  # the others
NEWEST = slice(6, 8)  # the blocks of the last period
_BITS = (
    np.arange(BLOCKS)[:, None] >> np.array([2, 1, 0])
) & 1  # of a block: late half, odd period of its half, odd weeks
_WAYS = np.array([(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
HALVINGS: NDArray[np.bool_] = (_WAYS @ _BITS.T) % 2 == 0  # (7, BLOCKS), whether a block is in the first half


class Halves(NamedTuple):
    """The mixes of the n stores that sold in every half, in d features.

    `stores` (n,) their ids, in order of their shares; `shares` (7, 2, n, d), each row sums to 1; `values` are the same in the coordinates of the
    clustering; `newest` (2, m, d) the values of the last period's two blocks, of the m stores `newest_stores` that sold in both.
    """

    stores: pd.Index
    shares: NDArray[np.float64]
    values: NDArray[np.float64]
    newest_stores: pd.Index
    newest: NDArray[np.float64]

    def of(self, stores: Collection[str]) -> Halves:
        """The halves of these stores alone."""
        whole, recent = self.stores.isin(stores), self.newest_stores.isin(stores)
        return Halves(
            self.stores[whole],
            self.shares[:, :, whole],
            self.values[:, :, whole],
            self.newest_stores[recent],
            self.newest[:, recent],
        )


def halves(
    sales_by_block: pd.DataFrame, shares: pd.DataFrame, coordinates: Callable[[pd.DataFrame], pd.DataFrame]
) -> Halves | None:
    """The halves of the weeks, in the features of the whole.

    Parameters
    ----------
    sales_by_block : the table of that name, of one category; no rows if the weeks are unknown
    shares : the stores' shares of all weeks, store x feature; need states without a column of their own are in `schema.RARE`
    coordinates : converts shares to the coordinates of the clustering, row by row

    Returns
    -------
    None if the weeks are unknown, or if no store sold in every half.
    """
    if not len(sales_by_block) or not shares.shape[1]:
        return None
    shares = shares.iloc[value_order(shares.to_numpy(dtype=np.float64))]  # names change nothing
    sums = _sums(sales_by_block, shares)
    of_halves = np.stack([HALVINGS @ _flat(sums), ~HALVINGS @ _flat(sums)], axis=1).reshape(-1, 2, *sums.shape[1:])
    of_halves, whole = _shares(of_halves)
    of_newest, recent = _shares(sums[NEWEST])
    if not whole.any():
        return None
    return Halves(
        shares.index[whole],
        of_halves[:, :, whole],
        _on(coordinates, shares, of_halves[:, :, whole]),
        shares.index[recent],
        _on(coordinates, shares, of_newest[:, recent]),
    )


def _sums(sales_by_block: pd.DataFrame, shares: pd.DataFrame) -> NDArray[np.float64]:
    """Net cents by block, store and feature: (`BLOCKS`, n, d)."""
    used = sales_by_block[sales_by_block["need_state"] != UNMAPPED]
    stores = shares.index.get_indexer(used["store_id"])
    features = shares.columns.get_indexer(used["need_state"])
    if RARE in shares.columns:
        features = np.where(features < 0, shares.columns.get_loc(RARE), features)
    valid = (stores >= 0) & (features >= 0)
    sums = np.zeros((BLOCKS, *shares.shape))
    cents = used[list(BLOCK_CENTS)].to_numpy(dtype=np.float64)[valid]
    for block, of_block in zip(sums, cents.T, strict=True):
        np.add.at(block, (stores[valid], features[valid]), of_block)
    return sums


def _flat(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums.reshape(BLOCKS, -1)


def _shares(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The shares (..., n, d) of net sales, and which stores (n,) have sales in every half; shares without sales are 0."""
    positive = np.maximum(sums, 0.0)
    total = positive.sum(axis=-1, keepdims=True)
    sold = (total[..., 0] > 0).all(axis=tuple(range(total.ndim - 2)))
    return positive / np.where(total > 0, total, 1.0), sold


def _on(
    coordinates: Callable[[pd.DataFrame], pd.DataFrame], features: pd.DataFrame, shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shares (..., d) in the coordinates of the clustering, all rows at once."""
    rows = pd.DataFrame(shares.reshape(-1, shares.shape[-1]), columns=features.columns)
    values: NDArray[np.float64] = coordinates(rows).to_numpy(dtype=np.float64)
    return values.reshape(*shares.shape[:-1], values.shape[1])
