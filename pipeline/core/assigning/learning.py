"""Learn the space of a clustering again from its published tables."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.assigning.published import Clustering
from pipeline.core.assigning.spaces import Points, Space, farthest, mean_values
from pipeline.core.clustering.densities import Mixtures
from pipeline.core.clustering.evidence import Roots, Seeing, View, thinness
from pipeline.core.clustering.mixture_table import mixture_of, numbers_of
from pipeline.core.clustering.positions import Along, along, positions
from pipeline.core.internal.roots import Plane, counted_of, gaps_of, laid_flat, one_sale_of, plane
from pipeline.core.statistics.features import Axes, on_axes, outside_weights, scaling_axes, weights_of
from pipeline.core.statistics.named_stores import to_fit
from pipeline.settings import Model


class Learnt(NamedTuple):
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


def learnt_outside(of: Clustering, external_features: pd.DataFrame, settings: Model) -> Learnt:
    """The space of the outside data.

    Parameters
    ----------
    of : the clustering
    external_features : the table of that name
    settings : the scaling and weights of the features
    """
    raw = external_features.set_index("store_id").reindex(of.values.index)[list(of.values.columns)]
    axes = scaling_axes(raw, settings.external_scaling, of.held_out)
    axes = axes._replace(width=np.where(of.constant, np.nan, axes.width))
    values = on_axes(raw, axes).to_numpy(dtype=np.float64)
    points = Points(values, np.ones(values.shape), np.zeros(len(values)))
    weights = outside_weights(raw, settings.external_weights, of.held_out).to_numpy(dtype=np.float64)
    return _learnt(of, points, weights, None, (settings.external_scaling, axes, None, None))


def learnt_inside(of: Clustering, shares: pd.DataFrame, sold: pd.DataFrame, settings: Model) -> Learnt:
    """The space of a category's sales mix.

    Parameters
    ----------
    of : the clustering
    shares : store x feature, of the clustering's stores
    sold : the category's `positive_sales`, of mapped need states
    settings : the weights of the features, as they apply to the category
    """
    totals = sold.sum(axis=1).reindex(shares.index)
    shaping = shares[to_fit(shares.index, of.held_out) & (totals > 0).to_numpy()]
    of_fitted = totals.to_numpy(dtype=np.float64)[of.fitted]
    median = float(np.median(of_fitted))
    thin = thinness(totals.to_numpy(dtype=np.float64), median)
    weights = weights_of(shares.columns, settings.weights).to_numpy(dtype=np.float64)
    if shares.shape[1] == 0 or shaping.empty:
        points = Points(shares.to_numpy(dtype=np.float64), np.ones(shares.shape), thin)
        return _learnt(of, points, weights, None, (None, None, None, median))
    flat = plane(shaping, totals, one_sale_of(sold.loc[shaping.index]))
    gaps = gaps_of(shares, totals, flat)
    counted = counted_of(shares, gaps, flat).to_numpy(dtype=np.float64)
    points = Points(laid_flat(shares, gaps, flat).to_numpy(dtype=np.float64), counted, thin)
    return _learnt(of, points, weights, flat, (None, None, flat, median))


def _learnt(
    of: Clustering,
    points: Points,
    weights: NDArray[np.float64],
    flat: Plane | None,
    how: tuple[str | None, Axes | None, Plane | None, float | None],
) -> Learnt:
    """The space, with the published mixture of the clustering."""
    roots = None if flat is None else Roots(flat.base.to_numpy(dtype=np.float64), points.counted)
    features = [str(name) for name in of.values.columns]
    seeing = View(points.values, weights, roots, of.fitted, numbers_of(of.mixture, features)).seeing()
    mixture, means = mixture_of(of.mixture, seeing, features)
    in_tiers = len(means) == 1 and int(of.clusters.nunique()) > 1
    measure = None
    if in_tiers:
        measure = along(seeing.of(points.values, roots, points.thin).taken(of.fitted), mixture)
    return Learnt(*how, points, seeing, mixture, means, measure)


def space_of(of: Clustering, learnt: Learnt) -> Space:
    """The space, with its clusters."""
    names = [str(name) for name in of.values.columns]
    clusters = of.clusters.to_numpy()
    numbers = np.unique(clusters)
    values = learnt.points.values * np.sqrt(learnt.seeing.weights)
    means = mean_values(values[of.fitted], clusters[of.fitted])
    borders = np.empty(0)
    if learnt.measure is not None:
        roots = None if learnt.seeing.base is None else Roots(learnt.seeing.base, learnt.points.counted)
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
