"""The agreement of the clusters over all categories with the clusters of each category."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from pipeline.core.chain.features import chain_features, positive_of_categories
from pipeline.core.statistics.explained import r_squared
from pipeline.settings import ChainClustering


def compare_with_categories(
    *,
    sales_by_need_state: pd.DataFrame | Iterable[pd.DataFrame],
    chain_clusters: pd.DataFrame,
    internal_clusters: pd.DataFrame,
    settings: ChainClustering,
    held_out: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Compare the chain's clusters with those of each category: do they agree, and how much of its mix does each explain?

    Parameters
    ----------
    sales_by_need_state : the table of that name, of all categories; or parts of it, each of whole categories, that are used up
    chain_clusters : what `cluster_chain` gives for these sales
    internal_clusters : the clusters of each category
    settings : `[chain.clustering]`, which says what a feature is
    held_out : stores that do not count in what a feature is

    Returns
    -------
    chain_agreement, as in pipeline.schema; empty without clusters of a category.
    """
    sales, _ = positive_of_categories(sales_by_need_state)
    blocks = chain_features(sales, settings.min_need_state_share, settings.max_features, held_out).blocks
    of_chain = chain_clusters.set_index("store_id")["cluster"]
    rows = []
    for category, own in internal_clusters.groupby("category", sort=True):
        own = own[own["store_id"].isin(of_chain.index)]
        internal = own["cluster"].to_numpy(dtype=np.int64)
        chain = of_chain.reindex(own["store_id"]).to_numpy(dtype=np.int64)
        both_one = len(np.unique(internal)) < 2 and len(np.unique(chain)) < 2
        block = blocks[str(category)].reindex(own["store_id"])
        has_mix = block.notna().all(axis=1).to_numpy()
        mix = block[has_mix].to_numpy(dtype=np.float64)
        rows.append(
            {
                "category": str(category),
                "stores": len(own),
                "internal_clusters": len(np.unique(internal)),
                "agreement": np.nan if both_one else float(adjusted_rand_score(internal, chain)),
                "r_squared_internal": r_squared(mix, internal[has_mix]),
                "r_squared_chain": r_squared(mix, chain[has_mix]),
            }
        )
    kinds = {
        "category": "str",
        "stores": "int64",
        "internal_clusters": "int64",
        "agreement": "float64",
        "r_squared_internal": "float64",
        "r_squared_chain": "float64",
    }
    return {"chain_agreement": pd.DataFrame(rows, columns=list(kinds)).astype(kinds)}
