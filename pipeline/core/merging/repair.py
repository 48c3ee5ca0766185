"""Repair: cells of the crossing that are too small are dissolved into their neighbours, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_CLUSTER = 0  # the external cluster of a store that the outside data does not know: the level `none`
_DECIMALS = 10  # distances are compared as they are published, so that a tie is a tie in any order of summation


class Move(NamedTuple):
    """A store that left a dissolved cell. Cells are positions in `Repair.cells`."""

    store: int
    source: int
    target: int
    distance: float
    margin: float


class Repair(NamedTuple):
    """What the repair made of the cells.

    `cells` (m, 2) are all cells there were, as (internal, external), sorted; `cell` (n,) is each store's in the end;
    `dissolved` are those that are gone, in the order they went; `moves` are in that order too.
    """

    cells: NDArray[np.int64]
    cell: NDArray[np.int64]
    dissolved: list[int]
    moves: list[Move]

    def moved(self) -> NDArray[np.bool_]:
        """(n,) which stores were moved, once or more often."""
        import numpy as np

        moved = np.zeros(len(self.cell), dtype=bool)
        moved[[move.store for move in self.moves]] = True
        return moved


def repair(space: NDArray[np.float64], internal: NDArray[np.int64], external: NDArray[np.int64], floor: int) -> Repair:
    """Dissolve cells below the floor until none is left.

    The smallest cell below the floor goes first, the lower (internal, external) at a tie. Each of its stores goes to
    the nearest centroid of the cells that are not yet dissolved, be they below the floor or not: two small neighbours
    may so become one large enough. A tie between centroids goes to the lower (internal, external). Then centroids are
    computed anew. Cells of stores that the outside data does not know are exempt, and never a target.

    Parameters
    ----------
    space : (n, d) the stores in the block-scaled space
    internal, external : (n,) clusters from 1; external is NO_CLUSTER where the outside data does not know the store
    floor : the least number of stores in a cell

    Returns
    -------
    The cells, and every move. Where the cells together hold fewer stores than the floor, the last one is left below it:
    the caller has to look first.
    """
    import numpy as np

    cells, cell = np.unique(np.stack([internal, external], axis=1), axis=0, return_inverse=True)
    cell = cell.reshape(-1).astype(np.int64)
    alive = [int(number) for number in np.flatnonzero(cells[:, 1] != NO_CLUSTER)]
    dissolved: list[int] = []
    moves: list[Move] = []
    while len(alive) > 1:
        sizes = np.bincount(cell, minlength=len(cells))
        smallest = min(alive, key=lambda number: (sizes[number], number))
        if sizes[smallest] >= floor:
            break
        alive.remove(smallest)
        dissolved.append(smallest)
        made = _dissolve(space, cell, smallest, alive)
        cell[[move.store for move in made]] = [move.target for move in made]
        moves += made
    return Repair(cells, cell, dissolved, moves)


def _dissolve(space: NDArray[np.float64], cell: NDArray[np.int64], source: int, targets: list[int]) -> list[Move]:
    import numpy as np

    stores = np.flatnonzero(cell == source)
    distances = np.stack([distances_to_centre(space, cell == target, stores) for target in targets], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")
    moves = []
    for row, store in enumerate(stores):
        nearest = float(distances[row, order[row, 0]])
        following = float(distances[row, order[row, 1]]) if len(targets) > 1 else np.nan
        margin = (following - nearest) / following if following else 0.0
        moves.append(Move(int(store), source, targets[int(order[row, 0])], nearest, margin))
    return moves


def distances_to_centre(
    space: NDArray[np.float64], members: NDArray[np.bool_], stores: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Euclidean distances of these stores to the mean of the members, to ten decimals."""
    import numpy as np

    distances: NDArray[np.float64] = np.linalg.norm(space[stores] - space[members].mean(axis=0), axis=1)
    return np.round(distances, _DECIMALS)
