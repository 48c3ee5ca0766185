"""One category: its internal clusters crossed with the external ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.core.merging.repair import NO_CLUSTER, Repair, distances_to_centre, repair
from pipeline.core.merging.space import block_scaled
from pipeline.settings import Merging

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class CategoryStores(NamedTuple):
    """The n stores of a category, with what both sides know of them; the external rows of unknown stores are zeros."""

    category: str
    store_id: NDArray[np.object_]
    internal: NDArray[np.int64]
    external: NDArray[np.int64]
    internal_features: NDArray[np.float64]
    external_features: NDArray[np.float64]

    def in_order_of_values(self) -> CategoryStores:
        """The same stores in order of their feature values, so that no name and no row order decides anything.

        Sums differ in their last bits with the order of what is summed. Stores that tie in all values and both
        clusters are interchangeable; their ids order them.
        """
        import numpy as np

        keys = (*self.external_features.T, *self.internal_features.T, self.external, self.internal)
        by_id = np.argsort(self.store_id, kind="stable")
        order = by_id[np.lexsort([key[by_id] for key in reversed(keys)])]
        return CategoryStores(
            self.category,
            self.store_id[order],
            self.internal[order],
            self.external[order],
            self.internal_features[order],
            self.external_features[order],
        )


class Crossed(NamedTuple):
    """A category's part of the published tables."""

    store_clusters: pd.DataFrame
    merged_clusters: pd.DataFrame
    reassignments: pd.DataFrame


def floor_of(settings: Merging, stores: int) -> int:
    """The least number of stores in a cell of a category with so many stores."""
    return max(settings.min_cluster_size, math.ceil(settings.min_cluster_share * stores - 1e-9))


def cross(stores: CategoryStores, settings: Merging) -> Crossed:
    """The final clusters of a category: cells of internal x external, repaired where they are too small.

    Cells of stores that the outside data does not know (internal x none) are kept apart. Where all other cells together
    hold fewer stores than the floor no cell can survive, and the internal clusters stand.

    Parameters
    ----------
    stores : the category's stores, at least one
    settings : resolved for the category

    Returns
    -------
    The category's rows of store_clusters, merged_clusters and reassignments.
    """
    stores = stores.in_order_of_values()
    known = stores.external != NO_CLUSTER
    space = block_scaled(
        stores.internal_features, stores.external_features, known, settings.internal_weight, settings.external_weight
    )
    floor = floor_of(settings, len(stores.store_id))
    stands = int(known.sum()) < floor
    external = stores.external * 0 if stands else stores.external
    repaired = repair(space, stores.internal, external, floor)
    numbers = _numbers(repaired)
    return Crossed(
        _store_clusters(stores, space, repaired, numbers),
        _merged_clusters(stores, repaired, numbers, _Notes.of(stores, floor, stands)),
        _reassignments(stores, repaired, numbers),
    )


def _numbers(repaired: Repair) -> NDArray[np.int64]:
    """The number of every cell: the final ones by size, then internal, then external; after them the dissolved ones."""
    import numpy as np

    sizes = np.bincount(repaired.cell, minlength=len(repaired.cells))
    unknown_last = np.where(repaired.cells[:, 1] == NO_CLUSTER, np.iinfo(np.int64).max, repaired.cells[:, 1])
    order = [int(cell) for cell in np.lexsort([unknown_last, repaired.cells[:, 0], -sizes]) if sizes[cell]]
    numbers = np.zeros(len(repaired.cells), dtype=np.int64)
    numbers[[*order, *repaired.dissolved]] = np.arange(1, len(repaired.cells) + 1)
    return numbers


def _store_clusters(
    stores: CategoryStores, space: NDArray[np.float64], repaired: Repair, numbers: NDArray[np.int64]
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    distance = np.zeros(len(stores.store_id))
    for cell in np.unique(repaired.cell):
        members = repaired.cell == cell
        distance[members] = distances_to_centre(space, members, np.flatnonzero(members))
    known = stores.external != NO_CLUSTER
    return pd.DataFrame(
        {
            "store_id": stores.store_id,
            "category": stores.category,
            "internal_cluster": pd.array(stores.internal, dtype="Int64"),
            "external_cluster": pd.arrays.IntegerArray(stores.external, ~known),
            "cluster": numbers[repaired.cell],
            "status": np.where(known, "both", "internal_only").astype(object),
            "reassigned": repaired.moved(),
            "distance": distance,
        }
    )


class _Notes(NamedTuple):
    """What is said of a category's cells in words."""

    floor: int
    known: int
    stands: bool
    thin: str

    @classmethod
    def of(cls, stores: CategoryStores, floor: int, stands: bool) -> _Notes:
        import numpy as np

        known = stores.external != NO_CLUSTER
        sides = [len(np.unique(side[known])) for side in (stores.internal, stores.external)]
        thin = ""
        if not stands and int(known.sum()) < 2 * floor * sides[0] * sides[1]:
            thin = (
                f"; few stores for a crossing: {int(known.sum())} / ({sides[0]} x {sides[1]}) is less than twice the "
                f"floor of {floor}"
            )
        return cls(floor, int(known.sum()), stands, thin)

    def of_cell(self, internal: int, external: int, moved_in: int) -> str:
        if self.stands:
            return (
                f"internal cluster {internal} as it stands: both sides know {self.known} stores of the category, fewer "
                f"than the floor of {self.floor}"
                if self.known
                else f"internal cluster {internal}; the outside data knows no store of the category"
            )
        if external == NO_CLUSTER:
            return f"internal cluster {internal}; the outside data does not know these stores"
        moved = f"; stores moved in from cells below the floor of {self.floor}: {moved_in}" if moved_in else ""
        return f"internal cluster {internal} crossed with external cluster {external}{moved}{self.thin}"


def _merged_clusters(
    stores: CategoryStores, repaired: Repair, numbers: NDArray[np.int64], notes: _Notes
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    cells = np.unique(repaired.cell)
    moved_in = np.bincount(repaired.cell[repaired.moved()], minlength=len(repaired.cells))[cells]
    internal, external = (repaired.cells[cells, side] for side in (0, 1))
    return pd.DataFrame(
        {
            "category": stores.category,
            "cluster": numbers[cells],
            "internal_cluster": pd.array(internal, dtype="Int64"),
            "external_cluster": pd.arrays.IntegerArray(external, external == NO_CLUSTER),
            "stores": np.bincount(repaired.cell, minlength=len(repaired.cells))[cells],
            "reassigned_stores": moved_in,
            "note": [
                notes.of_cell(*(int(number) for number in cell))
                for cell in zip(internal, external, moved_in, strict=True)
            ],
        }
    )


def _reassignments(stores: CategoryStores, repaired: Repair, numbers: NDArray[np.int64]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    moves = repaired.moves
    source = np.array([move.source for move in moves], dtype=np.int64)
    target = np.array([move.target for move in moves], dtype=np.int64)
    texts = np.array([f"{internal} x {external or 'none'}" for internal, external in repaired.cells], dtype=object)
    return pd.DataFrame(
        {
            "store_id": stores.store_id[[move.store for move in moves]],
            "category": np.full(len(moves), stores.category, dtype=object),
            "from_cluster": numbers[source],
            "to_cluster": numbers[target],
            "from_cell": texts[source],
            "to_cell": texts[target],
            "distance": np.array([move.distance for move in moves], dtype=np.float64),
            "margin": np.array([move.margin for move in moves], dtype=np.float64),
        }
    )
