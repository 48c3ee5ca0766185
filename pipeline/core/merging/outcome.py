"""A category's part of the published tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.merging.cells import Cells, Merged
from pipeline.core.merging.next_nearest import NO_NEXT, next_nearest
from pipeline.core.merging.repair import Repair, distances_to_centre
from pipeline.core.merging.stores import CategoryStores


class Outcome(NamedTuple):
    """A category's rows of these tables, and the final cluster (n,) of each of its stores."""

    store_clusters: pd.DataFrame
    merged_clusters: pd.DataFrame
    reassignments: pd.DataFrame
    cluster: NDArray[np.int64]


def outcome(stores: CategoryStores, space: NDArray[np.float64], merged: Merged, floor: int, taken: str) -> Outcome:
    """The published rows of a category.

    Parameters
    ----------
    stores : in order of values
    space : (n, d) the block-scaled space
    merged : the result of the method
    floor : the least number of stores in a cell
    taken : why another method than the one in the settings was taken, in words; empty if it was not
    """
    numbers = _numbers(merged.repair, len(merged.cells.name))
    return Outcome(
        _store_clusters(stores, space, merged, numbers),
        _merged_clusters(stores.category, merged.cells, merged.repair, numbers, floor, taken),
        _reassignments(stores, merged.cells, merged.repair, numbers),
        numbers[merged.repair.cell],
    )


def _numbers(repaired: Repair, cells: int) -> NDArray[np.int64]:
    """The number of every cell: final cells by size, then in order; after them the dissolved cells, in their order."""
    sizes = np.bincount(repaired.cell, minlength=cells)
    order = [int(cell) for cell in np.argsort(-sizes, kind="stable") if sizes[cell]]
    numbers = np.zeros(cells, dtype=np.int64)
    numbers[[*order, *repaired.dissolved]] = np.arange(1, cells + 1)
    return numbers


def _store_clusters(
    stores: CategoryStores, space: NDArray[np.float64], merged: Merged, numbers: NDArray[np.int64]
) -> pd.DataFrame:
    repaired = merged.repair
    return pd.DataFrame(
        {
            "store_id": stores.store_id,
            "category": stores.category,
            "internal_cluster": pd.array(stores.internal, dtype="Int64"),
            "external_cluster": pd.arrays.IntegerArray(stores.external, ~stores.in_both),
            "cluster": numbers[repaired.cell],
            "status": np.where(stores.in_both, "both", "internal_only").astype(object),
            "reassigned": repaired.moved(),
            "distance": distances(space, repaired.cell),
            **nearness(
                stores,
                space,
                numbers[repaired.cell],
                by_mix_alone=is_by_mix_alone(merged.cells.internal, merged.cells.external),
            ),
        }
    )


def is_by_mix_alone(internal: NDArray[np.int64], external: NDArray[np.int64]) -> bool:
    """Whether all cells are whole internal clusters, by the internal and external cluster (m,) of each, 0 for none."""
    return bool((internal > 0).all() and (external == 0).all())


def nearness(
    stores: CategoryStores, space: NDArray[np.float64], cluster: NDArray[np.int64], *, by_mix_alone: bool
) -> dict[str, Any]:
    """The next-nearest final cluster of each store, and the margin, as `store_clusters` has them.

    Parameters
    ----------
    stores : n stores
    space : (n, d) the block-scaled space
    cluster : (n,) the final clusters
    by_mix_alone : whether the clusters are those of the sales mix: then nothing else counts
    """
    if by_mix_alone:
        space, kind = stores.internal_space(), np.ones(len(cluster), dtype=bool)
    else:
        kind = stores.in_both
    following, margin = next_nearest(space, cluster, kind)
    return {"next_cluster": pd.arrays.IntegerArray(following, following == NO_NEXT), "margin": margin}


def distances(space: NDArray[np.float64], cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) the distance of each store of the space (n, d) from the centroid of its cell (n,)."""
    to_centre = np.zeros(len(cell))
    for number in np.unique(cell):
        members = cell == number
        to_centre[members] = distances_to_centre(space, members, np.flatnonzero(members))
    return to_centre


def _merged_clusters(
    category: str, cells: Cells, repaired: Repair, numbers: NDArray[np.int64], floor: int, taken: str
) -> pd.DataFrame:
    final = np.unique(repaired.cell)
    moved_in = np.bincount(repaired.cell[repaired.moved()], minlength=len(cells.name))[final]
    return pd.DataFrame(
        {
            "category": category,
            "cluster": numbers[final],
            "internal_cluster": pd.arrays.IntegerArray(cells.internal[final], cells.internal[final] == 0),
            "external_cluster": pd.arrays.IntegerArray(cells.external[final], cells.external[final] == 0),
            "stores": np.bincount(repaired.cell, minlength=len(cells.name))[final],
            "reassigned_stores": moved_in,
            "note": [
                _note(cells.note[cell], int(moved), floor, "" if cells.exempt[cell] else taken)
                for cell, moved in zip(final, moved_in, strict=True)
            ],
        }
    )


def _note(note: str, moved_in: int, floor: int, taken: str) -> str:
    moved = f"; stores moved in from cells below the floor of {floor}: {moved_in}" if moved_in else ""
    return f"{note}{moved}{'; ' if taken else ''}{taken}"


def _reassignments(stores: CategoryStores, cells: Cells, repaired: Repair, numbers: NDArray[np.int64]) -> pd.DataFrame:
    moves = repaired.moves
    source = np.array([move.source for move in moves], dtype=np.int64)
    target = np.array([move.target for move in moves], dtype=np.int64)
    names = np.array(cells.name, dtype=object)
    return pd.DataFrame(
        {
            "store_id": stores.store_id[[move.store for move in moves]],
            "category": np.full(len(moves), stores.category, dtype=object),
            "from_cluster": numbers[source],
            "to_cluster": numbers[target],
            "from_cell": names[source],
            "to_cell": names[target],
            "distance": np.array([move.distance for move in moves], dtype=np.float64),
            "margin": np.array([move.margin for move in moves], dtype=np.float64),
        }
    )
