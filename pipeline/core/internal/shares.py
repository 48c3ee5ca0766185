"""Shares of a store's sales over the need states of a category, and how they compare with the chain's.

A need state whose net sales are negative (returns) counts as zero: it is clipped.
"""

from __future__ import annotations

import pandas as pd


def per_store(sales: pd.DataFrame) -> pd.DataFrame:
    """Positive and clipped cents per (category, store_id), both as positive amounts.

    Parameters
    ----------
    sales : store_id, category, sales_cents, one row per need state; may be empty
    """
    amounts = sales[["category", "store_id"]].assign(
        positive_cents=sales["sales_cents"].clip(lower=0), clipped_cents=-sales["sales_cents"].clip(upper=0)
    )
    return amounts.groupby(["category", "store_id"], sort=True)[["positive_cents", "clipped_cents"]].sum()


def with_shares(sales: pd.DataFrame, excluded: pd.DataFrame) -> pd.DataFrame:
    """Add share, share_index and is_excluded to sales by need state.

    share = max(net, 0) / the store's sum of it over the category, null if that is zero. share_index = 100 x share /
    the pooled chain share: the need state's part of the positive sales of all stores that are not excluded, UNMAPPED
    included; null if that is zero.

    Parameters
    ----------
    sales : store_id, category, need_state, sales_cents; one row per key, may be empty
    excluded : store_id, category of the stores that are excluded from a category

    Returns
    -------
    The rows of `sales`, sorted by store_id, category and need_state, with the three columns.
    """
    shares = sales.sort_values(["store_id", "category", "need_state"], ignore_index=True)
    pairs = pd.MultiIndex.from_frame(shares[["store_id", "category"]])
    shares["is_excluded"] = pairs.isin(pd.MultiIndex.from_frame(excluded[["store_id", "category"]]))
    positive = shares["sales_cents"].clip(lower=0)
    total = positive.groupby([shares["category"], shares["store_id"]]).transform("sum")
    shares["share"] = positive / total.where(total > 0)
    pooled = positive.where(~shares["is_excluded"], 0)
    need_state = pooled.groupby([shares["category"], shares["need_state"]]).transform("sum")
    category = pooled.groupby(shares["category"]).transform("sum")
    chain = need_state / category.where(category > 0)
    shares["share_index"] = 100 * shares["share"] / chain.where(chain > 0)
    return shares
