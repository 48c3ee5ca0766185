"""`consensus`: stores that stay together over both sides' resampled clusterings."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from pipeline.core.clustering.centroid_algorithms import Centroids
from pipeline.core.clustering.figures import centroids, distances
from pipeline.core.clustering.ward import cut
from pipeline.core.merging.refits import refit
from pipeline.core.merging.stores import CategoryStores
from pipeline.settings import Merging

MEMBERS_OF_REFITS = 5  # clusterings of each side in a refit's ensemble
MOST_STORES = 2_000  # that a tree is grown on: it holds a number for every pair of them
_ENSEMBLE, _REFITS = 21, 22  # what a stream of random numbers is for


class Consensus:
    """Evidence accumulation [1]_ over two sides, as an `Algorithm` whose clusters are cut from a tree.

    Each side's clusters are refitted on resamples. The co-association of two stores on a side is the share of these
    clusterings that have them together; averaged within each side first, and then over the sides by their weights, so that
    neither rules by its number of clusterings. Average linkage on 1 - co-association gives the tree. A refit is the tree
    of an ensemble drawn from a resample of the stores, on the stores in that resample, each once.

    With more than `MOST_STORES` stores the tree is grown on so many, evenly spaced in the order of values; every other
    store joins the cluster with the nearest centroid.

    References
    ----------
    .. [1] A. L. N. Fred, A. K. Jain, "Combining multiple clusterings using evidence accumulation", IEEE Trans. PAMI
       27(6), 2005.
    """

    def __init__(
        self,
        matrix: NDArray[np.float64],
        sides: list[tuple[NDArray[np.float64], NDArray[np.int64], float]],
        drawn: NDArray[np.float64],
        seed: int,
    ) -> None:
        """`matrix` (m, d): the block-scaled space; `sides`: features, labels and weight; `drawn` (B, m): the resamples."""
        self._matrix = matrix
        self._sides = sides
        self._places = _spaced(np.arange(len(matrix)))
        self._tree = self._grown(drawn, self._places, np.random.default_rng([seed, _ENSEMBLE]))
        self._drawn, self._seed = drawn, seed

    @functools.cached_property
    def _refits(self) -> list[tuple[NDArray[np.int64], Tree]]:
        random = np.random.default_rng([self._seed, _REFITS])
        return [self._refit(times, random) for times in self._drawn]

    @classmethod
    def of(
        cls, stores: CategoryStores, matrix: NDArray[np.float64], drawn: NDArray[np.float64], settings: Merging
    ) -> Consensus:
        """That of the stores of a category that both sides know, `matrix` being their rows of the block-scaled space."""
        known = stores.known
        sides = [
            (stores.internal_features[known], stores.internal[known], settings.internal_weight),
            (stores.external_features[known], stores.external[known], settings.external_weight),
        ]
        return cls(matrix, [side for side in sides if side[2] > 0], drawn, settings.random_state)

    def labels(self, k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        found = np.zeros(len(self._matrix), dtype=np.int64)
        of_tree = self._tree.cut(k)
        if len(self._places) < len(found):
            found = distances(self._matrix, self._centroids(self._places, of_tree, k)).argmin(axis=1)
        found[self._places] = of_tree
        return found

    def refits(self, k: int) -> Centroids:
        """See `Algorithm`."""
        return Centroids(np.stack([self._centroids(places, tree.cut(k), k) for places, tree in self._refits]))

    def of_draws(self, draws: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """Not known to this algorithm: what it makes clusters of is not in a matrix drawn from the null."""
        raise TypeError(f"a consensus has no clusters of other matrices, such as {draws.shape} for k = {k}")

    def place(self, points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`: the nearest centroid."""
        labels = self.labels(k)
        centres = centroids(self._matrix, labels, int(labels.max()) + 1)
        placed: NDArray[np.int64] = distances(points, centres).argmin(axis=1)
        return placed

    def memberships(self, points: NDArray[np.float64], k: int) -> None:
        """See `Algorithm`."""

    def _centroids(self, places: NDArray[np.int64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
        """Centroids in the space; a cluster that a small resample has no store for takes the place of the first one."""
        standing = int(labels.max()) + 1
        centres = centroids(self._matrix[places], labels, standing)
        return np.concatenate([centres, np.repeat(centres[:1], k - standing, axis=0)])

    def _refit(self, times: NDArray[np.float64], random: np.random.Generator) -> tuple[NDArray[np.int64], Tree]:
        again = random.multinomial(len(times), times / times.sum(), size=MEMBERS_OF_REFITS).astype(np.float64)
        places = _spaced(np.flatnonzero(times > 0))
        return places, self._grown(again, places, random)

    def _grown(self, drawn: NDArray[np.float64], places: NDArray[np.int64], random: np.random.Generator) -> Tree:
        """The tree on these stores, of the ensemble on these resamples."""
        together = np.zeros((len(places), len(places)))
        for features, labels, weight in self._sides:
            together += weight * co_association(refit(features, labels, drawn, random)[:, places])
        return average_linkage(1.0 - together / sum(weight for _, _, weight in self._sides))


def co_association(labelings: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share (n, n) of the labellings (B, n), from 0, that have two stores together."""
    count, n = labelings.shape
    members = (labelings[..., None] == np.arange(int(labelings.max()) + 1)).transpose(1, 0, 2).reshape(n, -1)
    values = members.astype(np.float64)
    shares: NDArray[np.float64] = values @ values.T / count
    return shares


class Tree(NamedTuple):
    """The merges (n - 1, 2), numbered as `ward.tree` has them, and how many clusters can be told apart: those at height 0."""

    merges: NDArray[np.int64]
    clusters: int

    def cut(self, k: int) -> NDArray[np.int64]:
        """The clusters (n,), from 0, that stand when k are left, or as many as can be told apart."""
        return cut(self.merges, min(k, self.clusters))


def average_linkage(apart: NDArray[np.float64]) -> Tree:
    """The tree of average linkage [1]_ on dissimilarities (n, n).

    References
    ----------
    .. [1] R. R. Sokal, C. D. Michener, "A statistical method for evaluating systematic relationships", Univ. Kansas Sci.
       Bull. 38, 1958.
    """
    n = len(apart)
    if n < 2:
        return Tree(np.empty((0, 2), dtype=np.int64), n)
    condensed = np.round(apart[np.triu_indices(n, 1)], 12)  # shares that are equal but for rounding tie
    merges = linkage(condensed, method="average")
    return Tree(merges[:, :2].astype(np.int64), 1 + int((merges[:, 2] > 1e-12).sum()))


def _spaced(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `MOST_STORES` of the places, evenly spaced."""
    if len(places) <= MOST_STORES:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_STORES).astype(np.int64)]
