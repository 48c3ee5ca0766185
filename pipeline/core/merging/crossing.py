"""`cross`: every internal cluster crossed with every external one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.cells import Group, Merged, of_groups, unknown_groups
from pipeline.core.merging.repair import Repair, repair
from pipeline.core.merging.stores import CategoryStores


def cross(stores: CategoryStores, space: NDArray[np.float64], floor: int) -> Merged:
    """The cells of internal x external, repaired; those of stores that the outside data does not know are kept apart."""
    groups = unknown_groups(stores.internal, stores.external)
    for internal, external in np.unique(np.stack([stores.internal, stores.external], 1)[stores.known], axis=0):
        places = np.flatnonzero((stores.internal == internal) & (stores.external == external))
        note = f"internal cluster {internal} crossed with external cluster {external}"
        groups.append(Group(places, f"{internal} x {external}", int(internal), int(external), note))
    groups.sort(key=lambda group: (group.internal, group.exempt, group.external))
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, repair(space, cells.cell, cells.exempt, floor), _ratio(stores, floor))


def clusters_known(stores: CategoryStores) -> tuple[int, int]:
    """How many internal and how many external clusters the stores that both sides know are in."""
    return len(np.unique(stores.internal[stores.known])), len(np.unique(stores.external[stores.known]))


def has_stores_enough(stores: CategoryStores, floor: int) -> bool:
    """Whether stores / (internal x external clusters) >= twice the floor, of the stores that both sides know."""
    inside, outside = clusters_known(stores)
    return int(stores.known.sum()) >= 2 * floor * inside * outside


def _ratio(stores: CategoryStores, floor: int) -> str:
    known, (inside, outside) = int(stores.known.sum()), clusters_known(stores)
    if has_stores_enough(stores, floor):
        return f"{known} stores / ({inside} x {outside}) is at least twice the floor of {floor}"
    return f"few stores for a crossing: {known} / ({inside} x {outside}) is less than twice the floor of {floor}"


def too_few(stores: CategoryStores, floor: int) -> str:
    """In words, that there are too few stores for a crossing; empty where there are enough."""
    return "" if has_stores_enough(stores, floor) else _ratio(stores, floor)


def internal_as_they_stand(stores: CategoryStores, floor: int) -> Merged:
    """The internal clusters, where no cell can survive: the outside data knows fewer stores than the floor."""
    known = int(stores.known.sum())
    why = (
        f"both sides know {known} stores of the category, fewer than the floor of {floor}"
        if known
        else "the outside data knows no store of the category"
    )
    groups = [
        Group(
            np.flatnonzero(stores.internal == number),
            str(number),
            number,
            0,
            f"internal cluster {number} as it stands: {why}" if known else f"internal cluster {number}; {why}",
            exempt=True,
        )
        for number in (int(number) for number in np.unique(stores.internal))
    ]
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, Repair(cells.cell, [], []), f"the internal clusters stand: {why}")
