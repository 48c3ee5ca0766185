"""The published model: tables with everything that is needed to place a new store, from the published clustering."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.assigning.classifier import Classifier, classifier
from pipeline.core.assigning.learning import learnt_inside, learnt_outside
from pipeline.core.assigning.published import Clustering, clustering, wide
from pipeline.core.assigning.space_tables import Rows, add_space, origins_of
from pipeline.core.assigning.spaces import EXTERNAL, INTERNAL
from pipeline.core.frames import ByCategory, by_category, frame
from pipeline.core.statistics.features import positive_sales, value_order
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


def build(
    *,
    sales_by_need_state: pd.DataFrame | ByCategory,
    internal_clusters: pd.DataFrame | ByCategory,
    internal_features: pd.DataFrame | ByCategory,
    internal_mixture: pd.DataFrame | ByCategory,
    store_volumes: pd.DataFrame | ByCategory,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
    external_mixture: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    store_clusters: pd.DataFrame | ByCategory,
    settings: Model,
) -> dict[str, pd.DataFrame]:
    """The model of every category's clusters and of those of the outside data.

    Parameters
    ----------
    sales_by_need_state to store_clusters : the tables of these names in `pipeline.schema`, which may be empty; those with categories may be
        by category
    settings : of the clusterings, and the sales from which a new store is placed by its mix

    Returns
    -------
    The tables of `MODEL`, as in `pipeline.schema`. A side or category without clusters has no rows.
    """
    rows: Rows = defaultdict(list)
    with threadpool_limits(1):
        outside = None
        if len(external_clusters):
            outside = clustering(external_clusters, external_scaled_features, external_mixture)
            learnt = learnt_outside(outside, external_features, settings)
            add_space(rows, (EXTERNAL, ALL_CATEGORIES), outside, learnt, origins_of(external_feature_report))
        clusters, features, mixtures = map(by_category, (internal_clusters, internal_features, internal_mixture))
        every_sales, volumes, every_final = map(by_category, (sales_by_need_state, store_volumes, store_clusters))
        for name in clusters.categories:
            own = for_category(settings, name)
            of_category, sales, final = features.rows(name), every_sales.rows(name), every_final.rows(name)
            inside = clustering(clusters.rows(name), of_category, mixtures.rows(name))
            shares = wide(of_category, "share", inside.clusters.index)
            sold = positive_sales(sales).drop(columns=UNMAPPED, errors="ignore")
            need_states = _need_states(name, sold.drop(index=inside.held_out, errors="ignore"), list(shares.columns))
            by_surroundings = _by_surroundings(inside, outside)
            learnt = learnt_inside(inside, shares, sold, own)
            add_space(rows, (INTERNAL, name), inside, learnt, {}, by_surroundings)
            rows["model_need_states"] += need_states
            pairs = final.groupby(["internal_cluster", _known_or_none(final), "cluster"]).size()
            rows["model_pairs"] += [(name, *map(int, key), int(stores)) for key, stores in pairs.items()]
            rows["model_categories"].append(
                (
                    name,
                    *_sales(volumes.rows(name), own.min_sales_share),
                    0 if outside is None else int(_are_in(inside.clusters.index, outside.clusters.index).sum()),
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


def _by_surroundings(inside: Clustering, outside: Clustering | None) -> Classifier:
    """The classifier of a category's clusters, from the stores with outside data, without held-out stores."""
    k = int(inside.clusters.nunique())
    if outside is None:
        return classifier(np.empty((0, 0)), np.empty(0, dtype=np.int64), k)
    index = outside.values.index
    outside_values = outside.values[_are_in(index, inside.clusters.index) & ~_are_in(index, pd.Index(inside.held_out))]
    values, clusters = (
        outside_values.to_numpy(dtype=np.float64),
        inside.clusters.loc[outside_values.index].to_numpy(dtype=np.int64),
    )
    order = value_order(np.column_stack([values, clusters]))
    return classifier(values[order], clusters[order], k)


def _are_in(stores: pd.Index[str], others: pd.Index[str]) -> NDArray[np.bool_]:
    """Which of the stores are among the others, each there once."""
    are_in: NDArray[np.bool_] = others.get_indexer(stores) >= 0
    return are_in


def _need_states(category: str, sold: pd.DataFrame, features: list[str]) -> list[tuple[str, str, str]]:
    """The feature of each need state; a need state that no store sold for more than its returns has no feature."""
    every = sold.sum(axis=0)
    of_model = set(features)
    parts = [(str(state), str(state) if state in of_model else RARE) for state in every.index[every > 0]]
    return [(category, state, feature) for state, feature in parts if feature in of_model]


def _known_or_none(store_clusters: pd.DataFrame) -> pd.Series[int]:
    return store_clusters["external_cluster"].fillna(NO_CLUSTER).astype("int64")


def _sales(volumes: pd.DataFrame, min_share: float) -> tuple[int, int]:
    """Net sales of the median store, and `share` of them, in cents."""
    median = int(volumes["sales_cents"].median())
    return median, max(math.ceil(min_share * median), 0)
