"""`weighted` and `consensus`: clusters of both sides together, rather than cells of their crossing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import only_the_k
from pipeline.core.clustering.centroid_algorithms import KMeans
from pipeline.core.clustering.placement import number
from pipeline.core.merging.cells import Group, Merged, of_groups, unknown_groups
from pipeline.core.merging.consensus import Consensus
from pipeline.core.merging.repair import repair
from pipeline.core.merging.stores import CategoryStores
from pipeline.settings import ClusteringSettings, Merging


class Joint(NamedTuple):
    """A clustering of the m stores that both sides know: `labels` (m,) from 0, those of its refits (B, m), and why this k."""

    labels: NDArray[np.int64]
    refits: NDArray[np.int64]
    reason: str


def joint(
    method: str, stores: CategoryStores, space: NDArray[np.float64], drawn: NDArray[np.float64], settings: Merging
) -> Joint:
    """Cluster the stores that both sides know on both sides together.

    `weighted`: k-means in the block-scaled space. `consensus`: see `Consensus`. k is `settings.k`, else chosen by
    `bic_stable` from the same figures as on either side, measured in the block-scaled space.

    Parameters
    ----------
    method : weighted or consensus
    stores : in order of values; the outside data knows at least one
    space : (n, d) the block-scaled space
    drawn : (B, m) how often each known store is in each resample; held-out stores are in none, and placed afterwards
    settings : resolved for the category
    """
    known = np.flatnonzero(stores.known)
    among = stores.fitted[known] if stores.fitted[known].any() else np.ones(len(known), dtype=bool)
    points = np.ascontiguousarray(space[known])
    matrix, drawn = points[among], drawn[:, among]
    told = ClusteringSettings(
        k=settings.k,
        k_max=settings.k_max,
        min_cluster_size=settings.min_cluster_size,
        min_cluster_share=settings.min_cluster_share,
        resamples=settings.resamples,
        random_state=settings.random_state,
    )
    fits = (
        KMeans(matrix, drawn, settings.random_state)
        if method == "weighted"
        else Consensus.of(stores.taken(known[among]), matrix, drawn, settings)
    )
    fit = only_the_k.take(matrix, drawn, fits, told)
    labels = np.empty(len(points), dtype=np.int64)
    labels[among] = fit.labels
    if not among.all():
        labels[~among] = fits.place(points[~among], fit.k)
    place, _ = number(points, among, labels, fit.k)
    return Joint(place[labels], fit.refits.assign(points), fit.reason)


def joined(
    method: str, stores: CategoryStores, space: NDArray[np.float64], floor: int, labels: NDArray[np.int64], reason: str
) -> Merged:
    """The cells of a joint clustering (its labels (m,) of the known stores), repaired; unknown stores are kept apart."""
    places = np.flatnonzero(stores.known)
    groups = [
        _group(method, stores, places[labels == number], int(number) + 1) for number in np.unique(labels)
    ] + unknown_groups(stores.internal, stores.external)
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, repair(space, cells.cell, cells.exempt, floor), reason)


def _group(method: str, stores: CategoryStores, places: NDArray[np.int64], number: int) -> Group:
    sides = ", ".join(
        f"{name} {_mostly(clusters[places])}"
        for name, clusters in (("internal", stores.internal), ("external", stores.external))
    )
    note = f"{method} cluster {number} of both sides together; its stores are in {sides}"
    return Group(places, f"{method} {number}", 0, 0, note)


def _mostly(clusters: NDArray[np.int64], shown: int = 3) -> str:
    numbers, counts = np.unique(clusters, return_counts=True)
    order = np.lexsort([numbers, -counts])
    named = ", ".join(f"{numbers[place]} ({counts[place]})" for place in order[:shown])
    return named + (", ..." if len(numbers) > shown else "")
