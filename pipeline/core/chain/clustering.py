"""The clustering over all categories, and its agreement with the clusters of each category."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from pipeline.core.chain.features import ChainFeatures, chain_features
from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.explain.profiles import need_state_profiles
from pipeline.core.statistics.explained import r_squared
from pipeline.core.statistics.features import positive_sales
from pipeline.settings import ChainClustering


def cluster_chain(
    *,
    sales_by_need_state: pd.DataFrame | Iterable[pd.DataFrame],
    internal_clusters: pd.DataFrame,
    settings: ChainClustering,
    held_out: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Cluster the stores on their sales mix in all categories together.

    A store counts in the categories in which it sold a mapped need state and from which it is not excluded. If these make up
    less than `min_coverage` of the chain's sales, the store is left out of the fit, placed afterwards and marked as an
    outlier. A store that is excluded from every category has no row; excluded_stores gives the reason.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of all categories; or parts of it, each of whole categories, that are used up
    internal_clusters : the clusters of each category, to compare with
    settings : `[chain.clustering]`
    held_out : stores that are left out of every fit and placed afterwards

    Returns
    -------
    chain_clusters, chain_k_selection, chain_verdicts, chain_profiles and chain_agreement, as in pipeline.schema. Without
    stores they are empty, except for the verdict `no structure` with k = 0; without sales that is missing too.
    """
    sales, has_rows = _sales(
        [sales_by_need_state] if isinstance(sales_by_need_state, pd.DataFrame) else sales_by_need_state
    )
    features = chain_features(sales, settings.min_need_state_share, settings.max_features, held_out)
    few = features.coverage.index[features.coverage < settings.min_coverage - 1e-12]
    clustering = cluster_stores(features.matrix, settings, left_out=list(few), held_out=held_out)
    stores = clustering.clusters["store_id"]
    verdict = clustering.verdict.assign(axis=None).astype({"axis": "object"})
    return {
        "chain_clusters": clustering.clusters.assign(
            categories=features.categories.reindex(stores).to_numpy(dtype="int64"),
            coverage=features.coverage.reindex(stores).to_numpy(dtype="float64"),
        ),
        "chain_k_selection": clustering.k_selection,
        "chain_verdicts": verdict if has_rows else verdict.iloc[:0],
        "chain_profiles": _profiles(sales, clustering.clusters),
        "chain_agreement": _agreement(features, clustering.clusters, internal_clusters),
    }


def _sales(parts: Iterable[pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], bool]:
    """The positive sales of each category (`positive_sales`), and whether the parts have any row."""
    sales, has_rows = {}, False
    for part in parts:
        has_rows |= len(part) > 0
        for category, rows in part.groupby("category", sort=True):
            wide = positive_sales(rows)
            if len(wide):
                sales[str(category)] = wide
    return dict(sorted(sales.items())), has_rows


def _profiles(sales: dict[str, pd.DataFrame], clusters: pd.DataFrame) -> pd.DataFrame:
    parts = [need_state_profiles(wide, clusters).assign(category=category) for category, wide in sales.items()]
    if not parts:
        parts = [need_state_profiles(pd.DataFrame(), clusters.iloc[:0]).assign(category="")]
    profiles = pd.concat(parts, ignore_index=True).astype({"category": "str"})
    return profiles.sort_values(["cluster", "category", "need_state"], ignore_index=True)


def _agreement(features: ChainFeatures, clusters: pd.DataFrame, internal_clusters: pd.DataFrame) -> pd.DataFrame:
    of_chain = clusters.set_index("store_id")["cluster"]
    rows = []
    for category, own in internal_clusters.groupby("category", sort=True):
        own = own[own["store_id"].isin(of_chain.index)]
        internal = own["cluster"].to_numpy(dtype=np.int64)
        chain = of_chain.reindex(own["store_id"]).to_numpy(dtype=np.int64)
        both_one = len(np.unique(internal)) < 2 and len(np.unique(chain)) < 2
        block = features.blocks[str(category)].reindex(own["store_id"])
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
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
