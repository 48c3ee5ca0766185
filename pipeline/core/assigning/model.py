"""The published model: tables with everything needed to place a new store, from the published clustering."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pipeline.core.assigning.classifier import Classifier, classifier
from pipeline.core.assigning.mixes import new_mixes
from pipeline.core.assigning.published import Clustering, clustering, wide
from pipeline.core.assigning.spaces import EXTERNAL, INTERNAL, fitted_space, place
from pipeline.core.frames import frame
from pipeline.core.internal.shrinkage import SHRINKS, Noise, noise_of
from pipeline.core.statistics.features import (
    Axes,
    positive_sales,
    scaling_axes,
    transform_axes,
    value_order,
    weighted_axes,
)
from pipeline.schema import ALL_CATEGORIES, NO_CLUSTER, RARE, TABLES, UNMAPPED
from pipeline.settings import Model
from pipeline.settings.per_category import for_category

MODEL = (
    "model_spaces",
    "model_features",
    "model_need_states",
    "model_clusters",
    "model_centroids",
    "model_coefficients",
    "model_categories",
    "model_pairs",
)
_SHARE = (None, None, None, None, "share")  # has no column of the outside data

Rows = defaultdict[str, list[tuple[Any, ...]]]


def build(
    *,
    sales_by_need_state: pd.DataFrame,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    internal_memberships: pd.DataFrame,
    store_volumes: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
    external_memberships: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    store_clusters: pd.DataFrame,
    settings: Model,
) -> dict[str, pd.DataFrame]:
    """The model of the clusters of every category, and of the clusters on the outside data.

    Parameters
    ----------
    sales_by_need_state to store_clusters : the tables of these names in `pipeline.schema`, any of them possibly empty
    settings : the settings of the clusterings, and the least sales with which a new store is placed by its mix

    Returns
    -------
    The tables of `MODEL`, as in `pipeline.schema`. A side or category without clusters has no rows.
    """
    rows: Rows = defaultdict(list)
    with threadpool_limits(1):
        outside = None
        if len(external_clusters):
            outside = clustering(external_clusters, external_scaled_features, external_memberships)
            raw = external_features.set_index("store_id").reindex(outside.values.index)[list(outside.values.columns)]
            axes = scaling_axes(raw, settings.external_scaling, outside.held_out)
            axes = weighted_axes(axes, raw.columns, settings.external_weights)
            how = (settings.external_scaling, settings.external_algorithm)
            _add_space(rows, (EXTERNAL, ALL_CATEGORIES), outside, axes, how, _origins(external_feature_report))
        sales, features, memberships, volumes, final = (
            _by_category(table)
            for table in (sales_by_need_state, internal_features, internal_memberships, store_volumes, store_clusters)
        )
        for name, clusters in _by_category(internal_clusters).items():
            own = for_category(settings, name)
            of_category = features.get(name, internal_features[:0])
            inside = clustering(clusters, of_category, memberships.get(name, internal_memberships[:0]))
            shares = wide(of_category, "share", inside.clusters.index)
            axes = transform_axes(shares, own.transform, inside.held_out)
            axes = weighted_axes(axes, shares.columns, own.weights)
            shaping = sales[name][~sales[name]["store_id"].isin(inside.held_out)]
            need_states = _need_states(name, shaping, list(shares.columns))
            noise = None
            if SHRINKS[own.shrinkage]:
                noise = _noise(shaping, need_states, list(shares.columns))
            by_surroundings = _by_surroundings(inside, outside)
            _add_space(rows, (INTERNAL, name), inside, axes, (own.transform, own.algorithm), {}, by_surroundings, noise)
            rows["model_need_states"] += need_states
            pairs = final[name].groupby(["internal_cluster", _external_or_none(final[name]), "cluster"]).size()
            rows["model_pairs"] += [(name, *map(int, key), int(stores)) for key, stores in pairs.items()]
            rows["model_categories"].append(
                (
                    name,
                    *_sales(volumes[name], own.min_sales_share),
                    0 if outside is None else int(inside.clusters.index.isin(outside.clusters.index).sum()),
                    by_surroundings.accuracy,
                    by_surroundings.majority,
                    by_surroundings.used,
                    by_surroundings.reason,
                    float(pairs.groupby(level=[0, 1]).max().sum() / pairs.sum()),
                )
            )
            if by_surroundings.used and outside is not None:
                rows["model_coefficients"] += [
                    (name, int(cluster), feature, float(coefficient))
                    for cluster, of_cluster in zip(by_surroundings.clusters, by_surroundings.coefficients, strict=True)
                    for feature, coefficient in zip(outside.values.columns, of_cluster, strict=True)
                ]
    return {name: frame(TABLES[name], rows[name]) for name in MODEL}


def _by_category(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(category): rows for category, rows in table.groupby("category", sort=True)}


def _add_space(
    rows: Rows,
    key: tuple[str, str],
    of: Clustering,
    axes: Axes,
    how: tuple[str, str],
    origins: Mapping[str, tuple[Any, ...]],
    by_surroundings: Classifier | None = None,
    noise: Noise | None = None,
) -> None:
    """The rows of a space: `key` is side and category, `how` transform and algorithm."""
    axes = axes._replace(width=np.where(of.constant, np.nan, axes.width))
    values = np.where(of.constant, 0.0, of.values.to_numpy(dtype=np.float64))[of.fitted]
    clusters = of.clusters.to_numpy()[of.fitted]
    names = [str(name) for name in of.values.columns]
    likely = None if of.likely is None else of.likely[of.fitted]
    space = fitted_space(names, axes, values, clusters, of.distances[of.fitted], likely)
    replayed = float((place(space, values).cluster == clusters).mean())
    transform, algorithm = how
    drawn = (None, None) if noise is None else (noise.spread, noise.noise)
    fit = (len(space.clusters), len(values), space.max_distance, replayed)
    rows["model_spaces"].append((*key, transform, *drawn, algorithm, *fit))
    pooled = np.full(len(names), np.nan) if noise is None else noise.pooled
    thresholds = np.full(len(names), np.nan) if space.components is None else space.components.thresholds
    rows["model_features"] += [
        (*key, name, *origins.get(name, _SHARE), float(share), axes.power, float(shift), float(width), float(threshold))
        for name, share, shift, width, threshold in zip(names, pooled, axes.shift, axes.width, thresholds, strict=True)
    ]
    sizes = of.clusters.value_counts()
    intercepts = dict(zip(by_surroundings.clusters, by_surroundings.intercepts, strict=True)) if by_surroundings else {}
    for position, cluster in enumerate(space.clusters):
        parts = space.components
        score = None if parts is None else float(parts.intercepts[position])
        rows["model_clusters"].append((*key, int(cluster), int(sizes[cluster]), score, intercepts.get(cluster)))
        scores = np.full(len(names), np.nan) if parts is None else parts.coefficients[position]
        rows["model_centroids"] += [
            (*key, int(cluster), name, float(value), float(coefficient))
            for name, value, coefficient in zip(names, space.centroids[position], scores, strict=True)
        ]


def _origins(external_feature_report: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """For each feature: its raw column, level, other level, fill value for missing values, and kind."""
    report = external_feature_report.astype(object).where(external_feature_report.notna(), None)
    return {
        row["feature"]: (
            row["raw_column"],
            row["level"],
            row["other_level"],
            row["fill_value"],
            _kind(row),
        )
        for row in report.to_dict("records")
    }


def _kind(row: Mapping[Any, Any]) -> str:
    if row["level"] is not None:
        return "level"
    if row["fill_value"] is None:
        return "missing"
    return "log1p" if row["action"] == "transformed" else "number"


def _by_surroundings(inside: Clustering, outside: Clustering | None) -> Classifier:
    """The classifier of a category's clusters, on the stores with outside data, without held-out stores."""
    k = int(inside.clusters.nunique())
    if outside is None:
        return classifier(np.empty((0, 0)), np.empty(0, dtype=np.int64), k)
    index = outside.values.index
    with_outside = outside.values[index.isin(inside.clusters.index) & ~index.isin(inside.held_out)]
    values, clusters = (
        with_outside.to_numpy(dtype=np.float64),
        inside.clusters.loc[with_outside.index].to_numpy(dtype=np.int64),
    )
    order = value_order(np.column_stack([values, clusters]))
    return classifier(values[order], clusters[order], k)


def _need_states(category: str, sales_by_need_state: pd.DataFrame, features: list[str]) -> list[tuple[str, str, str]]:
    """The feature of each need state; need states without positive sales in any store have no feature."""
    sold = positive_sales(sales_by_need_state).drop(columns=UNMAPPED, errors="ignore").sum(axis=0)
    in_model = set(features)
    parts = [(str(state), str(state) if state in in_model else RARE) for state in sold.index[sold > 0]]
    return [(category, state, feature) for state, feature in parts if feature in in_model]


def _noise(
    sales_by_need_state: pd.DataFrame, need_states: list[tuple[str, str, str]], features: list[str]
) -> Noise | None:
    """The noise of the clustered mixes; sales in currency."""
    parts = pd.DataFrame(need_states, columns=["category", "need_state", "feature"])
    mixes = new_mixes(sales_by_need_state, parts, features)
    return noise_of(mixes.shares, mixes.totals / 100)


def _external_or_none(store_clusters: pd.DataFrame) -> pd.Series[int]:
    return store_clusters["external_cluster"].fillna(NO_CLUSTER).astype("int64")


def _sales(volumes: pd.DataFrame, min_share: float) -> tuple[int, int]:
    """Net sales of the median store, and the share `min_share` of them, in cents."""
    median = int(volumes["sales_cents"].median())
    return median, max(math.ceil(min_share * median), 0)
