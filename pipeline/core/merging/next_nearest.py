"""The final cluster that a store is next-nearest to, and how near the border it lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.repair import distances_to_centre

NO_NEXT = -1


def next_nearest(
    space: NDArray[np.float64], cell: NDArray[np.int64], kind: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The next-nearest cell of each store, and its margin.

    A store is compared only with cells whose stores are mostly of its own kind: in a crossing, a store that the outside data does not
    have is at the centre of the outside block, where it lies only for want of data.

    Parameters
    ----------
    space : (n, d) what the merging method measures stores in
    cell : (n,) each store's cell, any whole numbers from 0
    kind : (n,) whether the outside data has the store; all the same where the method looks at the sales mix alone

    Returns
    -------
    The next-nearest cell (n,), `NO_NEXT` where no other cell is comparable; and the margin (n,), (next - own) / the larger of both
    distances to centroids, -1..1, NaN without a next cell. Of cells that are equally near, the lower number.
    """
    cells, own, sizes = np.unique(cell, return_inverse=True, return_counts=True)
    stores, rows = np.arange(len(cell)), np.arange(len(cell))
    apart = np.empty((len(cell), len(cells)))
    mostly = np.bincount(own, weights=kind, minlength=len(cells)) * 2 >= sizes
    for number in range(len(cells)):
        apart[:, number] = distances_to_centre(space, own == number, stores)
    of_own = apart[rows, own].copy()
    apart[kind[:, None] != mostly] = np.inf
    apart[rows, own] = np.inf
    if not len(cell):
        return np.empty(0, dtype=np.int64), np.empty(0)
    following = apart.argmin(axis=1)
    of_next = apart[rows, following]
    has_next = np.isfinite(of_next)
    larger = np.where(has_next, np.maximum(of_own, of_next), 1.0)
    margin = np.where(larger > 0, (of_next - of_own) / np.where(larger > 0, larger, 1.0), 0.0)
    return np.where(has_next, cells[following], NO_NEXT), np.where(has_next, margin, np.nan)
