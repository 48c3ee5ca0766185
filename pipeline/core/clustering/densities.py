"""The densities of a mixture with common factors, store noise and heavy tails: the expectation step (E-step).

See `factor_mixture` for the model. Inside, stores are the last axis: arrays are (m, k, n).
Shapes: n stores, d numbers, l levels of flags, k clusters, q factors, m fits in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from pipeline.core.clustering.factors import Factors, alike_factors, own_factors, times

TINY = np.finfo(np.float64).tiny


class Stores(NamedTuple):
    """The data of a mixture.

    `numbers` (n, d) are finite. `counted` (n, d) is the weight of each number: 0 if it is not observed; None if all weights are 1. `levels`
    (n, l) are 0 or 1; the levels of a flag sum to 1. `thinness` (n,) is the median volume divided by the store's, 0 if volumes do not matter.
    """

    numbers: NDArray[np.float64]
    counted: NDArray[np.float64] | None
    levels: NDArray[np.float64]
    thinness: NDArray[np.float64]

    def taken(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Stores:
        """Some of the stores."""
        return Stores(
            self.numbers[rows],
            None if self.counted is None else self.counted[rows],
            self.levels[rows],
            self.thinness[rows],
        )

    @property
    def width(self) -> int:
        """The number of numbers and levels."""
        return int(self.numbers.shape[1] + self.levels.shape[1])

    @property
    def firsts(self) -> NDArray[np.float64]:
        """The numbers times their weights (n, d)."""
        return self.numbers if self.counted is None else self.numbers * self.counted


class Sums(NamedTuple):
    """The inputs of a fit's sums, computed once: weighted numbers and squares (n, d), their transposes (d, n), and the number of numbers
    of each store, `counts` (n,). `is_noisy`: whether any store is thin."""

    stores: Stores
    firsts: NDArray[np.float64]
    seconds: NDArray[np.float64]
    turned_firsts: NDArray[np.float64]
    turned_seconds: NDArray[np.float64]
    turned_counted: NDArray[np.float64] | None
    turned_levels: NDArray[np.float64]
    counts: NDArray[np.float64]
    is_noisy: bool

    def certainty(self, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `certainty`: (m, n), or (m, 1) if no store is thin."""
        return certainty(self.stores, noise) if self.is_noisy else np.ones((len(noise), 1))

    def over_numbers(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums (m, k, n or 1) of (m, k, d) over the observed numbers of a store."""
        if self.turned_counted is None:
            return np.asarray(rows.sum(axis=2)[:, :, None])
        return times(rows, self.turned_counted)

    def over_stores(self, masses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums (m, k, d or 1) of (m, k, n) over the stores with an observed number."""
        if self.stores.counted is None:
            return np.asarray(masses.sum(axis=2)[:, :, None])
        return times(masses, self.stores.counted)


def sums_of(stores: Stores) -> Sums:
    """See `Sums`."""
    firsts, counted = stores.firsts, stores.counted
    seconds = np.square(stores.numbers) if counted is None else np.square(stores.numbers) * counted
    counts = np.full(len(firsts), float(firsts.shape[1])) if counted is None else counted.sum(axis=1)
    turned = [np.ascontiguousarray(array.T) for array in (firsts, seconds, stores.levels)]
    turned_counted = None if counted is None else np.ascontiguousarray(counted.T)
    is_noisy = bool(stores.thinness.any())
    return Sums(stores, firsts, seconds, turned[0], turned[1], turned_counted, turned[2], counts, is_noisy)


class Mixtures(NamedTuple):
    """m fits: `proportions` (m, k), `means` (m, k, d), `variances` (m, d), `loadings` (m, d, q), `noise` (m,), `tails` (m,)
    1 / degrees of freedom, `chances` (m, k, l), `log_likelihoods` (m,)."""

    proportions: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise: NDArray[np.float64]
    tails: NDArray[np.float64]
    chances: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    def taken(self, fits: NDArray[np.int64]) -> Mixtures:
        """Some of the fits."""
        return Mixtures(*(array[fits] for array in self))


class Distances(NamedTuple):
    """The parts of the densities: `mahalanobis` (m, k, n) distances in the whole covariance, its `log_determinant` (m, n or 1), `certain`
    (m, n or 1) (see `certainty`), and the `factors` given the numbers."""

    mahalanobis: NDArray[np.float64]
    log_determinant: NDArray[np.float64]
    certain: NDArray[np.float64]
    factors: Factors


class Expected(NamedTuple):
    """`memberships` (m, k, n); `trust` (m, k, n) is a store's weight in a cluster, None if all weights are 1; `logs` (m, n) log-densities; `distances`."""

    memberships: NDArray[np.float64]
    trust: NDArray[np.float64] | None
    logs: NDArray[np.float64]
    distances: Distances


def certainty(stores: Stores, noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """A store's variances without noise, divided by its variances with noise (m, n): 0..1."""
    certain: NDArray[np.float64] = 1.0 / (1.0 + noise[:, None] * stores.thinness)
    return certain


def posteriors(stores: Stores, mixtures: Mixtures) -> NDArray[np.float64]:
    """The probability of each cluster for each store (m, n, k); rows sum to 1."""
    return expect(sums_of(stores), mixtures).memberships.swapaxes(1, 2)


def factor_posteriors(stores: Stores, mixtures: Mixtures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each store's expected scores on the common factors (m, n, q), and their covariance within its clusters (m, n, q, q)."""
    expected = expect(sums_of(stores), mixtures)
    return expected.distances.factors.posteriors(expected.memberships)


def expect(sums: Sums, now: Mixtures) -> Expected:
    """Memberships, densities and factors under these mixtures."""
    return expected_of(sums, now, distances_of(sums, now))


def expected_of(sums: Sums, now: Mixtures, distances: Distances) -> Expected:
    """The same as `expect`, from distances that are already computed."""
    logs, of_stores, trust = log_densities(sums, now, distances, now.tails)
    log_sums, total = _exponentials(logs)
    logs /= total[:, None]
    return Expected(logs, trust, log_sums + of_stores, distances)


def log_likelihoods(
    sums: Sums, weights: NDArray[np.float64], now: Mixtures, distances: Distances, tails: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The log-likelihood (m,) of the stores, weighted (m, n), with these tails (m,)."""
    logs, of_stores, _ = log_densities(sums, now, distances, tails)
    likelihoods: NDArray[np.float64] = (weights * (_exponentials(logs)[0] + of_stores)).sum(axis=1)
    return likelihoods


def _exponentials(logs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logarithm (m, n) of the sum of exp(logs) over clusters. `logs` (m, k, n) becomes exp(logs) with largest value 1; its sum (m, n)."""
    top = logs.max(axis=1)
    logs -= top[:, None]
    np.exp(logs, out=logs)
    total = logs.sum(axis=1)
    return np.log(total) + top, total


def distances_of(sums: Sums, now: Mixtures) -> Distances:
    """The distance of every store from every cluster."""
    precise = 1.0 / now.variances
    certain = sums.certainty(now.noise)
    scaled = now.means * precise[:, None, :]
    mahalanobis = times(-2.0 * scaled, sums.turned_firsts)
    of_stores, of_clusters = precise @ sums.turned_seconds, sums.over_numbers(scaled * now.means)
    given = (now.loadings, now.means, precise, sums.turned_firsts)
    factors: Factors
    if sums.stores.counted is None:
        alike = factors = alike_factors(*given, certain)
        m, q, n = alike.stores.shape
        rows = np.empty((m, 2 + 2 * q, n))
        rows[:, 0], rows[:, 1] = 1.0, of_stores - (alike.stores * alike.drawn[:, :q]).sum(axis=1)
        rows[:, 2:] = alike.drawn
        columns = (of_clusters, np.ones_like(of_clusters), 2.0 * alike.clusters, -np.square(alike.clusters))
        mahalanobis += np.concatenate(columns, axis=2) @ rows
    else:
        own = factors = own_factors(*given, sums.stores.counted, certain)
        mahalanobis += of_stores[:, None, :]
        mahalanobis += of_clusters
        if now.loadings.shape[2]:
            mahalanobis -= own.squares()
    if sums.is_noisy:
        mahalanobis *= certain[:, None, :]
    np.maximum(mahalanobis, 0.0, out=mahalanobis)
    log_determinant = sums.over_numbers(np.log(now.variances)[:, None, :])[:, 0] + factors.log_determinant
    if sums.is_noisy:
        log_determinant = log_determinant - sums.counts * np.log(certain)
    return Distances(mahalanobis, log_determinant, certain, factors)


def log_densities(
    sums: Sums, now: Mixtures, distances: Distances, tails: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Logarithms of density times the cluster's proportion, as the sum of (m, k, n) and (m, n); and the weight of a store there (m, k, n):
    1, less far out; None if all weights are 1."""
    trust = None
    if tails.any():
        logs, of_stores, trust = _student(sums, distances, tails)
    else:
        logs = -0.5 * distances.mahalanobis
        of_stores = -0.5 * (distances.log_determinant + sums.counts * np.log(2.0 * np.pi))
    logs += np.log(np.maximum(now.proportions, TINY))[:, :, None]
    if sums.stores.levels.shape[1]:
        logs += times(np.log(np.maximum(now.chances, TINY)), sums.turned_levels)
    return logs, of_stores, trust


def _student(
    sums: Sums, distances: Distances, tails: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The results of `log_densities` for Student's t; a fit with tails 0 is Gaussian."""
    counts, has_tails = sums.counts, tails > 0
    freedom = 1.0 / np.where(has_tails, tails, 1.0)[:, None]
    of_stores = gammaln((freedom + counts) / 2.0) - gammaln(freedom / 2.0) - 0.5 * counts * np.log(freedom * np.pi)
    of_stores = of_stores - 0.5 * distances.log_determinant
    trust = distances.mahalanobis + freedom[:, :, None]
    logs = np.log(trust * (1.0 / freedom)[:, :, None])
    logs *= (-0.5 * (freedom + counts))[:, None, :]
    np.divide((freedom + counts)[:, None, :], trust, out=trust)
    for fit in map(int, np.flatnonzero(~has_tails)):
        logs[fit], trust[fit] = -0.5 * distances.mahalanobis[fit], 1.0
        of_stores[fit] = (-0.5 * (distances.log_determinant + counts * np.log(2.0 * np.pi)))[fit]
    return logs, of_stores, trust


def misfit(expected: Expected) -> NDArray[np.float64]:
    """The expected squared residuals (m, n) in variances of a median store: of x - mean - loadings f, over memberships and f."""
    weighed = expected.memberships if expected.trust is None else expected.memberships * expected.trust
    return expected.distances.factors.misfit(weighed, expected.distances.mahalanobis)
