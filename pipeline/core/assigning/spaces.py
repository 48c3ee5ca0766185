"""The space of a clustering: its features and scales, and the placement of stores in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.clustering import mixture
from pipeline.core.clustering.figures import centroids, distances
from pipeline.core.clustering.points import Scale
from pipeline.core.internal.shrinkage import Noise
from pipeline.core.statistics.features import Axes, on_axes

INTERNAL, EXTERNAL = "internal", "external"
FARTHEST = 0.99  # of the fitted stores: a new store farther from its centroid than this share of them is too far
_ROUNDING = 1e-8  # tolerance for distances computed from published numbers


class Components(NamedTuple):
    """A mixture of k components in d features as linear scores (`points.Scale.linear`): a store is in the component with the
    highest score; the softmax of the scores gives the probabilities.

    `intercepts` (k,), `coefficients` (k, d), `thresholds` (d,): a feature with a threshold counts as 1 above it, else as 0;
    NaN means that the value itself counts.
    """

    intercepts: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class Space(NamedTuple):
    """A clustering's space of d features, and its k clusters in it.

    `clusters` (k,): their numbers. `centroids` (k, d). `components`: for gmm, else None. `noise` (of sales in currency): if the
    shares of small stores are shrunk towards the chain's, else None. `max_distance`: as in `model_spaces` of pipeline.schema.
    """

    features: list[str]
    axes: Axes
    clusters: NDArray[np.int64]
    centroids: NDArray[np.float64]
    max_distance: float
    components: Components | None
    noise: Noise | None = None


class Placement(NamedTuple):
    """For n stores: cluster, distance to its centroid, margin (NaN if there is one cluster), probability (NaN without
    components), and whether the store is farther from every centroid than nearly all fitted stores from their own."""

    cluster: NDArray[np.int64]
    distance: NDArray[np.float64]
    margin: NDArray[np.float64]
    probability: NDArray[np.float64]
    too_far: NDArray[np.bool_]


def fitted_space(
    features: list[str],
    axes: Axes,
    values: NDArray[np.float64],
    clusters: NDArray[np.int64],
    own_distances: NDArray[np.float64],
    likely: NDArray[np.float64] | None,
) -> Space:
    """The space of a clustering, from its published tables.

    Parameters
    ----------
    features, axes : of the space
    values : (n, d) the fitted stores in the space; at least one
    clusters : (n,) their clusters
    own_distances : (n,) to their own centroids
    likely : (n, k) the probability of each cluster, in order of the clusters' numbers, for gmm; else None

    Notes
    -----
    The mixture is refitted by EM from the published memberships, so it equals the fitted mixture within EM's tolerance.
    """
    numbers, labels = np.unique(clusters, return_inverse=True)
    return Space(
        features,
        axes,
        numbers,
        centroids(values, labels, len(numbers)),
        # no interpolation: with few stores, it would leave twice as many or more beyond the limit
        float(np.quantile(own_distances, FARTHEST, method="inverted_cdf")),
        None if likely is None else _components(values, likely),
    )


def _components(values: NDArray[np.float64], likely: NDArray[np.float64]) -> Components:
    scale = Scale(values)
    fit = mixture.fit(scale.of(values), np.ones((1, len(values))), likely[None])
    return Components(*scale.linear(fit.means[0], fit.variances[0], fit.chances[0], fit.proportions[0]))


def place(space: Space, values: NDArray[np.float64]) -> Placement:
    """The placement of n stores (n, d): in the likeliest component if there are components, else at the nearest centroid.

    Ties go to the lower number.
    """
    rows = np.arange(len(values))
    apart = distances(values, space.centroids)
    nearest = apart.min(axis=1)
    likely = None if space.components is None else _likely(space.components, values)
    own = apart.argmin(axis=1) if likely is None else likely.argmax(axis=1)
    distance = apart[rows, own]
    margin = np.full(len(values), np.nan)
    if len(space.clusters) > 1:
        apart[rows, own] = np.inf
        following = apart.min(axis=1)
        larger = np.maximum(distance, following)
        margin = np.where(larger > 0, (following - distance) / np.where(larger > 0, larger, 1.0), 0.0)
    return Placement(
        space.clusters[own],
        distance,
        margin,
        np.full(len(values), np.nan) if likely is None else likely[rows, own],
        nearest > space.max_distance + _ROUNDING * (1.0 + space.max_distance),
    )


def _likely(components: Components, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each component for each store (n, k)."""
    is_flag = ~np.isnan(components.thresholds)
    counted = np.where(is_flag, values > components.thresholds, values)
    return softmax(counted @ components.coefficients.T + components.intercepts)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The softmax (n, k) of scores (n, k): their exponentials, each row divided by its sum."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def in_space(space: Space, features: pd.DataFrame) -> NDArray[np.float64]:
    """The values (n, d) of stores x features in the space."""
    values: NDArray[np.float64] = on_axes(features[space.features], space.axes).to_numpy(dtype=np.float64)
    return values


def published_spaces(model: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], Space]:
    """The spaces of a published model, by side and category.

    `model` has model_spaces, model_features, model_clusters and model_centroids, as in pipeline.schema.
    """
    key = ["side", "category"]
    features = dict(iter(model["model_features"].sort_values("feature").groupby(key)))
    clusters = dict(iter(model["model_clusters"].sort_values("cluster").groupby(key)))
    centres = dict(iter(model["model_centroids"].sort_values(["cluster", "feature"]).groupby(key)))
    spaces = {}
    for row in model["model_spaces"].itertuples():
        side_and_category = (str(row.side), str(row.category))
        own = features.get(side_and_category, model["model_features"].iloc[:0])
        shape = (int(row.clusters), len(own))
        means = centres.get(side_and_category, model["model_centroids"].iloc[:0])
        power = None if row.transform == "clr" else float(own["power"].iloc[0]) if len(own) else 1.0
        spaces[side_and_category] = Space(
            [str(name) for name in own["feature"]],
            Axes(power, own["shift"].to_numpy(dtype=np.float64), own["width"].to_numpy(dtype=np.float64)),
            clusters[side_and_category]["cluster"].to_numpy(dtype=np.int64),
            means["value"].to_numpy(dtype=np.float64).reshape(shape),
            float(row.max_distance),
            None
            if row.algorithm != "gmm"
            else Components(
                clusters[side_and_category]["component_intercept"].to_numpy(dtype=np.float64),
                means["component_coefficient"].to_numpy(dtype=np.float64).reshape(shape),
                own["threshold"].to_numpy(dtype=np.float64),
            ),
            None
            if row.noise != row.noise  # null
            else Noise(own["pooled_share"].to_numpy(dtype=np.float64), float(row.spread), float(row.noise)),
        )
    return spaces
