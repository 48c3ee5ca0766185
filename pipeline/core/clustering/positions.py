"""The axes on which stores differ within their clusters, the mixture's common factors, and each store's position on the first axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.core.clustering.densities import Mixtures, Stores, factor_posteriors


class Positions(NamedTuple):
    """The positions of n stores on the first axis: `at` (n,), and their standard errors `within` (n,), in standard deviations of the stores."""

    at: NDArray[np.float64]
    within: NDArray[np.float64]


class Along(NamedTuple):
    """The measure of an axis: a position is (score - `shift`) / `width`."""

    shift: float
    width: float


def along(stores: Stores, mixture: Mixtures) -> Along:
    """The measure in which the positions of these stores have mean 0 and variance 1."""
    scores = positions(stores, mixture, Along(0.0, 1.0)).at
    width = float(scores.std())
    return Along(float(scores.mean()), width if width > 0 else 1.0)


def positions(stores: Stores, mixture: Mixtures, measure: Along) -> Positions:
    """The positions on the longest axis of the loadings. Its sign makes the feature that it moves most rise.

    Factors can be rotated freely; the first axis is the direction in which they move the numbers most, in deviations within clusters.

    Parameters
    ----------
    stores : the n stores
    mixture : one fit with at least one factor
    measure : of the positions
    """
    loadings = mixture.loadings[0] / np.sqrt(mixture.variances[0])[:, None]
    numbers, _, turned = np.linalg.svd(loadings, full_matrices=False)
    first, moved = turned[0], numbers[:, 0]
    sign = 1.0 if moved[np.abs(moved).argmax()] >= 0 else -1.0
    means, covariances = factor_posteriors(stores, mixture)
    at = sign * (means[0] @ first)
    within = np.sqrt(np.maximum(np.einsum("r,nrs,s->n", first, covariances[0], first), 0.0))
    return Positions((at - measure.shift) / measure.width, within / measure.width)


class Tiers(NamedTuple):
    """The axis cut into tiers: `labels` (n,) from 0, lowest first, and the `borders` (tiers - 1,) between them."""

    labels: NDArray[np.int64]
    borders: NDArray[np.float64]


def cut(at: NDArray[np.float64], fitted: NDArray[np.bool_], tiers: int) -> Tiers:
    """Tiers with equal numbers of fitted stores along the positions (n,); a store on a border is in the lower tier."""
    ordered = np.sort(at[fitted])
    ranks = [round(len(ordered) * tier / tiers) for tier in range(1, tiers)]
    borders = np.array([(ordered[rank - 1] + ordered[rank]) / 2 for rank in ranks])
    return Tiers(np.searchsorted(borders, at, side="left").astype(np.int64), borders)


def sure(positions: Positions, tiers: Tiers) -> NDArray[np.float64]:
    """The probability that each store's position lies in its tier (n,), 0..1."""
    ends = np.concatenate([[-np.inf], tiers.borders, [np.inf]])
    width = np.where(positions.within > 0, positions.within, 1e-9)
    upper = norm.cdf((ends[tiers.labels + 1] - positions.at) / width)
    likely: NDArray[np.float64] = upper - norm.cdf((ends[tiers.labels] - positions.at) / width)
    return likely
