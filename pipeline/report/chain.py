"""The clusters over all categories, as the page draws them: each store's cluster, and the need states that differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.report.grids import integer, percent
from pipeline.report.k_figures import figures_of_k
from pipeline.report.source import Source

_MOST = 30  # need states that are shown
_LEAST_SHARE = 0.01  # of a category's sales, in some cluster: rarer need states are not worth a line


def content(source: Source, stores: Sequence[str]) -> dict[str, Any] | None:
    """The clusters over all categories; None if there are none.

    Parameters
    ----------
    source : where the tables are
    stores : every store of the page, in its order

    Returns
    -------
    `clusters`: numbers and counts of stores. `at` and `confidence`: by store, None for a store without such a cluster. By need
    state, those that the clusters explain best first: `category`, `need`, `index` by cluster, `explained` in percent.
    """
    clusters = source.table("chain_clusters")
    if clusters.empty:
        return None
    sizes = clusters.groupby("cluster").size()
    numbers = [int(number) for number in sizes.index]
    at = clusters.set_index("store_id")
    profiles = source.table("chain_profiles")
    sold = profiles.groupby(["category", "need_state"])["mean_share"].transform("max")
    profiles = profiles[(sold >= _LEAST_SHARE) & profiles["eta_squared"].notna()]
    first = profiles.drop_duplicates(["category", "need_state"]).sort_values(
        ["eta_squared", "category", "need_state"], ascending=[False, True, True]
    )
    keys = list(zip(profiles["category"], profiles["need_state"], profiles["cluster"], strict=True))
    index = dict(zip(keys, profiles["share_index"], strict=True))
    shown = list(first.head(_MOST).itertuples(index=False))
    return {
        "clusters": [{"number": number, "name": "", "stores": int(sizes[number])} for number in numbers],
        "at": [integer(at["cluster"].get(store)) for store in stores],
        "confidence": [percent(at["confidence"].get(store)) for store in stores],
        "category": [str(row.category) for row in shown],
        "need": [str(row.need_state) for row in shown],
        "index": [[_whole(index.get((row.category, row.need_state, number))) for number in numbers] for row in shown],
        "explained": [percent(row.eta_squared) for row in shown],
        "of": len(first),
        "k_figures": figures_of_k(source.table("chain_k_selection")),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else round(value)
