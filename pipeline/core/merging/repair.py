"""Repair: dissolve cells that are too small into their neighbours, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 10  # as published; rounded, so that ties do not depend on the order of summation


class Move(NamedTuple):
    """A store that moved from a dissolved cell to another one."""

    store: int
    source: int
    target: int
    distance: float
    margin: float


class Repair(NamedTuple):
    """The result of the repair.

    `cell` (n,) is the final cell of each store; `dissolved` are the dissolved cells in their order; `moves` are in the same
    order.
    """

    cell: NDArray[np.int64]
    dissolved: list[int]
    moves: list[Move]

    def moved(self) -> NDArray[np.bool_]:
        """(n,) the stores that were moved at least once."""
        moved = np.zeros(len(self.cell), dtype=bool)
        moved[[move.store for move in self.moves]] = True
        return moved


def repair(
    space: NDArray[np.float64],
    cell: NDArray[np.int64],
    exempt: NDArray[np.bool_],
    floor: int,
    before: Repair | None = None,
) -> Repair:
    """Dissolve cells below the floor until none is left.

    The smallest cell below the floor is dissolved first; at a tie, the lower number. Each of its stores goes to the nearest
    centroid of the remaining cells, also of those below the floor: two small neighbours can become one cell that is large
    enough. A tie between centroids goes to the lower number. Then the centroids are computed again. Exempt cells, those of
    stores that the outside data does not have, stay unchanged and are never a target.

    Parameters
    ----------
    space : (n, d) the stores in the block-scaled space
    cell : (n,) each store's cell, from 0; none empty
    exempt : (m,) whether the floor does not apply to the cell
    floor : the least number of stores in a cell
    before : an earlier repair; its cells replace `cell`, its moves come first

    Returns
    -------
    The cell of every store, and every move. If the cells together have fewer stores than the floor, the last cell stays below
    the floor: the caller must check this first.
    """
    cell = (before.cell if before else cell).copy()
    dissolved: list[int] = [*before.dissolved] if before else []
    moves: list[Move] = [*before.moves] if before else []
    alive = [int(number) for number in np.flatnonzero(~exempt) if number not in dissolved]
    while len(alive) > 1:
        sizes = np.bincount(cell, minlength=len(exempt))
        smallest = min(alive, key=lambda number: (sizes[number], number))
        if sizes[smallest] >= floor:
            break
        alive.remove(smallest)
        dissolved.append(smallest)
        moves += dissolve(space, cell, smallest, alive)
    return Repair(cell, dissolved, moves)


def dissolve(space: NDArray[np.float64], cell: NDArray[np.int64], source: int, targets: list[int]) -> list[Move]:
    """Move every store of a cell to the nearest centroid of the target cells; `cell` is changed."""
    stores = np.flatnonzero(cell == source)
    distances = np.stack([distances_to_centre(space, cell == target, stores) for target in targets], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")
    moves = []
    for row, store in enumerate(stores):
        nearest = float(distances[row, order[row, 0]])
        following = float(distances[row, order[row, 1]]) if len(targets) > 1 else np.nan
        margin = (following - nearest) / following if following else 0.0
        moves.append(Move(int(store), source, targets[int(order[row, 0])], nearest, margin))
    cell[stores] = [move.target for move in moves]
    return moves


def distances_to_centre(
    space: NDArray[np.float64], members: NDArray[np.bool_], stores: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Euclidean distances of these stores to the mean of the members, to ten decimals."""
    distances: NDArray[np.float64] = np.linalg.norm(space[stores] - space[members].mean(axis=0), axis=1)
    return np.round(distances, _DECIMALS)
