"""The input of a mixture: the stores' features as weighted numbers and flags, and how thin their sales are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.densities import Mixtures, Stores
from pipeline.core.clustering.points import Scale
from pipeline.core.clustering.tangent import coordinates, pivot_of

_NEVER = 1e-6  # the chance of a level that no store fitted has: the same in every cluster
THINNEST = 1_000.0  # times the median store's thinness: beyond it nothing changes any more


class Roots(NamedTuple):
    """For features that are roots of shares on a plane (`tangent`): the `base` (d,) of the plane, and how much each value is `counted` (n, d): 1, 0 in
    a gap, or between."""

    base: NDArray[np.float64]
    counted: NDArray[np.float64]

    def taken(self, rows: NDArray[np.int64]) -> Roots:
        """The same for some of the stores, in this order."""
        return Roots(self.base, self.counted[rows])


def thinness(volumes: NDArray[np.float64], median: float) -> NDArray[np.float64]:
    """The median volume divided by each store's (n,); `THINNEST` for a store without volume; 0 for all stores if the median is 0."""
    if median <= 0:
        return np.zeros(len(volumes))
    return np.minimum(median / np.maximum(volumes, median / THINNEST), THINNEST)


class Seeing(NamedTuple):
    """How d features become numbers and levels, in a form that can be published.

    `weights` (d,) of the features. `base` and `pivot` if features are roots of shares (`tangent`). `numeric` (d,): which features are numbers.
    `flag` (d,): the number of the flag that has this feature as a level, 0 without one. `threshold` (d,): a level is set above it; else NaN.
    """

    weights: NDArray[np.float64]
    base: NDArray[np.float64] | None
    pivot: int | None
    numeric: NDArray[np.bool_]
    flag: NDArray[np.int64]
    threshold: NDArray[np.float64]

    def of(self, features: NDArray[np.float64], roots: Roots | None, thin: NDArray[np.float64]) -> Stores:
        """Stores with these features (n, d), numbers as they are."""
        numbers = features
        if self.base is not None and self.pivot is not None:
            numbers = np.insert(coordinates(features, self.base, self.pivot), self.pivot, 0.0, axis=1)
        counted = _counted(
            len(numbers), self.weights[self.numeric], None if roots is None else roots.counted[:, self.numeric]
        )
        return Stores(np.ascontiguousarray(numbers[:, self.numeric]), counted, self._levels(features), thin)

    def chances(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """The chance (k, l) of every level in each cluster, from the chances (k, d) that its features are set."""
        columns = []
        for group in range(1, int(self.flag.max(initial=0)) + 1):
            own = means[:, self.flag == group]
            columns += [np.maximum(1.0 - own.sum(axis=1), _NEVER), *own.T]
        return np.column_stack(columns) if columns else np.zeros((len(means), 0))

    def _levels(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = []
        for group in range(1, int(self.flag.max(initial=0)) + 1):
            own = features[:, self.flag == group] > self.threshold[self.flag == group]
            own &= own.cumsum(axis=1) == 1  # of a new store that has two of them, the first counts
            columns += [~own.any(axis=1), *own.T]
        return np.column_stack(columns).astype(np.float64) if columns else np.zeros((len(features), 0))


def _counted(n: int, weights: NDArray[np.float64], of_values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """`Stores.counted` (n, d), from the weights (d,) of the numbers and of each value (n, d); None if all are 1."""
    if of_values is None:
        of_values = np.ones((n, len(weights)))
    return None if (weights == 1.0).all() and (of_values == 1.0).all() else of_values * weights


class View:
    """How a mixture sees features (n, d), learnt from the fitted stores.

    Roots of shares have one number less than shares: `pivot` is the share without a number, the largest share with weight 1 that few
    stores lack. Other features are numbers, or flags if they take two values. Numbers are in standard deviations. A weight multiplies a
    number's part of the likelihood; a flag has weight 1.

    `numbers` (d,) of a published mixture: which features are numbers there. Published shares are rounded: of two that are equally large
    they would give the other one as the pivot.
    """

    def __init__(
        self,
        features: NDArray[np.float64],
        weights: NDArray[np.float64],
        roots: Roots | None,
        fitted: NDArray[np.bool_],
        numbers: NDArray[np.bool_] | None = None,
    ) -> None:
        self.weights = weights
        self._published_numbers = numbers
        self.base = None if roots is None else roots.base
        self.pivot = None if roots is None else pivot_of(roots.base, roots.counted[fitted] < 1.0, weights, numbers)
        self._scale = Scale(self._numbers(features[fitted]), flags=roots is None)
        self.groups = self._scale.groups()

    def of(self, features: NDArray[np.float64], roots: Roots | None, thin: NDArray[np.float64]) -> Stores:
        """Stores with these features (n, d), in this view."""
        points = self._scale.of(self._numbers(features))
        weights = self.weights if self.pivot is None else np.delete(self.weights, self.pivot)
        weights = weights[self._scale.numeric]
        of_values = None
        if roots is not None and self.pivot is not None:
            of_values = np.delete(roots.counted, self.pivot, axis=1)[:, self._scale.numeric]
        return Stores(points.numbers[0], _counted(len(thin), weights, of_values), points.levels[0], thin)

    def seeing(self) -> Seeing:
        """The view without its scale."""
        d = len(self.weights)
        of_features = np.arange(d) if self.pivot is None else np.delete(np.arange(d), self.pivot)
        numeric = np.zeros(d, dtype=bool)
        numeric[of_features[self._scale.numeric]] = True
        if self._published_numbers is not None:
            numeric = self._published_numbers
        return Seeing(
            self.weights, self.base, self.pivot, numeric, self._scale.flag_numbers(d), self._scale.thresholds(d)
        )

    def published(self, mixture: Mixtures) -> tuple[Seeing, Mixtures, NDArray[np.float64]]:
        """Three results: the view without its scale; the mixture on that view; and by cluster and feature (k, d) the means of
        numbers and the chances that levels are set, else NaN."""
        seeing = self.seeing()
        numeric = seeing.numeric
        shift, width = self._scale.numbers_scale()
        plain = mixture._replace(
            means=mixture.means * width + shift,
            variances=mixture.variances * np.square(width),
            loadings=mixture.loadings * width[:, None],
        )
        means = np.full((mixture.means.shape[1], len(self.weights)), np.nan)
        means[:, numeric] = plain.means[0]
        chances, features = self._scale.flag_chances(mixture.chances[0])
        means[:, features] = chances
        return seeing, plain._replace(chances=seeing.chances(np.nan_to_num(means))[None]), means

    def _numbers(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The features as numbers; features without weight are constant."""
        weights = self.weights
        if self.base is not None and self.pivot is not None:
            features, weights = coordinates(features, self.base, self.pivot), np.delete(weights, self.pivot)
        return np.where(weights > 0, features, 0.0)

    def whitened(self, stores: Stores, one_cluster: Mixtures) -> NDArray[np.float64]:
        """The stores (n, d + l) in a space where clusters are round. Numbers: deviations from the mean of `one_cluster`, scaled by its
        covariance; 0 if a number has no weight. Levels of flags: in their own standard deviations."""
        numbers = (stores.numbers - one_cluster.means[0, 0]) / np.sqrt(one_cluster.variances[0])
        if stores.counted is not None:
            numbers = numbers * np.sqrt(stores.counted)
        loadings = one_cluster.loadings[0] / np.sqrt(one_cluster.variances[0])[:, None]
        axes, lengths, _ = np.linalg.svd(loadings, full_matrices=False)
        numbers = numbers - (numbers @ axes) * (1.0 - 1.0 / np.sqrt(1.0 + np.square(lengths))) @ axes.T
        deviations = stores.levels.std(axis=0)
        levels = (stores.levels - stores.levels.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)
        return np.column_stack([numbers, levels])
