"""The clustering over all categories."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd

from pipeline.core.chain.features import chain_features, positive_of_categories
from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.explain.profiles import need_state_profiles
from pipeline.settings import ChainClustering


def cluster_chain(
    *,
    sales_by_need_state: pd.DataFrame | Iterable[pd.DataFrame],
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
    settings : `[chain.clustering]`
    held_out : stores that are left out of every fit and placed afterwards

    Returns
    -------
    chain_clusters, chain_k_selection, chain_verdicts and chain_profiles, as in pipeline.schema. Without stores they are
    empty, except for the verdict `no structure` with k = 0; without sales that is missing too.
    """
    sales, has_rows = positive_of_categories(sales_by_need_state)
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
    }


def _profiles(sales: dict[str, pd.DataFrame], clusters: pd.DataFrame) -> pd.DataFrame:
    parts = [need_state_profiles(wide, clusters).assign(category=category) for category, wide in sales.items()]
    if not parts:
        parts = [need_state_profiles(pd.DataFrame(), clusters.iloc[:0]).assign(category="")]
    profiles = pd.concat(parts, ignore_index=True).astype({"category": "str"})
    return profiles.sort_values(["cluster", "category", "need_state"], ignore_index=True)
