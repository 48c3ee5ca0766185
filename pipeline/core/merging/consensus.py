"""`consensus`: groups of stores that stay together in resampled clusterings of both sides."""

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
MOST_STORES = 2_000  # in a tree: it stores a number for every pair of stores
_ENSEMBLE, _REFITS = 21, 22  # the streams of random numbers


class Consensus:
    """Evidence accumulation [1]_ over two sides, as an `Algorithm` whose clusters are cut from a tree.

    The clusters of each side are refitted on resamples. The co-association of two stores on a side is the share of these
    clusterings in which they are together. It is averaged within each side first, then over the sides by their weights, so
    that the number of clusterings on a side does not matter. Average linkage on 1 - co-association gives the tree. A refit
    is the tree of an ensemble drawn from a resample of the stores, on the stores in that resample, each once.

    With more than `MOST_STORES` stores, the tree is grown on `MOST_STORES` of them, evenly spaced in the order of values;
    every other store joins the cluster with the nearest centroid.

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
        self._positions = _spaced(np.arange(len(matrix)))
        self._tree = self._grown(drawn, self._positions, np.random.default_rng([seed, _ENSEMBLE]))
        self._drawn, self._seed = drawn, seed

    @functools.cached_property
    def _refits(self) -> list[tuple[NDArray[np.int64], Tree]]:
        random = np.random.default_rng([self._seed, _REFITS])
        return [self._refit(times, random) for times in self._drawn]

    @classmethod
    def of(
        cls, stores: CategoryStores, matrix: NDArray[np.float64], drawn: NDArray[np.float64], settings: Merging
    ) -> Consensus:
        """The consensus of the stores that both sides have; `matrix` holds their rows of the block-scaled space."""
        in_both = stores.in_both
        sides = [
            (stores.internal_features[in_both], stores.internal[in_both], settings.internal_weight),
            (stores.external_features[in_both], stores.external[in_both], settings.external_weight),
        ]
        return cls(matrix, [side for side in sides if side[2] > 0], drawn, settings.random_state)

    def labels(self, k: int) -> NDArray[np.int64]:
        """See `Algorithm`."""
        labels = np.zeros(len(self._matrix), dtype=np.int64)
        of_tree = self._tree.cut(k)
        if len(self._positions) < len(labels):
            labels = distances(self._matrix, self._centroids(self._positions, of_tree, k)).argmin(axis=1)
        labels[self._positions] = of_tree
        return labels

    def refits(self, k: int) -> Centroids:
        """See `Algorithm`."""
        return Centroids(np.stack([self._centroids(positions, tree.cut(k), k) for positions, tree in self._refits]))

    def of_draws(self, draws: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """Not possible: the ensembles cannot be computed from a matrix drawn from the null."""
        raise TypeError(f"a consensus has no clusters of other matrices, such as {draws.shape} for k = {k}")

    def place(self, points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """See `Algorithm`: the nearest centroid."""
        labels = self.labels(k)
        centres = centroids(self._matrix, labels, int(labels.max()) + 1)
        placed: NDArray[np.int64] = distances(points, centres).argmin(axis=1)
        return placed

    def memberships(self, points: NDArray[np.float64], k: int) -> None:
        """See `Algorithm`."""

    def _centroids(self, positions: NDArray[np.int64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
        """Centroids in the space; a cluster without a store in a small resample gets the centroid of the first one."""
        standing = int(labels.max()) + 1
        centres = centroids(self._matrix[positions], labels, standing)
        return np.concatenate([centres, np.repeat(centres[:1], k - standing, axis=0)])

    def _refit(self, times: NDArray[np.float64], random: np.random.Generator) -> tuple[NDArray[np.int64], Tree]:
        redrawn = random.multinomial(len(times), times / times.sum(), size=MEMBERS_OF_REFITS).astype(np.float64)
        positions = _spaced(np.flatnonzero(times > 0))
        return positions, self._grown(redrawn, positions, random)

    def _grown(self, drawn: NDArray[np.float64], positions: NDArray[np.int64], random: np.random.Generator) -> Tree:
        """The tree on these stores, from the ensemble on these resamples."""
        together = np.zeros((len(positions), len(positions)))
        for features, labels, weight in self._sides:
            together += weight * co_association(refit(features, labels, drawn, random)[:, positions])
        return average_linkage(1.0 - together / sum(weight for _, _, weight in self._sides))


def co_association(labelings: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share (n, n) of the labellings (B, n), from 0, in which two stores are together."""
    count, n = labelings.shape
    members = (labelings[..., None] == np.arange(int(labelings.max()) + 1)).transpose(1, 0, 2).reshape(n, -1)
    values = members.astype(np.float64)
    shares: NDArray[np.float64] = values @ values.T / count
    return shares


class Tree(NamedTuple):
    """The merges (n - 1, 2), numbered as in `ward.tree`, and the number of distinct clusters: those merged above height 0."""

    merges: NDArray[np.int64]
    clusters: int

    def cut(self, k: int) -> NDArray[np.int64]:
        """The clusters (n,), from 0, when k are left, or fewer if there are fewer distinct clusters."""
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
    condensed = np.round(apart[np.triu_indices(n, 1)], 12)  # shares that differ only by rounding become equal
    merges = linkage(condensed, method="average")
    return Tree(merges[:, :2].astype(np.int64), 1 + int((merges[:, 2] > 1e-12).sum()))


def _spaced(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `MOST_STORES` of the positions, evenly spaced."""
    if len(positions) <= MOST_STORES:
        return positions
    return positions[np.linspace(0, len(positions) - 1, MOST_STORES).astype(np.int64)]
