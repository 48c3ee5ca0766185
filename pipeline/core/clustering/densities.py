"""The densities of a mixture with common factors, store noise and heavy tails: the expectation step (E-step).

See `factor_mixture` for the model. Inside, stores are the last axis: arrays are (m, k, n).
Shapes: n stores, d numbers, l levels of flags, k clusters, q factors, m fits in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from pipeline.core.clustering.pulls import AlikePulls, Form, OwnPulls, Pulls, product, sum_of

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


def times(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product (m, k, b) of (m, k, a) and a matrix (a, b) that all fits share: one product, and not one for each fit."""
    m, k, width = rows.shape
    product: NDArray[np.float64] = (rows.reshape(m * k, width) @ matrix).reshape(m, k, matrix.shape[1])
    return product


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
    """The parts of the densities: `squared` (m, k, n) distances in variances of a median store, `mahalanobis` (m, k, n) in the whole
    covariance, its `log_determinant` (m, n or 1), `certain` (m, n or 1) (see `certainty`). For the q factors, if any: the `pulls`, the
    `information` in the numbers of a median store, and the covariances given the numbers, `spread` (each q x q of (m, n or 1)).
    """

    squared: NDArray[np.float64]
    mahalanobis: NDArray[np.float64]
    log_determinant: NDArray[np.float64]
    certain: NDArray[np.float64]
    pulls: Pulls
    information: Form
    spread: Form

    @property
    def solved(self) -> Form:
        """The form that makes the expected factors of the pulls."""
        return [[self.certain * each for each in row] for row in self.spread]


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
    solved, spread = expected.distances.solved, expected.distances.spread
    shape, q = expected.logs.shape, len(spread)
    means, covariances = np.zeros((*shape, q)), np.zeros((*shape, q, q))
    first = expected.distances.pulls.moments(expected.memberships).first if q else []
    for r in range(q):
        means[:, :, r] = sum_of(solved[r][s] * first[s] for s in range(q))
        for s in range(q):
            covariances[:, :, r, s] = spread[r][s]
    return means, covariances


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
    squared = times(-2.0 * scaled, sums.turned_firsts)
    squared += (precise @ sums.turned_seconds)[:, None, :]
    squared += sums.over_numbers(scaled * now.means)
    mahalanobis = squared * certain[:, None, :] if sums.is_noisy else squared.copy()
    pulls, information = _pulls(sums, now, precise)
    spread, of_factors = _inverse([[certain * each for each in row] for row in information])
    if spread:
        mahalanobis -= pulls.squares([[np.square(certain) * each for each in row] for row in spread])
    np.maximum(mahalanobis, 0.0, out=mahalanobis)
    own = sums.over_numbers(np.log(now.variances)[:, None, :])[:, 0]
    log_determinant = own - sums.counts * np.log(certain) + of_factors
    return Distances(squared, mahalanobis, log_determinant, certain, pulls, information, spread)


def _pulls(sums: Sums, now: Mixtures, precise: NDArray[np.float64]) -> tuple[Pulls, Form]:
    """The pulls on the factors, and the information on them in a store's numbers."""
    q = now.loadings.shape[2]
    weighed = now.loadings.swapaxes(1, 2) * precise[:, None, :]
    information: Form = [[np.empty(0)] * q for _ in range(q)]
    for r in range(q):
        for s in range(r + 1):
            products = now.loadings[:, :, s] * weighed[:, r]
            information[r][s] = information[s][r] = sums.over_numbers(products[:, None, :])[:, 0]
    along = times(weighed, sums.turned_firsts)
    if sums.turned_counted is None or sums.stores.counted is None:
        return AlikePulls(along, now.means @ weighed.swapaxes(1, 2)), information
    own = [
        along[:, r][:, None, :] - times(now.means * weighed[:, r][:, None, :], sums.turned_counted) for r in range(q)
    ]
    return OwnPulls(own, sums.stores.counted), information


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
    distances = expected.distances
    weighed = expected.memberships if expected.trust is None else expected.memberships * expected.trust
    squares: NDArray[np.float64] = np.einsum("mkn,mkn->mn", weighed, distances.squared)
    spread, information, q = distances.spread, distances.information, len(distances.spread)
    if q:
        solved, second = distances.solved, distances.pulls.moments(weighed).second
        explained = product(solved, product(information, solved))
        for r in range(q):
            for s in range(q):
                squares = squares - (2.0 * solved[r][s] - explained[r][s]) * second[r][s]
                squares = squares + information[r][s] * spread[r][s]
    return np.maximum(squares, 0.0)


def _inverse(inner: Form) -> tuple[Form, NDArray[np.float64] | float]:
    """(I + inner)^-1 and the log-determinant of I + inner, for a small matrix per fit and store, entry by entry: the sweep operator [1]_.

    References
    ----------
    .. [1] K. Lange, "Numerical analysis for statisticians", 2010, 7.4.
    """
    q = len(inner)
    swept = [[inner[r][s] + 1.0 if r == s else inner[r][s] for s in range(q)] for r in range(q)]
    log_determinant: NDArray[np.float64] | float = 0.0
    for t in range(q):
        # What is left of a 1 on the diagonal is at least 1; with long factors that are nearly the same, rounding can leave less.
        pivot = np.maximum(swept[t][t], 1.0)
        log_determinant = log_determinant + np.log(pivot)
        others = [r for r in range(q) if r != t]
        before = {r: swept[r][t] for r in others}
        for r in others:
            swept[r][t] = swept[t][r] = before[r] / pivot
        for r in others:
            for s in others[: others.index(r) + 1]:
                swept[r][s] = swept[s][r] = swept[r][s] - before[r] * swept[t][s]
        swept[t][t] = -1.0 / pivot
    return [[-each for each in row] for row in swept], log_determinant
