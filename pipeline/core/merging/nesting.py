"""`nested`: an internal cluster is split by the external ones if the mix of its stores supports the split."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.merging.cells import Group, Merged, of_groups, unknown_groups
from pipeline.core.merging.permutations import p_value, permuted_within
from pipeline.core.merging.repair import Move, Repair, dissolve, repair
from pipeline.core.merging.stores import CategoryStores
from pipeline.core.statistics.explained import centred

PERMUTATIONS = 999  # for a published split
PERMUTATIONS_OF_REFITS = 199  # for a split in a resample, where only the result counts
SIGNIFICANT = 0.05
_PERMUTATIONS_STREAM = 20  # a stream of random numbers


class Split(NamedTuple):
    """An internal cluster and the external clusters that are large enough in it; `gain` and `p` are NaN if not tested."""

    internal: int
    children: list[int]
    gain: float
    p: float

    @property
    def is_split(self) -> bool:
        """Whether the cluster is split."""
        return self.gain > 0.0 and self.p < SIGNIFICANT

    def words(self) -> str:
        """The result of the test, in words."""
        if len(self.children) < 2:
            return "fewer than two of its parts by external cluster reach the floor"
        if self.gain <= 0.0:
            return f"on stores left out, its parts by external cluster explain nothing of the mix ({100 * self.gain:.1f} %)"
        return (
            f"on stores left out, its parts by external cluster explain {100 * self.gain:.1f} % of the mix, p = {self.p:.3f}"
            + ("" if self.is_split else ": not below 0.05")
        )


def nest(
    stores: CategoryStores, space: NDArray[np.float64], floor: int, seed: int, permutations: int = PERMUTATIONS
) -> Merged:
    """Internal clusters, each split by the external ones only if the mix supports it.

    The parts of an internal cluster are its stores by external cluster; parts that reach the floor are children. With two
    or more children, their stores are tested: the cluster is split if, on stores left out, the children explain more of the
    mix than the cluster's own mean does, and more than 95 % of the permutations of the external labels do. In a split
    cluster, the stores of parts below the floor go to their nearest child, and the stores that the outside data does not
    have are a cell of their own. A cluster that is not split keeps all its stores together.

    Parameters
    ----------
    stores : in order of values
    space : (n, d) the block-scaled space
    floor : the least number of stores in a cell
    seed : of the permutations
    permutations : how many
    """
    unknown = {group.internal: group for group in unknown_groups(stores.internal, stores.external)}
    groups, splits = [], []
    for number in (int(number) for number in np.unique(stores.internal)):
        split = _test(stores, number, floor, seed, permutations)
        splits.append(split)
        members = stores.internal == number
        if not split.is_split:
            note = f"internal cluster {number}, not split: {split.words()}"
            groups.append(Group(np.flatnonzero(members), str(number), number, 0, note))
            continue
        for external in (int(external) for external in np.unique(stores.external[members & stores.in_both])):
            note = f"internal cluster {number} split by external cluster {external}: {split.words()}"
            positions = np.flatnonzero(members & (stores.external == external))
            groups.append(Group(positions, f"{number} x {external}", number, external, note))
        groups.append(unknown[number])
    cells = of_groups(groups, len(stores.store_id))
    repaired = repair(
        space, cells.cell, cells.exempt, floor, _within(space, cells.cell, cells.internal, cells.external, splits)
    )
    return Merged(cells, repaired, _reason(splits))


def _reason(splits: list[Split]) -> str:
    split_clusters = [str(split.internal) for split in splits if split.is_split]
    tested = sum(len(split.children) > 1 for split in splits)
    return (
        f"{len(split_clusters)} of {len(splits)} internal clusters are split by the outside data"
        + (f" ({', '.join(split_clusters)})" if split_clusters else "")
        + f"; {tested} could be tested"
    )


def _test(stores: CategoryStores, number: int, floor: int, seed: int, permutations: int) -> Split:
    members = np.flatnonzero((stores.internal == number) & stores.in_both)
    labels, sizes = np.unique(stores.external[members], return_counts=True)
    children = [int(label) for label in labels[sizes >= max(floor, 2)]]
    if len(children) < 2:
        return Split(number, children, np.nan, np.nan)
    tested = members[np.isin(stores.external[members], children)]
    position = np.searchsorted(children, stores.external[tested])
    rows = centred(stores.internal_features[tested])
    observed = float(held_out_gain(rows, position[None], len(children))[0])
    if observed <= 0.0:
        return Split(number, children, observed, np.nan)
    random = np.random.default_rng([seed, _PERMUTATIONS_STREAM, number])
    blocks = permuted_within(np.zeros(len(tested), dtype=np.int64), position, permutations, random)
    gains = np.concatenate([held_out_gain(rows, block, len(children)) for block in blocks])
    return Split(number, children, observed, p_value(observed, gains))


def held_out_gain(rows: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """The share of the squared error of leave-one-out means [1]_ that disappears when each cluster has its own mean.

    A row is predicted by the mean of the other rows of its cluster, and by the mean of all other rows. Leaving a row out of
    the mean of m rows makes its error m / (m - 1) times as large, so nothing must be fitted again.

    Parameters
    ----------
    rows : (n, d) with mean zero; n >= 2
    labels : (b, n) labellings from 0, each cluster of at least two rows
    k : the number of clusters

    Returns
    -------
    (b,) 1 - error of the clusters' means / error of the common mean, at most 1; 0 if nothing varies.

    References
    ----------
    .. [1] M. Stone, "Cross-validatory choice and assessment of statistical predictions", J. R. Stat. Soc. B 36, 1974.
    """
    n = len(rows)
    squares = np.square(rows).sum(axis=1)
    whole = float(squares.sum()) * (n / (n - 1)) ** 2
    if whole == 0.0:
        return np.zeros(len(labels))
    error = np.zeros(len(labels))
    for number in range(k):
        members = (labels == number).astype(np.float64)
        sizes = members.sum(axis=1)
        within = members @ squares - np.square(members @ rows).sum(axis=1) / sizes
        error += within * (sizes / (sizes - 1.0)) ** 2
    gains: NDArray[np.float64] = 1.0 - error / whole
    return gains


def _within(
    space: NDArray[np.float64],
    cell: NDArray[np.int64],
    internal: NDArray[np.int64],
    external: NDArray[np.int64],
    splits: list[Split],
) -> Repair:
    """Dissolve the parts below the floor of split clusters into the children, smallest first."""
    cell = cell.copy()
    sizes = np.bincount(cell, minlength=len(internal))
    dissolved: list[int] = []
    moves: list[Move] = []
    for split in splits:
        parts = [int(part) for part in np.flatnonzero((internal == split.internal) & (external > 0))]
        children = [part for part in parts if external[part] in split.children]
        for part in sorted(set(parts) - set(children), key=lambda part: (sizes[part], part)):
            dissolved.append(part)
            moves += dissolve(space, cell, part, children)
    return Repair(cell, dissolved, moves)
