"""The chain's feature matrix: every category's Hellinger features, each category with the say that its sales give it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.named_stores import to_fit
from pipeline.core.statistics.features import RARE, value_order
from pipeline.schema import UNMAPPED


class ChainFeatures(NamedTuple):
    """`matrix`: store x (category, need state). `blocks`: each category's rows before weighting, of the stores it knows.

    `weight`: each category's share of the chain's mapped sales. `categories` and `coverage`: how many categories know the
    store's mix, and the sum of their weights.
    """

    matrix: pd.DataFrame
    blocks: dict[str, pd.DataFrame]
    weight: dict[str, float]
    categories: pd.Series[int]
    coverage: pd.Series[float]


def chain_features(
    sales: Mapping[str, pd.DataFrame], min_need_state_share: float, max_features: int, held_out: Collection[str] = ()
) -> ChainFeatures:
    """The features of every store over all categories.

    In a category a store's features are the square roots of its shares of the mapped need states (Hellinger [1]_), less
    their mean over the category's stores, times the root of the category's weight. The squared distance of two stores is
    then the sales-weighted mean over categories of their squared distances in each: a large category counts more, and none
    more than its sales. In a category that does not know a store's mix the store stands at the mean, zeros: it is taken
    for neither like nor unlike any other there.

    Need states below `min_need_state_share` of their category's sales are one feature of it, and so are those beyond the
    `max_features` with the most sales. A category left with one feature says nothing, and has none.

    Parameters
    ----------
    sales : each category's store x need state in cents, as `features.positive_sales` gives it
    min_need_state_share : 0..1
    max_features : >= 1
    held_out : stores that do not count in sums and means, and have features like any other; what they alone sell, a need
        state or a whole category, is no feature and has no weight. Where these are all stores, all of them count

    References
    ----------
    .. [1] P. Legendre, E. Gallagher, "Ecologically meaningful transformations for ordination of species data",
       Oecologia 129, 2001.
    """
    stores = pd.Index(sorted({store for wide in sales.values() for store in wide.index}), dtype=object)
    counting = stores[to_fit(stores, held_out)]
    mapped = {
        category: _sold_by_any(wide.drop(columns=UNMAPPED, errors="ignore"), counting)
        for category, wide in sorted(sales.items())
    }
    counted = {category: wide[wide.index.isin(counting)] for category, wide in mapped.items()}
    totals = {category: int(wide.to_numpy().sum()) for category, wide in counted.items()}
    chain = max(sum(totals.values()), 1)
    weight = {category: total / chain for category, total in totals.items()}
    kept = _kept(counted, totals, min_need_state_share, max_features)
    blocks = {category: _hellinger(wide, kept[category]) for category, wide in mapped.items()}
    known = pd.DataFrame({name: stores.isin(block.index) for name, block in blocks.items()}, index=stores, dtype=bool)
    columns, parts = [], [np.zeros((len(stores), 0))]
    for category, block in blocks.items():
        if block.shape[1] < 2:
            continue
        values = block.to_numpy(dtype=np.float64)
        fitted = values[block.index.isin(counting)]
        values = np.sqrt(weight[category]) * (values - fitted[value_order(fitted)].mean(axis=0))
        parts.append(np.zeros((len(stores), values.shape[1])))
        parts[-1][stores.get_indexer(block.index)] = values
        columns += [(category, need_state) for need_state in block.columns]
    coverage = known.to_numpy(dtype=np.float64) @ np.array([weight[name] for name in known.columns], dtype=np.float64)
    return ChainFeatures(
        pd.DataFrame(np.hstack(parts), index=stores, columns=pd.Index(columns, tupleize_cols=False)),
        blocks,
        weight,
        known.sum(axis=1).astype("int64"),
        pd.Series(coverage, index=stores, dtype="float64"),
    )


def _sold_by_any(wide: pd.DataFrame, stores: pd.Index) -> pd.DataFrame:
    """Without the need states that none of these stores sells; of a category that none of them sells, none is left."""
    return wide.loc[:, wide[wide.index.isin(stores)].to_numpy().any(axis=0)]


def _kept(
    mapped: Mapping[str, pd.DataFrame], totals: Mapping[str, int], min_need_state_share: float, max_features: int
) -> dict[str, list[str]]:
    """Which need states of each category are features of their own; at a tie of sales the first by name are."""
    ranked = sorted(
        (-int(cents), category, str(need_state))
        for category, wide in mapped.items()
        for need_state, cents in wide.sum(axis=0).items()
        if cents > 0 and cents >= min_need_state_share * totals[category]
    )
    kept: dict[str, list[str]] = {category: [] for category in mapped}
    for _, category, need_state in ranked[:max_features]:
        kept[category].append(need_state)
    return {category: sorted(need_states) for category, need_states in kept.items()}


def _hellinger(wide: pd.DataFrame, kept: list[str]) -> pd.DataFrame:
    """Square roots of the shares of the stores that sold a mapped need state; what is not kept is one feature."""
    sold = wide[wide.sum(axis=1) > 0]
    shares = sold[kept].astype("float64")
    others = sold.drop(columns=kept).sum(axis=1)
    if others.any():
        shares[RARE] = others.astype("float64")
    return shares.div(sold.sum(axis=1), axis=0).pow(0.5)
