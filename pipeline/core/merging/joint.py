"""`weighted` and `consensus`: cluster on both sides together, instead of crossing their clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import only_the_k
from pipeline.core.clustering.centroid_algorithms import Algorithm, KMeans
from pipeline.core.clustering.placement import number
from pipeline.core.merging.cells import Group, Merged, of_groups, unknown_groups
from pipeline.core.merging.consensus import Consensus
from pipeline.core.merging.repair import repair
from pipeline.core.merging.stores import CategoryStores
from pipeline.settings import ClusteringSettings, Merging

_MIN_JACCARD, _MIN_STABILITY = (
    0.5,
    0.6,
)  # of k-means' refits, which start from the fit on all stores: docs/decisions/0003


class Joint(NamedTuple):
    """A clustering of the m stores that both sides have: `labels` (m,) from 0, labels of its refits (B, m), why this k."""

    labels: NDArray[np.int64]
    refits: NDArray[np.int64]
    reason: str


def _weighted(
    _stores: CategoryStores, matrix: NDArray[np.float64], drawn: NDArray[np.float64], settings: Merging
) -> Algorithm:
    return KMeans(matrix, drawn, settings.random_state)


ALGORITHMS: Mapping[str, Callable[[CategoryStores, NDArray[np.float64], NDArray[np.float64], Merging], Algorithm]] = {
    "weighted": _weighted,
    "consensus": Consensus.of,
}


def joint(
    method: str, stores: CategoryStores, space: NDArray[np.float64], drawn: NDArray[np.float64], settings: Merging
) -> Joint:
    """Cluster the stores that both sides have on both sides together.

    `weighted`: k-means in the block-scaled space. `consensus`: see `Consensus`. k is `settings.k`, else chosen by
    `bic_stable` from the same figures as on either side, measured in the block-scaled space.

    Parameters
    ----------
    method : a key of `ALGORITHMS`
    stores : in order of values; the outside data has at least one
    space : (n, d) the block-scaled space
    drawn : (B, m) how often each of these stores is in each resample; held-out stores are in none, and placed afterwards
    settings : as they apply to the category
    """
    positions = np.flatnonzero(stores.in_both)
    among = stores.fitted[positions] if stores.fitted[positions].any() else np.ones(len(positions), dtype=bool)
    points = np.ascontiguousarray(space[positions])
    matrix, drawn = points[among], drawn[:, among]
    clustering_settings = ClusteringSettings(
        k=settings.k,
        k_max=settings.k_max,
        min_cluster_size=settings.min_cluster_size,
        min_cluster_share=settings.min_cluster_share,
        min_jaccard=_MIN_JACCARD,
        min_stability=_MIN_STABILITY,
        resamples=settings.resamples,
        random_state=settings.random_state,
    )
    fits = ALGORITHMS[method](stores.taken(positions[among]), matrix, drawn, settings)
    fit = only_the_k.take(matrix, drawn, fits, clustering_settings)
    labels = np.empty(len(points), dtype=np.int64)
    labels[among] = fit.labels
    if not among.all():
        labels[~among] = fits.place(points[~among], fit.k)
    number_of, _ = number(points, among, labels, fit.k)
    return Joint(number_of[labels], fit.refits.assign(points), fit.reason)


def joined(
    method: str, stores: CategoryStores, space: NDArray[np.float64], floor: int, labels: NDArray[np.int64], reason: str
) -> Merged:
    """The cells of a joint clustering (labels (m,) of the stores in both), repaired; other stores are cells of their own."""
    positions = np.flatnonzero(stores.in_both)
    groups = [
        _group(method, stores, positions[labels == number], int(number) + 1) for number in np.unique(labels)
    ] + unknown_groups(stores.internal, stores.external)
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, repair(space, cells.cell, cells.exempt, floor), reason)


def _group(method: str, stores: CategoryStores, positions: NDArray[np.int64], number: int) -> Group:
    sides = ", ".join(
        f"{name} {_mostly(clusters[positions])}"
        for name, clusters in (("internal", stores.internal), ("external", stores.external))
    )
    note = f"{method} cluster {number} of both sides together; its stores are in {sides}"
    return Group(positions, f"{method} {number}", 0, 0, note)


def _mostly(clusters: NDArray[np.int64], shown: int = 3) -> str:
    numbers, counts = np.unique(clusters, return_counts=True)
    order = np.lexsort([numbers, -counts])
    named = ", ".join(f"{numbers[position]} ({counts[position]})" for position in order[:shown])
    return named + (", ..." if len(numbers) > shown else "")
