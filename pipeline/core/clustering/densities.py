"""The densities of a mixture with common factors, store noise and heavy tails: the expectation step (E-step).

See `factor_mixture` for the model. Inside, stores are the last axis: arrays are (m, k, n).
Shapes: n stores, d numbers, l levels of flags, k clusters, q factors, m fits in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

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

    def taken(self, rows: NDArray[np.bool_]) -> Stores:
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
    of each store, `counts` (n,)."""

    stores: Stores
    firsts: NDArray[np.float64]
    seconds: NDArray[np.float64]
    turned_firsts: NDArray[np.float64]
    turned_seconds: NDArray[np.float64]
    turned_counted: NDArray[np.float64] | None
    turned_levels: NDArray[np.float64]
    counts: NDArray[np.float64]

    def over_numbers(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums (m, k, n or 1) of (m, k, d) over the observed numbers of a store."""
        if self.turned_counted is None:
            return np.asarray(rows.sum(axis=2)[:, :, None])
        return np.asarray(rows @ self.turned_counted)

    def over_stores(self, masses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums (m, k, d or 1) of (m, k, n) over the stores with an observed number."""
        if self.stores.counted is None:
            return np.asarray(masses.sum(axis=2)[:, :, None])
        return np.asarray(masses @ self.stores.counted)


def sums_of(stores: Stores) -> Sums:
    """See `Sums`."""
    firsts, counted = stores.firsts, stores.counted
    seconds = np.square(stores.numbers) if counted is None else np.square(stores.numbers) * counted
    counts = np.full(len(firsts), float(firsts.shape[1])) if counted is None else counted.sum(axis=1)
    turned = [np.ascontiguousarray(array.T) for array in (firsts, seconds, stores.levels)]
    turned_counted = None if counted is None else np.ascontiguousarray(counted.T)
    return Sums(stores, firsts, seconds, turned[0], turned[1], turned_counted, turned[2], counts)


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
    covariance, its `log_determinant` (m, n), `certain` (m, n) (see `certainty`). For the q factors: the projections on the loadings (m, k, n
    each), the information in the numbers (m, n each, q x q), the means (m, k, n each) and the covariances (m, n each, q x q)."""

    squared: NDArray[np.float64]
    mahalanobis: NDArray[np.float64]
    log_determinant: NDArray[np.float64]
    certain: NDArray[np.float64]
    pulls: list[NDArray[np.float64]]
    inner: list[list[NDArray[np.float64]]]
    factors: list[NDArray[np.float64]]
    spread: list[list[NDArray[np.float64]]]


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
    factors, spread = expected.distances.factors, expected.distances.spread
    shape, q = expected.logs.shape, len(factors)
    means, covariances = np.zeros((*shape, q)), np.zeros((*shape, q, q))
    for r, factor in enumerate(factors):
        means[:, :, r] = (expected.memberships * factor).sum(axis=1)
        for s in range(q):
            covariances[:, :, r, s] = spread[r][s]
    return means, covariances


def expect(sums: Sums, now: Mixtures) -> Expected:
    """Memberships, densities and factors under these mixtures."""
    return expected_of(sums, now, distances_of(sums, now))


def expected_of(sums: Sums, now: Mixtures, distances: Distances) -> Expected:
    """The same as `expect`, from distances that are already computed."""
    logs, trust = log_densities(sums, now, distances, now.tails)
    top = logs.max(axis=1, keepdims=True)
    memberships = np.exp(logs - top)
    total = memberships.sum(axis=1, keepdims=True)
    memberships /= total
    return Expected(memberships, trust, np.log(total[:, 0]) + top[:, 0], distances)


def log_sums(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm (m, n) of the sum of exp(logs) over clusters; `logs` (m, k, n)."""
    top = logs.max(axis=1, keepdims=True)
    log_sum: NDArray[np.float64] = np.log(np.exp(logs - top).sum(axis=1)) + top[:, 0]
    return log_sum


def distances_of(sums: Sums, now: Mixtures) -> Distances:
    """The distance of every store from every cluster."""
    q = now.loadings.shape[2]
    precise = 1.0 / now.variances
    certain = certainty(sums.stores, now.noise)
    scaled = now.means * precise[:, None, :]
    squared = (-2.0 * scaled) @ sums.turned_firsts
    squared += (precise @ sums.turned_seconds)[:, None, :]
    squared += sums.over_numbers(scaled * now.means)
    np.maximum(squared, 0.0, out=squared)
    pulls = []
    for r in range(q):
        weighed = now.loadings[:, :, r] * precise
        along = (weighed @ sums.turned_firsts)[:, None, :]
        pulls.append(certain[:, None, :] * (along - sums.over_numbers(now.means * weighed[:, None, :])))
    inner = [
        [
            certain * sums.over_numbers((now.loadings[:, :, r] * now.loadings[:, :, s] * precise)[:, None, :])[:, 0]
            for s in range(r + 1)
        ]
        for r in range(q)
    ]
    factors, spread, of_factors = _solve(inner, pulls)
    own = sums.over_numbers(np.log(now.variances)[:, None, :])[:, 0]
    log_determinant = own - sums.counts * np.log(certain) + of_factors
    mahalanobis = squared * certain[:, None, :]
    for pull, factor in zip(pulls, factors, strict=True):
        mahalanobis -= pull * factor
    np.maximum(mahalanobis, 0.0, out=mahalanobis)
    return Distances(squared, mahalanobis, log_determinant, certain, pulls, inner, factors, spread)


def log_densities(
    sums: Sums, now: Mixtures, distances: Distances, tails: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Logarithms of density times the cluster's proportion (m, k, n), and the weight of a store there (m, k, n): 1, less far out; None if all weights are 1."""
    logs = -0.5 * distances.mahalanobis
    logs -= 0.5 * (distances.log_determinant + sums.counts * np.log(2.0 * np.pi))[:, None, :]
    trust = None
    if tails.any():
        trust = np.ones_like(logs)
        for fit in map(int, np.flatnonzero(tails > 0)):
            logs[fit], trust[fit] = _student(sums.counts, distances, fit, 1.0 / tails[fit])
    logs += np.log(np.maximum(now.proportions, TINY))[:, :, None]
    if sums.stores.levels.shape[1]:
        logs += np.log(np.maximum(now.chances, TINY)) @ sums.turned_levels
    return logs, trust


def _student(
    counts: NDArray[np.float64], distances: Distances, fit: int, freedom: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-densities (k, n) of Student's t, and the weights of the stores."""
    own = distances.mahalanobis[fit]
    constant = gammaln((freedom + counts) / 2.0) - gammaln(freedom / 2.0) - 0.5 * counts * np.log(freedom * np.pi)
    constant = constant - 0.5 * distances.log_determinant[fit]
    logs = constant - 0.5 * (freedom + counts) * np.log1p(own / freedom)
    return logs, (freedom + counts) / (freedom + own)


def misfit(expected: Expected) -> NDArray[np.float64]:
    """The expected squared residuals (m, n) in variances of a median store: of x - mean - loadings f, over memberships and f."""
    distances = expected.distances
    residual, extra = distances.squared, np.zeros_like(distances.certain)
    for r, (pull, factor) in enumerate(zip(distances.pulls, distances.factors, strict=True)):
        residual = residual - 2.0 * factor * pull / distances.certain[:, None, :]
        for s, other in enumerate(distances.factors):
            product = distances.inner[max(r, s)][min(r, s)] / distances.certain
            residual = residual + product[:, None, :] * factor * other
            extra = extra + product * distances.spread[r][s]
    weighed = expected.memberships if expected.trust is None else expected.memberships * expected.trust
    squares: NDArray[np.float64] = (weighed * residual).sum(axis=1) + extra
    return squares


def _solve(
    inner: list[list[NDArray[np.float64]]], pulls: list[NDArray[np.float64]]
) -> tuple[list[NDArray[np.float64]], list[list[NDArray[np.float64]]], NDArray[np.float64] | float]:
    """(I + inner)^-1 pulls, the inverse and its log-determinant, for a small matrix per fit and store: Cholesky, entry by entry."""
    q = len(inner)
    if q == 0:
        return [], [], 0.0
    lower: list[list[NDArray[np.float64]]] = []
    for r in range(q):
        row: list[NDArray[np.float64]] = []
        for s in range(r + 1):
            value = inner[r][s] + (1.0 if r == s else 0.0)
            value = value - sum((row[t] * lower[s][t] if s < r else np.square(row[t]) for t in range(s)), start=0.0)
            # What is left of a 1 on the diagonal is at least 1; with long factors that are nearly the same, rounding can leave less.
            row.append(np.sqrt(np.maximum(value, 1.0)) if r == s else value / lower[s][s])
        lower.append(row)
    log_determinant = 2.0 * sum(np.log(lower[r][r]) for r in range(q))
    ones = [[np.full_like(lower[0][0], 1.0 if r == s else 0.0) for s in range(q)] for r in range(q)]
    inverse = [_substitute(lower, column) for column in ones]
    factors = [
        sum((inverse[r][s][:, None, :] * pulls[s] for s in range(q)), start=np.zeros_like(pulls[0])) for r in range(q)
    ]
    return factors, inverse, log_determinant


def _substitute(lower: list[list[NDArray[np.float64]]], column: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    q = len(lower)
    forward: list[NDArray[np.float64]] = []
    for r in range(q):
        forward.append((column[r] - sum((lower[r][t] * forward[t] for t in range(r)), start=0.0)) / lower[r][r])
    backward: list[NDArray[np.float64]] = [np.empty(0)] * q
    for r in reversed(range(q)):
        rest = sum((lower[t][r] * backward[t] for t in range(r + 1, q)), start=0.0)
        backward[r] = (forward[r] - rest) / lower[r][r]
    return backward
