"""Refits of a mixture on resampled stores: how reproducible its clusters are, and how certain each store's cluster is.

Shapes: n fitted stores, B resamples, k clusters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.core.clustering import bootstrap, sampling
from pipeline.core.clustering.densities import Mixtures, Stores, certainty, posteriors
from pipeline.core.clustering.factor_mixture import fit, one_hot, refine
from pipeline.core.clustering.kmeans import kmeans, spread_starts
from pipeline.core.clustering.search import Fit
from pipeline.core.clustering.starts import without_factors

_SHORT, _LONG = 8, 24  # iterations of every start, and of the best of each resample
_WHOLE = 3  # iterations with all stores of a start that was found on a few, before it is compared
_FRESH = 2  # starts that forget the fit on all stores, in each round
_ROUNDS = 5  # of fresh starts at most
_STILL = 0.02  # share of the resamples that a round may better without another being made
_GAIN = 1e-3  # of the mean log-likelihood: less is no better
_NUMBERS = 4_000_000  # memberships held at once: 32 MB


class Refits(NamedTuple):
    """`mixtures`: one for each resample. `stability` and `jaccard`: see `bootstrap`."""

    mixtures: Mixtures
    stability: float
    jaccard: float


def refit(stores: Stores, fit_of_all: Fit, one_cluster: Fit, drawn: NDArray[np.float64], seed: int) -> Refits:
    """Fit a mixture with as many clusters and factors to each resample.

    The starts are the fit on all stores, and rounds of random starts until almost no resample finds a likelier mixture. Without enough
    random starts, another partition that is as good would stay hidden.

    Parameters
    ----------
    stores : the fitted stores
    fit_of_all : the fit on all stores, k >= 2
    one_cluster : the fit of one cluster with as many factors
    drawn : (B, n) how often each store is in each resample
    seed : the seed of the random starts
    """
    at_once = max(1, _NUMBERS // (len(stores.numbers) * fit_of_all.k * (_FRESH + 1)))
    parts = [
        _refit(
            stores,
            fit_of_all,
            one_cluster,
            drawn[first : first + at_once],
            np.random.default_rng([seed, 21, fit_of_all.k, first]),
        )
        for first in range(0, len(drawn), at_once)
    ]
    mixtures = Mixtures(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    again = assign(stores, mixtures)
    k = fit_of_all.k
    return Refits(mixtures, bootstrap.stability(again, k), bootstrap.jaccard(fit_of_all.labels, again, drawn, k))


def assign(stores: Stores, mixtures: Mixtures) -> NDArray[np.int64]:
    """The likeliest cluster (B, n) of every store in each refit."""
    return np.concatenate([posteriors(stores, part).argmax(axis=2) for part in _parts(stores, mixtures)])


def memberships(stores: Stores, mixtures: Mixtures, of_all: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each cluster for each store (n, k): the mean over the refits, after matching each refit's clusters.

    `of_all` (n, k): the memberships of the fit on all stores. A refit's cluster is matched with the cluster that shares most with it.
    """
    total = np.zeros_like(of_all)
    for part in _parts(stores, mixtures):
        for likely in posteriors(stores, part):
            _, match = linear_sum_assignment(of_all.T @ likely, maximize=True)
            total += likely[:, match]
    return total / len(mixtures.noise)


def _parts(stores: Stores, mixtures: Mixtures) -> list[Mixtures]:
    count, k = mixtures.proportions.shape
    at_once = max(1, _NUMBERS // max(1, len(stores.numbers) * k))
    return [mixtures.taken(np.arange(first, min(first + at_once, count))) for first in range(0, count, at_once)]


def _refit(
    stores: Stores, fit_of_all: Fit, one_cluster: Fit, drawn: NDArray[np.float64], random: np.random.Generator
) -> Mixtures:
    k, q, like = fit_of_all.k, fit_of_all.q, fit_of_all.mixture
    memberships = np.broadcast_to(fit_of_all.memberships, (len(drawn), *fit_of_all.memberships.shape))
    best = fit(stores, drawn, memberships, q, _SHORT, like=like, adapts=False)
    rows = sampling.for_starts(len(stores.numbers), max(1, fit_of_all.smallest), stores.width)
    few, drawn_few = (stores, drawn) if rows is None else (stores.taken(rows), drawn[:, rows])
    points = without_factors(few, one_cluster.mixture)
    certain = certainty(few, one_cluster.mixture.noise)
    gain = _GAIN * drawn.sum(axis=1)
    for _ in range(_ROUNDS):
        weights = np.repeat(drawn_few, _FRESH, axis=0)
        starts = kmeans(points, weights * certain, spread_starts(points, weights * certain, k, random)).labels
        fresh = fit(
            few,
            weights,
            one_hot(starts, k),
            q,
            _SHORT,
            like=like,
            adapts=False,
            rivals=_FRESH,
        )
        likeliest = fresh.log_likelihoods.reshape(-1, _FRESH).argmax(axis=1) + _FRESH * np.arange(len(drawn))
        fresh = fresh.taken(likeliest)
        if rows is not None:
            fresh = refine(stores, drawn, fresh, _WHOLE, adapts=False)
        better = fresh.log_likelihoods > best.log_likelihoods + gain
        best = Mixtures(
            *(
                np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(fresh, best, strict=True)
            )
        )
        if better.mean() <= _STILL:
            break
    return refine(stores, drawn, best, _LONG, adapts=False)
