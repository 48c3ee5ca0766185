"""The feature matrix of the chain: the Hellinger features of all categories, weighted by their sales."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.statistics.features import positive_sales, rare_of, value_order
from pipeline.core.statistics.named_stores import to_fit
from pipeline.schema import RARE, UNMAPPED


class ChainFeatures(NamedTuple):
    """`matrix`: store x (category, need state). `blocks`: each category's rows before weighting, for its stores.

    `weight`: each category's share of the chain's mapped sales. `categories` and `coverage`: the number of categories in
    which the store has a mix, and the sum of their weights.
    """

    matrix: pd.DataFrame
    blocks: dict[str, pd.DataFrame]
    weight: dict[str, float]
    categories: pd.Series[int]
    coverage: pd.Series[float]


def positive_of_categories(parts: pd.DataFrame | Iterable[pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], bool]:
    """The positive sales of each category (`positive_sales`), and whether there is any row.

    Parameters
    ----------
    parts : sales_by_need_state, of all categories; or parts of it, each of whole categories, that are used up
    """
    sales, has_rows = {}, False
    for part in [parts] if isinstance(parts, pd.DataFrame) else parts:
        has_rows |= len(part) > 0
        for category, rows in part.groupby("category", sort=True):
            wide = positive_sales(rows)
            if len(wide):
                sales[str(category)] = wide
    return dict(sorted(sales.items())), has_rows


def chain_features(
    sales: Mapping[str, pd.DataFrame], min_need_state_share: float, max_features: int, held_out: Collection[str] = ()
) -> ChainFeatures:
    """The features of every store over all categories.

    In a category a store's features are the square roots of its shares of the mapped need states (Hellinger [1]_), less
    their mean over the category's stores, times the root of the category's weight. The squared distance of two stores is
    then the sales-weighted mean over categories of their squared distances in each category: a category counts as much as
    its sales. In a category without a mix of the store, the store is at the mean, zeros: neither similar to nor different
    from others there.

    Need states that are rare in their category (`features.rare_of`), or not among the `max_features` with the most sales, are one common
    feature of the category. A category with only one feature is left out.

    Parameters
    ----------
    sales : store x need state in cents for each category, from `features.positive_sales`
    min_need_state_share : 0..1
    max_features : >= 1
    held_out : stores that do not count in sums and means, but have features like the others; a need state or category that
        only they sell is no feature and has no weight. If all stores are held out, all of them count

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
    own = _own_features(counted, min_need_state_share, max_features)
    blocks = {category: _hellinger(wide, own[category]) for category, wide in mapped.items()}
    has_mix = pd.DataFrame({name: stores.isin(block.index) for name, block in blocks.items()}, index=stores, dtype=bool)
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
    coverage = has_mix.to_numpy(dtype=np.float64) @ np.array(
        [weight[name] for name in has_mix.columns], dtype=np.float64
    )
    return ChainFeatures(
        pd.DataFrame(np.hstack(parts), index=stores, columns=pd.Index(columns, tupleize_cols=False)),
        blocks,
        weight,
        has_mix.sum(axis=1).astype("int64"),
        pd.Series(coverage, index=stores, dtype="float64"),
    )


def _sold_by_any(wide: pd.DataFrame, stores: pd.Index) -> pd.DataFrame:
    """The sales without the need states that none of these stores sells; that may be all."""
    return wide.loc[:, wide[wide.index.isin(stores)].to_numpy().any(axis=0)]


def _own_features(
    mapped: Mapping[str, pd.DataFrame], min_need_state_share: float, max_features: int
) -> dict[str, list[str]]:
    """The need states of each category that are features of their own; at equal sales, the first by name."""
    sums = {category: wide.sum(axis=0) for category, wide in mapped.items()}
    ranked = sorted(
        (-int(cents), category, str(need_state))
        for category, of_need_state in sums.items()
        for need_state, cents in of_need_state[~rare_of(of_need_state, min_need_state_share)].items()
        if cents > 0
    )
    own: dict[str, list[str]] = {category: [] for category in mapped}
    for _, category, need_state in ranked[:max_features]:
        own[category].append(need_state)
    return {category: sorted(need_states) for category, need_states in own.items()}


def _hellinger(wide: pd.DataFrame, own: list[str]) -> pd.DataFrame:
    """Square roots of the shares, for stores that sold a mapped need state; need states not in `own` are one feature."""
    sold = wide[wide.sum(axis=1) > 0]
    shares = sold[own].astype("float64")
    others = sold.drop(columns=own).sum(axis=1)
    if others.any():
        shares[RARE] = others.astype("float64")
    return shares.div(sold.sum(axis=1), axis=0).pow(0.5)
