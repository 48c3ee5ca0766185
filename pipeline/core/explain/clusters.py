"""Explain each cluster of a clustering: exemplar stores, a summary with a name, and rules."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.core.explain.cluster_names import cluster_names, side
from pipeline.core.explain.description_rules import description_rules
from pipeline.core.explain.profiles import means
from pipeline.core.explain.readings import Readings
from pipeline.core.statistics.features import value_order

EXEMPLARS = 3


def explain(
    features: pd.DataFrame, readings: Readings, clusters: pd.DataFrame, *, plain: str, random_state: int
) -> dict[str, pd.DataFrame]:
    """Explain the clusters of one clustering.

    Parameters
    ----------
    features : the clustered features, one row per store (index: store_id)
    readings : the features of the same stores, in units for people
    clusters : internal_clusters or external_clusters of these stores
    plain : the name of a cluster without notable features
    random_state : the seed of the rules

    Returns
    -------
    exemplars, cluster_summary and rules, as in pipeline.schema, without the category and without the side's name.
    """
    return {
        "exemplars": exemplars(features, clusters),
        "cluster_summary": summary(readings, clusters, plain),
        "rules": description_rules(readings, clusters, random_state),
    }


def exemplars(features: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """The most typical stores of each cluster: the nearest to its centroid, without outliers and held-out stores.

    The nearest store is the medoid of the cluster for squared distances: the sum of a store's squared distances to the n
    stores of its cluster is n times its squared distance to their mean, plus a constant [1]_. Equally near stores are
    ordered by their feature values, equal stores by id.

    Returns
    -------
    cluster, rank (from 1, `EXEMPLARS` at most), store_id, distance, sorted by cluster and rank.

    References
    ----------
    .. [1] L. Kaufman, P. J. Rousseeuw, "Finding groups in data", 1990, ch. 2 (medoids); the identity is Huygens'.
    """
    by_name = features.sort_index().sort_index(axis=1)
    order = value_order(by_name.to_numpy(dtype=np.float64))
    ordered = clusters.set_index("store_id").loc[by_name.index[order]]
    apart = ordered["is_outlier"].astype(bool) | ordered["is_held_out"].astype(bool)
    inside = ordered[~apart].rename_axis("store_id").reset_index()
    inside = inside.sort_values(["cluster", "distance"], kind="stable", ignore_index=True)
    inside["rank"] = inside.groupby("cluster").cumcount() + 1
    nearest = inside.loc[inside["rank"] <= EXEMPLARS, ["cluster", "rank", "store_id", "distance"]]
    return nearest.astype({"rank": "int64"}).reset_index(drop=True)


def summary(readings: Readings, clusters: pd.DataFrame, plain: str) -> pd.DataFrame:
    """One row per cluster, sorted: cluster, name, stores, outlier_stores, and the means of silhouette, margin, confidence."""
    figures = ["silhouette", "margin", "confidence"]
    groups = list(clusters.groupby("cluster", sort=True))
    numbers = [int(cluster) for cluster, _ in groups]
    name_of = (
        cluster_names([side(readings, clusters.set_index("store_id")["cluster"], plain)], numbers) if numbers else {}
    )
    averages = [means(of_cluster[figures].astype("float64")) for _, of_cluster in groups]
    return pd.DataFrame(
        {
            "cluster": pd.Series(numbers, dtype="int64"),
            "name": pd.Series([name_of[cluster] for cluster in numbers], dtype="str"),
            "stores": pd.Series([len(of_cluster) for _, of_cluster in groups], dtype="int64"),
            "outlier_stores": pd.Series([of_cluster["is_outlier"].sum() for _, of_cluster in groups], dtype="int64"),
            **{name: pd.Series([average[name] for average in averages], dtype="float64") for name in figures},
        }
    )
