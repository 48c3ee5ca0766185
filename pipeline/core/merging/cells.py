"""Cells: the groups into which a merging method divides a category's stores, before and after the repair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.repair import Repair
from pipeline.core.merging.stores import NO_CLUSTER


class Cells(NamedTuple):
    """The m cells of a category's n stores.

    `cell` (n,) is the cell of each store. A cell has a `name`, its `internal` and `external` cluster (0 if it has no single
    one), a `note` in words, and is `exempt` from the floor if the outside data has none of its stores. Ties in size or
    distance go to the lower cell.
    """

    cell: NDArray[np.int64]
    name: list[str]
    internal: NDArray[np.int64]
    external: NDArray[np.int64]
    exempt: NDArray[np.bool_]
    note: list[str]


class Merged(NamedTuple):
    """The result of a method for a category: its cells, their repair, and the reason in words."""

    cells: Cells
    repair: Repair
    reason: str


class Group(NamedTuple):
    """A future cell: the positions of its stores, and its description (see `Cells`)."""

    stores: NDArray[np.int64]
    name: str
    internal: int
    external: int
    note: str
    exempt: bool = False


def of_groups(groups: list[Group], stores: int) -> Cells:
    """The cells of `stores` stores, in the order of the groups, which contain every store once. Empty groups are left out."""
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
    """The groups `none`: the stores that the outside data does not have, by internal cluster."""
    groups = []
    for number in (int(number) for number in np.unique(internal)):
        stores = np.flatnonzero((internal == number) & (external == NO_CLUSTER))
        note = f"internal cluster {number}; the outside data does not know these stores"
        groups.append(Group(stores, f"{number} x none", number, NO_CLUSTER, note, exempt=True))
    return groups
