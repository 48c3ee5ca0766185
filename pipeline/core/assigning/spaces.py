"""The space of a clustering: what a store is measured in, and the cluster that it has there."""

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
FARTHEST = (
    0.99  # of the stores fitted: a new store that is farther from its centroid than this share of them is too far
)
_ROUNDING = 1e-8  # of a distance made anew from published numbers: the farthest fitted store is no farther than itself


class Components(NamedTuple):
    """A mixture of k components in d features as linear scores (`points.Scale.linear`): a store is in the component that has the
    highest, and likely as the softmax says.

    `intercepts` (k,), `coefficients` (k, d), `thresholds` (d,): a feature with one counts as 1 above it, else as 0; NaN
    where the value itself counts.
    """

    intercepts: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class Space(NamedTuple):
    """A clustering's space of d features, and its k clusters in it.

    `clusters` (k,) their numbers, `centroids` (k, d), `components` where the algorithm is gmm, `noise` (of sales in
    currency) where small stores' shares are drawn towards the chain's; `max_distance` as in `model_spaces` of pipeline.schema.
    """

    features: list[str]
    axes: Axes
    clusters: NDArray[np.int64]
    centroids: NDArray[np.float64]
    max_distance: float
    components: Components | None
    noise: Noise | None = None


class Placement(NamedTuple):
    """Of n stores: cluster, distance to its centroid, margin (NaN where there is one cluster), probability (NaN without
    components), and whether the store is farther from every centroid than nearly all that were fitted are from their own."""

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
    """The space of a clustering, from what was published of it.

    Parameters
    ----------
    features, axes : of the space
    values : (n, d) the stores that were fitted, in the space; at least one
    clusters : (n,) their clusters
    own_distances : (n,) to their own centroids
    likely : (n, k) by gmm, how likely each is in each cluster, in order of the clusters' numbers; None without a mixture

    Notes
    -----
    The mixture is the one that EM finds from the memberships that were published: where it was left, to within the tolerance
    that EM ends at.
    """
    numbers, labels = np.unique(clusters, return_inverse=True)
    return Space(
        features,
        axes,
        numbers,
        centroids(values, labels, len(numbers)),
        # no interpolation: with few stores that leaves twice as many of them beyond it, or more
        float(np.quantile(own_distances, FARTHEST, method="inverted_cdf")),
        None if likely is None else _components(values, likely),
    )


def _components(values: NDArray[np.float64], likely: NDArray[np.float64]) -> Components:
    scale = Scale(values)
    found = mixture.fit(scale.of(values), np.ones((1, len(values))), likely[None])
    return Components(*scale.linear(found.means[0], found.variances[0], found.chances[0], found.proportions[0]))


def place(space: Space, values: NDArray[np.float64]) -> Placement:
    """The cluster of each of n stores (n, d): the likeliest component's where there are components, else the nearest centroid's.

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
    """How likely each store is in each component (n, k)."""
    is_flag = ~np.isnan(components.thresholds)
    counted = np.where(is_flag, values > components.thresholds, values)
    return softmax(counted @ components.coefficients.T + components.intercepts)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Likelihoods (n, k) of scores (n, k): exp, of which each row is made to sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def in_space(space: Space, features: pd.DataFrame) -> NDArray[np.float64]:
    """Stores x features -> their values (n, d) in the space."""
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
    found = {}
    for row in model["model_spaces"].itertuples():
        place = (str(row.side), str(row.category))
        own = features.get(place, model["model_features"].iloc[:0])
        shape = (int(row.clusters), len(own))
        means = centres.get(place, model["model_centroids"].iloc[:0])
        power = None if row.transform == "clr" else float(own["power"].iloc[0]) if len(own) else 1.0
        found[place] = Space(
            [str(name) for name in own["feature"]],
            Axes(power, own["shift"].to_numpy(dtype=np.float64), own["width"].to_numpy(dtype=np.float64)),
            clusters[place]["cluster"].to_numpy(dtype=np.int64),
            means["value"].to_numpy(dtype=np.float64).reshape(shape),
            float(row.max_distance),
            None
            if row.algorithm != "gmm"
            else Components(
                clusters[place]["component_intercept"].to_numpy(dtype=np.float64),
                means["component_coefficient"].to_numpy(dtype=np.float64).reshape(shape),
                own["threshold"].to_numpy(dtype=np.float64),
            ),
            None
            if row.noise != row.noise  # null
            else Noise(own["pooled_share"].to_numpy(dtype=np.float64), float(row.spread), float(row.noise)),
        )
    return found
