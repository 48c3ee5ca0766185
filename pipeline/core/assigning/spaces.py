"""The space of a clustering: a store's values in it, and its cluster there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.clustering.densities import Mixtures, posteriors
from pipeline.core.clustering.evidence import Roots, Seeing, thinness
from pipeline.core.clustering.figures import centroids, distances
from pipeline.core.clustering.positions import Along, positions
from pipeline.core.internal.roots import Plane, counted_of, gaps_of, laid_flat
from pipeline.core.statistics.features import Axes, on_axes

INTERNAL, EXTERNAL = "internal", "external"
FARTHEST = (
    0.99  # of the stores fitted: a new store that is farther from its centroid than this share of them is too far
)
_ROUNDING = 1e-8  # of a distance made anew from published numbers: the farthest fitted store is no farther than itself


class Space(NamedTuple):
    """A clustering's space of d features, and its k clusters in it.

    `axes` (external), `plane` and `median_sales` (cents, internal): how features become values. `seeing` and `mixture`: the likelihood of
    clusters; `borders` (k - 1,) and `along` if the clusters are tiers of an axis. `weights` (d,), `clusters` (k,) their numbers, tiers from
    the lowest, `centroids` (k, d) of weighted values; `max_distance` as in `model_spaces` of pipeline.schema.
    """

    features: list[str]
    axes: Axes | None
    plane: Plane | None
    median_sales: float
    weights: NDArray[np.float64]
    seeing: Seeing
    mixture: Mixtures
    along: Along | None
    borders: NDArray[np.float64]
    clusters: NDArray[np.int64]
    centroids: NDArray[np.float64]
    max_distance: float


class Points(NamedTuple):
    """n stores in a space: `values` (n, d) before weighting, how much each is `counted` (n, d), `thin` (n,) as in `factor_mixture.Stores`."""

    values: NDArray[np.float64]
    counted: NDArray[np.float64]
    thin: NDArray[np.float64]


class Placement(NamedTuple):
    """For n stores: cluster, distance to its centroid, margin (NaN if there is one cluster), probability (NaN if clusters are tiers),
    and whether the store is farther from every centroid than nearly all fitted stores are from their own."""

    cluster: NDArray[np.int64]
    distance: NDArray[np.float64]
    margin: NDArray[np.float64]
    probability: NDArray[np.float64]
    too_far: NDArray[np.bool_]


def mean_values(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """The centroids (k, d) of the fitted stores, in the order of the clusters' numbers."""
    numbers, labels = np.unique(clusters, return_inverse=True)
    return centroids(values, labels, len(numbers))


def farthest(own_distances: NDArray[np.float64]) -> float:
    """The distance that the share `FARTHEST` of the fitted stores do not exceed."""
    # no interpolation: with few stores that leaves twice as many of them beyond it, or more
    return float(np.quantile(own_distances, FARTHEST, method="inverted_cdf"))


def place(space: Space, points: Points) -> Placement:
    """The likeliest cluster of each of n stores, or the tier of its position on the axis. Ties go to the lower number."""
    rows = np.arange(len(points.values))
    apart = distances(points.values * np.sqrt(space.weights), space.centroids)
    nearest = apart.min(axis=1)
    roots = None if space.seeing.base is None else Roots(space.seeing.base, points.counted)
    seen = space.seeing.of(points.values, roots, points.thin)
    probability = np.full(len(rows), np.nan)
    if space.along is not None:
        own = np.searchsorted(space.borders, positions(seen, space.mixture, space.along).at, side="left")
    else:
        likely = posteriors(seen, space.mixture)[0]
        own = likely.argmax(axis=1)
        if len(space.clusters) > 1:
            probability = likely[rows, own]
    distance = apart[rows, own]
    margin = np.full(len(rows), np.nan)
    if len(space.clusters) > 1:
        apart[rows, own] = np.inf
        following = apart.min(axis=1)
        larger = np.maximum(distance, following)
        margin = np.where(larger > 0, (following - distance) / np.where(larger > 0, larger, 1.0), 0.0)
    too_far = nearest > space.max_distance + _ROUNDING * (1.0 + space.max_distance)
    return Placement(space.clusters[own], distance, margin, probability, too_far)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (n, k) from scores (n, k): exp(scores), with each row scaled to sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def of_surroundings(space: Space, features: pd.DataFrame) -> Points:
    """Stores x features of the outside data, before scaling -> the stores in the space."""
    wide = features[space.features]
    values = wide if space.axes is None else on_axes(wide, space.axes)
    return Points(values.to_numpy(dtype=np.float64), np.ones(wide.shape), np.zeros(len(wide)))


def of_shares(space: Space, shares: pd.DataFrame, totals: pd.Series[int]) -> Points:
    """Stores x shares, and their total mapped sales in cents -> the stores in the space."""
    wide = shares[space.features]
    thin = thinness(totals.reindex(wide.index).to_numpy(dtype=np.float64), space.median_sales)
    if space.plane is None or not space.features:
        return Points(wide.to_numpy(dtype=np.float64), np.ones(wide.shape), thin)
    gaps = gaps_of(wide, totals, space.plane)
    values = laid_flat(wide, gaps, space.plane)
    return Points(
        values.to_numpy(dtype=np.float64), counted_of(wide, gaps, space.plane).to_numpy(dtype=np.float64), thin
    )


def number_or_none(value: float) -> float | None:
    """The number; None where it is NaN."""
    return None if value != value else float(value)  # NaN is not itself
