"""Names and profiles of the final clusters."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.core.explain.cluster_names import cluster_names, side
from pipeline.core.explain.profiles import feature_profiles
from pipeline.core.explain.readings import logged, of_features, of_shares
from pipeline.core.external import clustering as external_clustering
from pipeline.core.frames import stacked
from pipeline.core.internal import clustering as internal_clustering
from pipeline.schema import TABLES


def described(
    merged: dict[str, pd.DataFrame],
    internal_features: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Names and profiles of the final clusters, from the sales mix and the surroundings of their stores.

    Parameters
    ----------
    merged : with store_clusters and merged_clusters
    internal_features, external_features, external_feature_report : as in `pipeline.schema`

    Returns
    -------
    merged_clusters with names, merged_profiles.
    """
    outside = external_features.set_index("store_id").sort_index().sort_index(axis=1)
    in_logs = logged(external_feature_report)
    mixes = {str(name): rows for name, rows in internal_features.groupby("category", sort=True)}
    named: dict[tuple[str, int], str] = {}
    profiles: list[pd.DataFrame] = []
    for name, rows in merged["store_clusters"].groupby("category", sort=True):
        category, clusters = str(name), rows[["store_id", "cluster"]].sort_values("store_id", ignore_index=True)
        of_store = clusters.set_index("store_id")["cluster"]
        sides = []
        if category in mixes:
            shares = mixes[category].pivot(index="store_id", columns="feature", values="share")
            sides.append(side(of_shares(shares), of_store, internal_clustering.PLAIN))
            profiles.append(_profile(shares, clusters, category, "internal"))
        with_features = outside.loc[outside.index.isin(of_store.index)]
        if with_features.size:
            sides.append(side(of_features(with_features, in_logs), of_store, external_clustering.PLAIN))
            profiles.append(_profile(with_features, clusters, category, "external", in_logs))
        own = sorted(int(cluster) for cluster in of_store.unique())
        named |= {(category, cluster): text for cluster, text in cluster_names(sides, own).items()}
    merged_clusters = merged["merged_clusters"]
    keys = zip(merged_clusters["category"], merged_clusters["cluster"], strict=True)
    return {
        "merged_clusters": merged_clusters.assign(
            name=pd.Series([named[str(a), int(b)] for a, b in keys], index=merged_clusters.index, dtype="str")
        ),
        "merged_profiles": stacked(TABLES["merged_profiles"], profiles),
    }


def _profile(
    values: pd.DataFrame, clusters: pd.DataFrame, category: str, side_name: str, in_logs: Sequence[str] = ()
) -> pd.DataFrame:
    inside = clusters[clusters["store_id"].isin(values.index)]
    return feature_profiles(values.loc[inside["store_id"]], inside, in_logs).assign(category=category, side=side_name)
