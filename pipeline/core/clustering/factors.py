"""The common factors of mixtures, given the stores' numbers: what they explain of the distances, and the loadings that fit them best.

A pull is (loadings / variances)' (x - mean), a number per factor, store and cluster. The factors given the numbers have the
covariance `spread`, and the mean spread x certainty x pull.

Where every store has the same numbers (`AlikeFactors`), the factors are turned so that they are independent given the numbers: no
q x q matrix per store is left. The mean's part of a pull is the same for all stores, so that no array of stores x clusters is needed
beside the distances: sums of products are small matrix products. Where stores lack numbers (`OwnFactors`), each has a matrix of its own.

Shapes: n stores, d numbers, k clusters, q factors, m fits. A form is a symmetric q x q matrix for each fit and store, as rows of arrays (m, n or 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Form = list[list[NDArray[np.float64]]]

_NOTHING = 1e-9  # of a sum over stores
_ALIKE = 1e-12  # of the squares of the factors: below it, two factors are the same to a float


class Masses(NamedTuple):
    """What counts how much in an M-step: the stores' `weights` (m, n); `masses` (m, k, n), memberships times weights, certainty and trust, and
    their sums over clusters `of_stores` (m, n), over stores `sizes` (m, k, d or 1), and over stores times numbers `firsts` (m, k, d)."""

    weights: NDArray[np.float64]
    masses: NDArray[np.float64]
    of_stores: NDArray[np.float64]
    firsts: NDArray[np.float64]
    sizes: NDArray[np.float64]


class Maximised(NamedTuple):
    """`means` (m, k, d) and `loadings` (m, d, q) by least squares on the expected factors, and the squares that these explain (m, d)."""

    means: NDArray[np.float64]
    loadings: NDArray[np.float64]
    explained: NDArray[np.float64]


class Factors(Protocol):
    """The factors of all fits; also of fits without factors."""

    @property
    def log_determinant(self) -> NDArray[np.float64] | float:
        """The logarithm of the determinant (m, n or 1) of the inverse `spread`."""

    def posteriors(self, memberships: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Each store's expected factors (m, n, q), and their covariance within its clusters (m, n, q, q)."""

    def misfit(self, weighed: NDArray[np.float64], mahalanobis: NDArray[np.float64]) -> NDArray[np.float64]:
        """The expected squared residuals (m, n) in variances of a median store, with `weighed` memberships (m, k, n)."""

    def maximised(self, numbers: NDArray[np.float64], given: Masses) -> Maximised:
        """The M-step of stores with these weighted numbers (n, d)."""


class AlikeFactors(NamedTuple):
    """Factors where every store has the same numbers, turned: `loadings` (m, d, q) are the mixture's times `turn` (m, q, q).

    Pulls are `stores` (m, q, n) less `clusters` (m, k, q). `information` (m, q) of the factors in the numbers of a median store;
    `spread` and `solved`, spread x certainty (m, q, n or 1). `drawn` (m, 2 q, n): `solved` times the stores' part of the pulls, then `solved`.
    """

    loadings: NDArray[np.float64]
    turn: NDArray[np.float64]
    stores: NDArray[np.float64]
    clusters: NDArray[np.float64]
    information: NDArray[np.float64]
    certain: NDArray[np.float64]
    spread: NDArray[np.float64]
    solved: NDArray[np.float64]
    drawn: NDArray[np.float64]

    @property
    def log_determinant(self) -> NDArray[np.float64] | float:
        """See `Factors`."""
        return np.asarray(-np.log(self.spread).sum(axis=1))

    def posteriors(self, memberships: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `Factors`."""
        pulls = self.stores * memberships.sum(axis=1)[:, None] - self.clusters.swapaxes(1, 2) @ memberships
        turn = self.turn[:, None]
        spread = np.broadcast_to(self.spread, self.stores.shape).swapaxes(1, 2)[:, :, None, :]
        return (self.solved * pulls).swapaxes(1, 2) @ self.turn.swapaxes(1, 2), (turn * spread) @ turn.swapaxes(2, 3)

    def misfit(self, weighed: NDArray[np.float64], mahalanobis: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Factors`."""
        squares: NDArray[np.float64] = (weighed * mahalanobis).sum(axis=1) / self.certain
        for r in range(self.stores.shape[1]):
            own, of_clusters = self.stores[:, r], self.clusters[:, :, r]
            powers = np.stack([np.ones_like(of_clusters), of_clusters, np.square(of_clusters)], axis=1)
            whole, first, second = (powers @ weighed).swapaxes(0, 1)
            pulls = (whole * own - 2.0 * first) * own + second
            squares += self.spread[:, r] * (self.information[:, r, None] - self.solved[:, r] * pulls)
        return np.maximum(squares, 0.0)

    def maximised(self, numbers: NDArray[np.float64], given: Masses) -> Maximised:
        """See `Factors`."""
        q = self.stores.shape[1]
        sums = given.masses @ self.drawn.swapaxes(1, 2)
        pulled = sums[:, :, :q] - self.clusters * sums[:, :, q:]
        means = (given.firsts - pulled @ self.loadings.swapaxes(1, 2)) / given.sizes
        own, of_clusters = self.drawn[:, :q], self.solved * (self.clusters.swapaxes(1, 2) @ given.masses)
        moved = own * given.of_stores[:, None] - of_clusters
        crossed = times(moved, numbers) - pulled.swapaxes(1, 2) @ means
        squared = moved @ own.swapaxes(1, 2) - own @ of_clusters.swapaxes(1, 2) + self._of_means(given)
        within = ((given.weights * self.certain)[:, None] * self.spread).sum(axis=2)
        squared[:, np.arange(q), np.arange(q)] += within
        loadings = _least_squares(squared, crossed)
        explained = (crossed * loadings).sum(axis=1)
        return Maximised(means, loadings.swapaxes(1, 2) @ self.turn.swapaxes(1, 2), explained)

    def _of_means(self, given: Masses) -> NDArray[np.float64]:
        """The sums (m, q, q) of the products of two factors' clusters' parts of the pulls, each `solved`."""
        q = self.clusters.shape[2]
        first, second = np.divmod(np.arange(q * q), q)
        solved = self.solved[:, first] * self.solved[:, second]
        sums = given.sizes * solved[:, None, :, 0] if solved.shape[2] == 1 else given.masses @ solved.swapaxes(1, 2)
        both: NDArray[np.float64] = (self.clusters[:, :, first] * self.clusters[:, :, second] * sums).sum(axis=1)
        return both.reshape(-1, q, q)


def alike_factors(
    loadings: NDArray[np.float64],
    means: NDArray[np.float64],
    precise: NDArray[np.float64],
    turned_numbers: NDArray[np.float64],
    certain: NDArray[np.float64],
) -> AlikeFactors:
    """The factors with these loadings (m, d, q), means (m, k, d) and inverse variances (m, d), of numbers (d, n) of stores with these certainties (m, n or 1)."""
    (m, _, q), n = loadings.shape, turned_numbers.shape[1]
    turn = np.ones((m, q, q))
    if q > 1:
        turn = np.linalg.eigh(loadings.swapaxes(1, 2) @ (loadings * precise[:, :, None]))[1]
        loadings = loadings @ turn
    weighed = loadings.swapaxes(1, 2) * precise[:, None, :]
    information = (loadings.swapaxes(1, 2) * weighed).sum(axis=2)
    stores = times(weighed, turned_numbers)
    spread = 1.0 / (1.0 + information[:, :, None] * certain[:, None, :])
    solved = spread * certain[:, None, :]
    drawn = np.empty((m, 2 * q, n))
    np.multiply(stores, solved, out=drawn[:, :q])
    drawn[:, q:] = solved
    return AlikeFactors(
        loadings, turn, stores, means @ weighed.swapaxes(1, 2), information, certain, spread, solved, drawn
    )


class OwnFactors(NamedTuple):
    """Factors where stores lack numbers: the `pulls`, an array (m, k, n) for each factor, and the `counted` weight (n, d) of each number.

    The forms are the `information` in the numbers of a median store, and the `spread` of each store.
    """

    loadings: NDArray[np.float64]
    pulls: list[NDArray[np.float64]]
    counted: NDArray[np.float64]
    certain: NDArray[np.float64]
    information: Form
    spread: Form
    log_determinant: NDArray[np.float64] | float

    @property
    def _solved(self) -> Form:
        return [[self.certain * each for each in row] for row in self.spread]

    def squares(self) -> NDArray[np.float64]:
        """What one or more factors explain (m, k, n) of the squared distances in a median store's variances."""
        solved = self._solved
        return sum_of(pull * self._along(solved, r) for r, pull in enumerate(self.pulls))

    def posteriors(self, memberships: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `Factors`."""
        (m, _, n), q, solved = memberships.shape, len(self.pulls), self._solved
        first = [(memberships * pull).sum(axis=1) for pull in self.pulls]
        means, covariances = np.zeros((m, n, q)), np.zeros((m, n, q, q))
        for r in range(q):
            means[:, :, r] = sum_of(solved[r][s] * first[s] for s in range(q))
            for s in range(q):
                covariances[:, :, r, s] = self.spread[r][s]
        return means, covariances

    def misfit(self, weighed: NDArray[np.float64], mahalanobis: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Factors`."""
        squares: NDArray[np.float64] = (weighed * mahalanobis).sum(axis=1) / self.certain
        q, solved = len(self.pulls), self._solved
        if q:
            second, explained = self._second(weighed), product(solved, product(self.information, solved))
            for r in range(q):
                for s in range(q):
                    squares = squares - (solved[r][s] - explained[r][s]) * second[r][s]
                    squares = squares + self.information[r][s] * self.spread[r][s]
        return np.maximum(squares, 0.0)

    def maximised(self, numbers: NDArray[np.float64], given: Masses) -> Maximised:
        """See `Factors`."""
        m, d, q, solved = len(given.masses), self.counted.shape[1], len(self.pulls), self._solved
        pulled = [times(given.masses * self._along(solved, r), self.counted) for r in range(q)]
        means = given.firsts.copy()
        for r in range(q):
            means -= pulled[r] * self.loadings[:, None, :, r]
        means /= given.sizes
        crossed, squared = np.empty((m, d, q)), np.empty((m, d, q, q))
        first = [(given.masses * pull).sum(axis=1) for pull in self.pulls]
        squares = product(solved, product(self._second(given.masses), solved))
        for r in range(q):
            moved = sum_of(solved[r][s] * first[s] for s in range(q))
            crossed[:, :, r] = moved @ numbers - (means * pulled[r]).sum(axis=1)
            for s in range(r + 1):
                of_stores = squares[r][s] + given.weights * self.certain * self.spread[r][s]
                squared[:, :, r, s] = squared[:, :, s, r] = of_stores @ self.counted
        loadings = _least_squares(squared, crossed[..., None])[..., 0]
        return Maximised(means, loadings, np.asarray((crossed * loadings).sum(axis=2)))

    def _second(self, weights: NDArray[np.float64]) -> Form:
        """The sums over clusters of a weight (m, k, n) times the products of two pulls."""
        q = len(self.pulls)
        second: Form = [[np.empty(0)] * q for _ in range(q)]
        for r, s in _pairs(q):
            second[r][s] = second[s][r] = (weights * self.pulls[r] * self.pulls[s]).sum(axis=1)
        return second

    def _along(self, form: Form, r: int) -> NDArray[np.float64]:
        """A row of the form times the pulls (m, k, n)."""
        return sum_of(form[r][s][:, None, :] * pull for s, pull in enumerate(self.pulls))


def own_factors(
    loadings: NDArray[np.float64],
    means: NDArray[np.float64],
    precise: NDArray[np.float64],
    turned_numbers: NDArray[np.float64],
    counted: NDArray[np.float64],
    certain: NDArray[np.float64],
) -> OwnFactors:
    """The same as `alike_factors`, of stores whose numbers have these weights (n, d)."""
    q = loadings.shape[2]
    weighed = loadings.swapaxes(1, 2) * precise[:, None, :]
    information: Form = [[np.empty(0)] * q for _ in range(q)]
    for r, s in _pairs(q):
        information[r][s] = information[s][r] = (loadings[:, :, s] * weighed[:, r]) @ counted.T
    pulls = [
        (weighed[:, r] @ turned_numbers)[:, None, :] - times(means * weighed[:, r][:, None, :], counted.T)
        for r in range(q)
    ]
    spread, log_determinant = _inverse([[certain * each for each in row] for row in information])
    return OwnFactors(loadings, pulls, counted, certain, information, spread, log_determinant)


def _least_squares(squared: NDArray[np.float64], crossed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The solutions of squared (..., q, q) x = crossed (..., q, b)."""
    # A number that no store drawn has moves with no factor; of two factors that are the same, each takes a part.
    q = squared.shape[-1]
    if q == 1:
        return np.asarray(crossed / (squared * (1.0 + _ALIKE) + _NOTHING))
    scale = np.trace(squared, axis1=-2, axis2=-1)[..., None, None] / q
    return np.asarray(np.linalg.solve(squared + (_NOTHING + _ALIKE * scale) * np.eye(q), crossed))


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


def times(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product (m, k, b) of (m, k, a) and a matrix (a, b) that all fits share: one product, and not one for each fit."""
    m, k, width = rows.shape
    rows_times: NDArray[np.float64] = (rows.reshape(m * k, width) @ matrix).reshape(m, k, matrix.shape[1])
    return rows_times


def sum_of(arrays: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The sum of one or more arrays."""
    first, *others = arrays
    total: NDArray[np.float64] = first
    for each in others:
        total = total + each
    return total


def product(left: Form, right: Form) -> Form:
    """The matrix product of two forms."""
    q = len(left)
    return [[sum_of(left[r][t] * right[t][s] for t in range(q)) for s in range(q)] for r in range(q)]


def _pairs(q: int) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(q), 2))
