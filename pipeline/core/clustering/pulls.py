"""How far each store lies from each cluster along the common factors, and sums of this over clusters or stores.

A pull is (loadings / variances)' (x - mean), a number per factor, store and cluster. Where every store has the same numbers, the mean's part
is the same for all stores. Then no array of stores x clusters is needed: sums of products are small matrix products.

Shapes: n stores, k clusters, q factors, m fits. A form is a symmetric q x q matrix for each fit and store, as rows of arrays (m, n or 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Form = list[list[NDArray[np.float64]]]


class Moments(NamedTuple):
    """Sums over clusters of a weight (m, k, n) times the pulls: `first` (m, n) for each factor, `second` for each pair of factors."""

    first: list[NDArray[np.float64]]
    second: Form


class Pulls(Protocol):
    """The pulls of all stores on all factors."""

    def squares(self, form: Form) -> NDArray[np.float64]:
        """The value (m, k, n) of the form at every pull."""

    def moments(self, weights: NDArray[np.float64]) -> Moments:
        """See `Moments`."""

    def by_cluster(self, weights: NDArray[np.float64], form: Form) -> list[NDArray[np.float64]]:
        """For each factor the sums over stores of weight x form x pull (m, k, 1); by number (m, k, d) if stores lack numbers."""


class AlikePulls(NamedTuple):
    """The pulls where every store has the same numbers: `stores` (m, q, n) less `clusters` (m, k, q)."""

    stores: NDArray[np.float64]
    clusters: NDArray[np.float64]

    def squares(self, form: Form) -> NDArray[np.float64]:  # noqa: D102
        m, q, n = self.stores.shape
        along = [sum_of(form[r][s] * self.stores[:, s] for s in range(q)) for r in range(q)]
        own = sum_of(along[r] * self.stores[:, r] for r in range(q))
        pairs = _pairs(q)
        rows = np.empty((m, 1 + q + len(pairs), n))
        rows[:, 0] = own
        for row, values in enumerate((*along, *(form[r][s] for r, s in pairs)), start=1):
            rows[:, row] = values
        squares: NDArray[np.float64] = self._powers(-2.0, 2.0) @ rows
        return squares

    def moments(self, weights: NDArray[np.float64]) -> Moments:  # noqa: D102
        q = self.stores.shape[1]
        sums = self._powers(1.0, 1.0).swapaxes(1, 2) @ weights
        whole, firsts, pairs = sums[:, 0], sums[:, 1 : 1 + q], _pairs(q)
        second: Form = [[np.empty(0)] * q for _ in range(q)]
        for pair, (r, s) in enumerate(pairs):
            own, other = self.stores[:, r], self.stores[:, s]
            about = whole * own * other - firsts[:, r] * other - own * firsts[:, s] + sums[:, 1 + q + pair]
            second[r][s] = second[s][r] = about
        return Moments([whole * self.stores[:, r] - firsts[:, r] for r in range(q)], second)

    def by_cluster(self, weights: NDArray[np.float64], form: Form) -> list[NDArray[np.float64]]:  # noqa: D102
        m, q, n = self.stores.shape
        columns = np.empty((m, n, q + q * q))
        for r in range(q):
            columns[:, :, r] = sum_of(form[r][s] * self.stores[:, s] for s in range(q))
            for s in range(q):
                columns[:, :, q + r * q + s] = form[r][s]
        sums = weights @ columns
        of_clusters = (sums[:, :, q:].reshape(*sums.shape[:2], q, q) * self.clusters[:, :, None, :]).sum(axis=3)
        return [(sums[:, :, r] - of_clusters[:, :, r])[:, :, None] for r in range(q)]

    def _powers(self, first: float, crossed: float) -> NDArray[np.float64]:
        """For each cluster 1, its part of the pulls, and their products by pair (m, k, 1 + q + pairs), times these factors."""
        q = self.clusters.shape[2]
        columns = [np.ones_like(self.clusters[:, :, 0]), *(first * self.clusters[:, :, r] for r in range(q))]
        columns += [
            (1.0 if r == s else crossed) * self.clusters[:, :, r] * self.clusters[:, :, s] for r, s in _pairs(q)
        ]
        return np.stack(columns, axis=2)


class OwnPulls(NamedTuple):
    """The pulls where stores lack numbers: an array (m, k, n) for each factor. `counted` (n, d): the weight of each number."""

    pulls: list[NDArray[np.float64]]
    counted: NDArray[np.float64]

    def squares(self, form: Form) -> NDArray[np.float64]:  # noqa: D102
        return sum_of(self._solved(form, r) * pull for r, pull in enumerate(self.pulls))

    def moments(self, weights: NDArray[np.float64]) -> Moments:  # noqa: D102
        q = len(self.pulls)
        weighed = [weights * pull for pull in self.pulls]
        second: Form = [[np.empty(0)] * q for _ in range(q)]
        for r, s in _pairs(q):
            second[r][s] = second[s][r] = np.einsum("mkn,mkn->mn", weighed[r], self.pulls[s])
        return Moments([each.sum(axis=1) for each in weighed], second)

    def by_cluster(self, weights: NDArray[np.float64], form: Form) -> list[NDArray[np.float64]]:  # noqa: D102
        sums = (weights * self._solved(form, r) for r in range(len(self.pulls)))
        d = self.counted.shape[1]
        return [(each.reshape(-1, each.shape[2]) @ self.counted).reshape(*each.shape[:2], d) for each in sums]

    def _solved(self, form: Form, r: int) -> NDArray[np.float64]:
        """A row of the form times the pulls (m, k, n)."""
        return sum_of(form[r][s][:, None, :] * pull for s, pull in enumerate(self.pulls))


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
