"""ExternalClustering: all stores, clustered on the outside data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.features import check_finite, long_table, scale
from pipeline.core.profiles import feature_profiles

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.settings import ExternalClustering


def cluster(*, external_features: pd.DataFrame, settings: ExternalClustering) -> dict[str, pd.DataFrame]:
    """Cluster the stores on the features of the outside data, scaled.

    Parameters
    ----------
    external_features : store_id, and one float column per feature: imputed, transformed, not yet scaled
    settings : `[external.clustering]`

    Returns
    -------
    external_clusters, external_k_selection, external_verdicts, external_profiles (of the features before scaling) and
    external_scaled_features, as in pipeline.schema. Without a feature all stores form one cluster; without a store the tables
    have no rows but for the verdict `no structure` with k = 0.

    Raises
    ------
    DataError : a value is NaN or infinite; it names the feature.
    """
    features = external_features.set_index("store_id").sort_index().sort_index(axis=1).astype("float64")
    check_finite(features)
    scaled = scale(features, settings.scaling)
    clustering = cluster_stores(scaled, settings)
    return {
        "external_clusters": clustering.clusters,
        "external_k_selection": clustering.k_selection,
        "external_verdicts": clustering.verdict,
        "external_profiles": feature_profiles(features, clustering.clusters),
        "external_scaled_features": long_table(scaled),
    }
