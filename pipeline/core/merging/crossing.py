"""`cross`: every internal cluster crossed with every external one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.cells import Group, Merged, of_groups, unknown_groups
from pipeline.core.merging.repair import Repair, repair
from pipeline.core.merging.stores import CategoryStores
from pipeline.wording import counted


def cross(stores: CategoryStores, space: NDArray[np.float64], floor: int) -> Merged:
    """The cells of internal x external, repaired; stores that the outside data does not have are cells of their own."""
    groups = unknown_groups(stores.internal, stores.external)
    for internal, external in np.unique(np.stack([stores.internal, stores.external], 1)[stores.in_both], axis=0):
        positions = np.flatnonzero((stores.internal == internal) & (stores.external == external))
        note = f"internal cluster {internal} crossed with external cluster {external}"
        groups.append(Group(positions, f"{internal} x {external}", int(internal), int(external), note))
    groups.sort(key=lambda group: (group.internal, group.exempt, group.external))
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, repair(space, cells.cell, cells.exempt, floor), _ratio(stores, floor))


def clusters_in_both(stores: CategoryStores) -> tuple[int, int]:
    """The numbers of internal and of external clusters of the stores that both sides have."""
    return len(np.unique(stores.internal[stores.in_both])), len(np.unique(stores.external[stores.in_both]))


def has_enough_stores(stores: CategoryStores, floor: int) -> bool:
    """Whether stores / (internal x external clusters) >= twice the floor, for the stores that both sides have."""
    inside, outside = clusters_in_both(stores)
    return int(stores.in_both.sum()) >= 2 * floor * inside * outside


def _ratio(stores: CategoryStores, floor: int) -> str:
    count, (inside, outside) = int(stores.in_both.sum()), clusters_in_both(stores)
    if has_enough_stores(stores, floor):
        return f"{counted(count, 'store', 'stores')} / ({inside} x {outside}) is at least twice the floor of {floor}"
    return f"few stores for a crossing: {count} / ({inside} x {outside}) is less than twice the floor of {floor}"


def too_few(stores: CategoryStores, floor: int) -> str:
    """In words, that there are too few stores for a crossing; empty if there are enough."""
    return "" if has_enough_stores(stores, floor) else _ratio(stores, floor)


def internal_alone(stores: CategoryStores, floor: int) -> Merged:
    """The internal clusters, those below the floor dissolved into the nearest ones by the sales mix."""
    numbers = (int(number) for number in np.unique(stores.internal))
    groups = [
        Group(np.flatnonzero(stores.internal == number), str(number), number, 0, f"internal cluster {number}")
        for number in numbers
    ]
    cells = of_groups(groups, len(stores.store_id))
    repaired = repair(stores.internal_space(), cells.cell, cells.exempt, floor)
    return Merged(cells, repaired, "the clusters of the sales mix")


def internal_as_they_stand(stores: CategoryStores, floor: int) -> Merged:
    """The internal clusters unchanged, since no cell could survive: the outside data has fewer stores than the floor."""
    count = int(stores.in_both.sum())
    why = (
        f"both sides know {counted(count, 'store', 'stores')} of the category, fewer than the floor of {floor}"
        if count
        else "the outside data knows no store of the category"
    )
    groups = [
        Group(
            np.flatnonzero(stores.internal == number),
            str(number),
            number,
            0,
            f"internal cluster {number} as it stands: {why}" if count else f"internal cluster {number}; {why}",
            exempt=True,
        )
        for number in (int(number) for number in np.unique(stores.internal))
    ]
    cells = of_groups(groups, len(stores.store_id))
    return Merged(cells, Repair(cells.cell, [], []), f"the internal clusters stand: {why}")
