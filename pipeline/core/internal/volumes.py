"""Volume tiers: how much a store sells in a category. The tier never enters the mix."""

from __future__ import annotations

import pandas as pd

from pipeline.core.statistics import money


def volume_tiers(sales_by_need_state: pd.DataFrame, tiers: int) -> pd.DataFrame:
    """The net sales of every store that is not excluded, and its tier: 1 for the largest.

    A store's tier is 1 + floor(tiers x (stores that sell more) / stores): tiers have equal numbers of stores, except that
    stores with equal sales share a tier. Sales without a need state also count.

    Parameters
    ----------
    sales_by_need_state : one category's table, as in pipeline.schema
    tiers : the number of tiers, at least 1

    Returns
    -------
    store_id, sales_cents, volume_tier; sorted by store_id. No rows if all stores are excluded.
    """
    used = sales_by_need_state[~sales_by_need_state["is_excluded"].astype(bool)]
    sold = money.totals(used["sales_cents"], [used["store_id"]]).reset_index()
    selling_more = sold["sales_cents"].rank(method="min", ascending=False).sub(1).astype("int64")
    return sold.assign(volume_tier=1 + tiers * selling_more // max(len(sold), 1))
