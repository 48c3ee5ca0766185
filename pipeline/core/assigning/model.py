"""The published model: tables with everything that is needed to place a new store, from the published clustering."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.assigning.category import number_or_none
from pipeline.core.assigning.classifier import Classifier, classifier
from pipeline.core.assigning.published import Clustering, clustering, wide
from pipeline.core.assigning.spaces import EXTERNAL, INTERNAL, Points, Space, farthest, mean_values, place
from pipeline.core.clustering.densities import Mixtures
from pipeline.core.clustering.evidence import Roots, Seeing, View, thinness
from pipeline.core.clustering.positions import Along, along, positions
from pipeline.core.clustering.search import MOST_FACTORS, fitted
from pipeline.core.frames import frame
from pipeline.core.internal.roots import Plane, gaps_of, laid_flat, one_sale_of, plane
from pipeline.core.statistics.features import (
    Axes,
    on_axes,
    positive_sales,
    scaling_axes,
    value_order,
    weights_of,
)
from pipeline.core.statistics.named_stores import to_fit
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
_SHARE = (None, None, None, None, "share")  # comes from no column of the outside data

Rows = defaultdict[str, list[tuple[Any, ...]]]


def build(
    *,
    sales_by_need_state: pd.DataFrame,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    internal_memberships: pd.DataFrame,
    internal_verdicts: pd.DataFrame,
    store_volumes: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
    external_memberships: pd.DataFrame,
    external_verdicts: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    store_clusters: pd.DataFrame,
    settings: Model,
) -> dict[str, pd.DataFrame]:
    """The model of every category's clusters and of those of the outside data.

    Parameters
    ----------
    sales_by_need_state to store_clusters : the tables of these names in `pipeline.schema`, which may be empty
    settings : of the clusterings, and the sales from which a new store is placed by its mix

    Returns
    -------
    The tables of `MODEL`, as in `pipeline.schema`. A side or category without clusters has no rows.
    """
    rows: Rows = defaultdict(list)
    with threadpool_limits(1):
        outside = None
        if len(external_clusters):
            outside = clustering(external_clusters, external_scaled_features, external_memberships)
            axes_outside = int(external_verdicts["axes"].iloc[0])
            learnt = _outside(outside, axes_outside, external_features, settings)
            _add_space(rows, (EXTERNAL, ALL_CATEGORIES), outside, learnt, _origins(external_feature_report))
        axes_of = dict(zip(internal_verdicts["category"], internal_verdicts["axes"], strict=True))
        sales, features, memberships, volumes, final = (
            _by_category(table)
            for table in (sales_by_need_state, internal_features, internal_memberships, store_volumes, store_clusters)
        )
        for name, clusters in _by_category(internal_clusters).items():
            own = for_category(settings, name)
            of_category = features.get(name, internal_features[:0])
            inside = clustering(clusters, of_category, memberships.get(name, internal_memberships[:0]))
            shares = wide(of_category, "share", inside.clusters.index)
            shaping = sales[name][~sales[name]["store_id"].isin(inside.held_out)]
            need_states = _need_states(name, shaping, list(shares.columns))
            by_surroundings = _by_surroundings(inside, outside)
            learnt = _inside(inside, int(axes_of[name]), shares, sales[name], own)
            _add_space(rows, (INTERNAL, name), inside, learnt, {}, by_surroundings)
            rows["model_need_states"] += need_states
            pairs = final[name].groupby(["internal_cluster", _known_or_none(final[name]), "cluster"]).size()
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


class _Learnt(NamedTuple):
    """The parts of a space beside its clusters: how features become values, the n stores in it, and its mixture.

    `means` (k, d) of the clusters, as `View.published` gives them. `measure` and `tiers` (n,), from 0 along the axis, if the clusters are
    tiers of an axis, else None.
    """

    scaling: str | None
    axes: Axes | None
    plane: Plane | None
    median_sales: float | None
    points: Points
    seeing: Seeing
    mixture: Mixtures
    means: NDArray[np.float64]
    measure: Along | None


def _outside(of: Clustering, factors: int, external_features: pd.DataFrame, settings: Model) -> _Learnt:
    raw = external_features.set_index("store_id").reindex(of.values.index)[list(of.values.columns)]
    axes = scaling_axes(raw, settings.external_scaling, of.held_out)
    axes = axes._replace(width=np.where(of.constant, np.nan, axes.width))
    values = on_axes(raw, axes).to_numpy(dtype=np.float64)
    points = Points(values, np.zeros(values.shape, dtype=bool), np.zeros(len(values)))
    weights = weights_of(raw.columns, settings.external_weights).to_numpy(dtype=np.float64)
    return _learnt(of, factors, points, weights, None, (settings.external_scaling, axes, None, None))


def _inside(of: Clustering, factors: int, shares: pd.DataFrame, sales: pd.DataFrame, settings: Model) -> _Learnt:
    sold = positive_sales(sales).drop(columns=UNMAPPED, errors="ignore")
    totals = sold.sum(axis=1).reindex(shares.index)
    shaping = shares[to_fit(shares.index, of.held_out) & (totals > 0).to_numpy()]
    of_fitted = totals.to_numpy(dtype=np.float64)[of.fitted]
    median = float(np.median(of_fitted))
    thin = thinness(totals.to_numpy(dtype=np.float64), median)
    weights = weights_of(shares.columns, settings.weights).to_numpy(dtype=np.float64)
    if shares.shape[1] == 0 or shaping.empty:
        points = Points(shares.to_numpy(dtype=np.float64), np.zeros(shares.shape, dtype=bool), thin)
        return _learnt(of, factors, points, weights, None, (None, None, None, median))
    flat = plane(shaping, totals, one_sale_of(sold.loc[shaping.index]))
    gaps = gaps_of(shares, totals, flat)
    points = Points(laid_flat(shares, gaps, flat).to_numpy(dtype=np.float64), gaps.to_numpy(dtype=bool), thin)
    return _learnt(of, factors, points, weights, flat, (None, None, flat, median))


def _learnt(
    of: Clustering,
    factors: int,
    points: Points,
    weights: NDArray[np.float64],
    flat: Plane | None,
    how: tuple[str | None, Axes | None, Plane | None, float | None],
) -> _Learnt:
    """The space from the published memberships: they give the mixture of the clustering, within the tolerance of its iterations."""
    roots = None if flat is None else Roots(flat.base.to_numpy(dtype=np.float64), points.gaps)
    view = View(points.values, weights, roots, of.fitted)
    stores = view.of(points.values, roots, points.thin).taken(of.fitted)
    likely = np.ones((len(of.clusters), 1)) if of.likely is None else of.likely
    seeing, mixture, means = view.published(fitted(stores, likely[of.fitted], factors))
    in_tiers = of.likely is None and int(of.clusters.nunique()) > 1
    measure = None
    if in_tiers:
        measure = along(seeing.of(points.values, roots, points.thin).taken(of.fitted), mixture)
    return _Learnt(*how, points, seeing, mixture, means, measure)


def _add_space(
    rows: Rows,
    key: tuple[str, str],
    of: Clustering,
    learnt: _Learnt,
    origins: Mapping[str, tuple[Any, ...]],
    by_surroundings: Classifier | None = None,
) -> None:
    """The rows of a space; `key` is side and category."""
    names = [str(name) for name in of.values.columns]
    space = _space(of, learnt, names)
    clusters = of.clusters.to_numpy()
    replayed = float((place(space, learnt.points).cluster == clusters)[of.fitted].mean())
    mixture, measure = space.mixture, learnt.measure
    rows["model_spaces"].append(
        (
            *key,
            learnt.scaling,
            learnt.median_sales,
            float(mixture.noise[0]),
            float(mixture.tails[0]),
            mixture.loadings.shape[2],
            *((None, None) if measure is None else measure),
            len(space.clusters),
            int(of.fitted.sum()),
            space.max_distance,
            replayed,
        )
    )
    rows["model_features"] += _feature_rows(key, names, learnt, space, origins)
    sizes = of.clusters.value_counts()
    intercepts = dict(zip(by_surroundings.clusters, by_surroundings.intercepts, strict=True)) if by_surroundings else {}
    proportions = (
        [None] * len(space.clusters) if measure is not None else [float(part) for part in mixture.proportions[0]]
    )
    borders = [None, *map(float, space.borders)] if measure is not None else [None] * len(space.clusters)
    for position, (cluster, proportion, border) in enumerate(zip(space.clusters, proportions, borders, strict=True)):
        rows["model_clusters"].append(
            (*key, int(cluster), int(sizes[cluster]), proportion, border, intercepts.get(cluster))
        )
        means = learnt.means[0 if measure is not None else position]
        rows["model_centroids"] += [
            (*key, int(cluster), name, float(value), number_or_none(mean))
            for name, value, mean in zip(names, space.centroids[position], means, strict=True)
        ]


def _feature_rows(
    key: tuple[str, str], names: list[str], learnt: _Learnt, space: Space, origins: Mapping[str, tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Per feature: its origin, its scale, and its parameters in the mixture."""
    seeing, mixture = space.seeing, space.mixture
    variances, loadings = np.full(len(names), np.nan), np.full((len(names), MOST_FACTORS), np.nan)
    variances[seeing.numeric] = mixture.variances[0]
    loadings[seeing.numeric, : mixture.loadings.shape[2]] = mixture.loadings[0]
    axes = learnt.axes or Axes(np.full(len(names), np.nan), np.full(len(names), np.nan))
    base, gap_sales = np.full(len(names), np.nan), np.full(len(names), np.nan)
    if learnt.plane is not None:
        base = learnt.plane.base.to_numpy(dtype=np.float64)
        gap_sales = learnt.plane.gap_sales.replace(np.inf, np.nan).to_numpy(dtype=np.float64)
    return [
        (
            *key,
            name,
            *origins.get(name, _SHARE),
            number_or_none(axes.shift[j]),
            number_or_none(axes.width[j]),
            float(seeing.weights[j]),
            number_or_none(base[j]),
            number_or_none(gap_sales[j]),
            j == seeing.pivot,
            number_or_none(variances[j]),
            *(number_or_none(loading) for loading in loadings[j]),
            int(seeing.flag[j]) or None,
            number_or_none(seeing.threshold[j]),
        )
        for j, name in enumerate(names)
    ]


def _space(of: Clustering, learnt: _Learnt, names: list[str]) -> Space:
    clusters = of.clusters.to_numpy()
    numbers = np.unique(clusters)
    values = learnt.points.values * np.sqrt(learnt.seeing.weights)
    means = mean_values(values[of.fitted], clusters[of.fitted])
    borders = np.empty(0)
    if learnt.measure is not None:
        roots = None if learnt.seeing.base is None else Roots(learnt.seeing.base, learnt.points.gaps)
        seen = learnt.seeing.of(learnt.points.values, roots, learnt.points.thin)
        at = positions(seen, learnt.mixture, learnt.measure).at
        numbers, borders = _tiers(clusters[of.fitted], at[of.fitted])
        means = means[np.searchsorted(np.unique(clusters), numbers)]
    return Space(
        names,
        learnt.axes,
        learnt.plane,
        learnt.median_sales or 0.0,
        learnt.seeing.weights,
        learnt.seeing,
        learnt.mixture,
        learnt.measure,
        borders,
        numbers,
        means,
        farthest(of.distances[of.fitted]),
    )


def _tiers(clusters: NDArray[np.int64], at: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The numbers of the tiers from the lowest position, and the borders halfway between a tier's highest position and the next one's lowest."""
    numbers = np.unique(clusters)
    order = numbers[np.argsort([at[clusters == number].mean() for number in numbers], kind="stable")]
    ends = [(at[clusters == low].max() + at[clusters == high].min()) / 2 for low, high in pairwise(order)]
    return order, np.array(ends)


def _origins(external_feature_report: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """By feature: its raw column, level, other level, the fill value for missing values, and its kind."""
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
    """The classifier of a category's clusters, from the stores with outside data, without held-out stores."""
    k = int(inside.clusters.nunique())
    if outside is None:
        return classifier(np.empty((0, 0)), np.empty(0, dtype=np.int64), k)
    index = outside.values.index
    outside_values = outside.values[index.isin(inside.clusters.index) & ~index.isin(inside.held_out)]
    values, clusters = (
        outside_values.to_numpy(dtype=np.float64),
        inside.clusters.loc[outside_values.index].to_numpy(dtype=np.int64),
    )
    order = value_order(np.column_stack([values, clusters]))
    return classifier(values[order], clusters[order], k)


def _need_states(category: str, sales_by_need_state: pd.DataFrame, features: list[str]) -> list[tuple[str, str, str]]:
    """The feature of each need state; a need state that no store sold for more than its returns has no feature."""
    sold = positive_sales(sales_by_need_state).drop(columns=UNMAPPED, errors="ignore").sum(axis=0)
    of_model = set(features)
    parts = [(str(state), str(state) if state in of_model else RARE) for state in sold.index[sold > 0]]
    return [(category, state, feature) for state, feature in parts if feature in of_model]


def _known_or_none(store_clusters: pd.DataFrame) -> pd.Series[int]:
    return store_clusters["external_cluster"].fillna(NO_CLUSTER).astype("int64")


def _sales(volumes: pd.DataFrame, min_share: float) -> tuple[int, int]:
    """Net sales of the median store, and `share` of them, in cents."""
    median = int(volumes["sales_cents"].median())
    return median, max(math.ceil(min_share * median), 0)
