"""Cells: what a method makes of a category's stores, before and after the repair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.repair import Repair
from pipeline.core.merging.stores import NO_CLUSTER


class Cells(NamedTuple):
    """The m cells of a category's n stores.

    `cell` (n,) is each store's. A cell has a `name`, the `internal` and `external` cluster that it stands for (0 where it
    stands for no single one), a `note` in words, and is `exempt` from the floor where the outside data does not know its
    stores. The lower of two cells comes first wherever size or distance decide nothing.
    """

    cell: NDArray[np.int64]
    name: list[str]
    internal: NDArray[np.int64]
    external: NDArray[np.int64]
    exempt: NDArray[np.bool_]
    note: list[str]


class Merged(NamedTuple):
    """What a method made of a category: its cells, what the repair made of them, and why it is so, in words."""

    cells: Cells
    repair: Repair
    reason: str


class Group(NamedTuple):
    """A cell to be: the places of its stores, and what is said of it (see `Cells`)."""

    stores: NDArray[np.int64]
    name: str
    internal: int
    external: int
    note: str
    exempt: bool = False


def of_groups(groups: list[Group], stores: int) -> Cells:
    """The cells of so many stores, in the order of the groups; every store is in one of them. Empty groups are left out."""
    groups = [group for group in groups if len(group.stores)]
    cell = np.zeros(stores, dtype=np.int64)
    for number, group in enumerate(groups):
        cell[group.stores] = number
    return Cells(
        cell,
        [group.name for group in groups],
        np.array([group.internal for group in groups], dtype=np.int64),
        np.array([group.external for group in groups], dtype=np.int64),
        np.array([group.exempt for group in groups], dtype=bool),
        [group.note for group in groups],
    )


def unknown_groups(internal: NDArray[np.int64], external: NDArray[np.int64]) -> list[Group]:
    """The level `none`: the stores that the outside data does not know, by their internal cluster."""
    found = []
    for number in (int(number) for number in np.unique(internal)):
        stores = np.flatnonzero((internal == number) & (external == NO_CLUSTER))
        note = f"internal cluster {number}; the outside data does not know these stores"
        found.append(Group(stores, f"{number} x none", number, NO_CLUSTER, note, exempt=True))
    return found
