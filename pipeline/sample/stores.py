"""The planted cluster of each store, and the special stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sample.planted import CATEGORIES, NONE, OUTLIER, OUTSIDE, OUTSIDE_SHARES, Category

_ONE_SIDED = 2  # stores only in the outside data, and as many only in the sales
_OUTLIER_SHARE = 0.015  # of the stores, in each category and in the outside data; at least one store


@dataclass(frozen=True)
class Stores:
    """The n stores.

    `outside` (n,) is each store's outside cluster; `inside` has an array (n,) per category, in the order of `CATEGORIES`. Numbers
    start at 1; OUTLIER and NONE are below. `returning` is the store with almost only returns in the last category.
    """

    ids: NDArray[np.object_]
    outside: NDArray[np.int64]
    inside: tuple[NDArray[np.int64], ...]
    returning: int

    def truth(self) -> pd.DataFrame:
        """The planted clusters: store_id, category, cluster; a row for each store that has a cluster.

        The returning store has no cluster in its category: it has no sales mix there.
        """
        last = self.inside[-1].copy()
        last[self.returning] = NONE
        names = [*(category.name for category in CATEGORIES), OUTSIDE]
        sides = zip(names, (*self.inside[:-1], last, self.outside), strict=True)
        parts = [
            pd.DataFrame({"store_id": self.ids[own != NONE], "category": name, "cluster": own[own != NONE]})
            for name, own in sides
        ]
        truth = pd.concat(parts, ignore_index=True).astype({"cluster": np.int64})
        return truth.sort_values(["store_id", "category"], ignore_index=True)


def stores(count: int, random: np.random.Generator) -> Stores:
    """Draw the clusters of `count` stores, at least 20."""
    order = random.permutation(count)
    only_outside, both = order[:_ONE_SIDED], order[2 * _ONE_SIDED :]  # the stores between them are only in the sales
    returning, others = both[0], both[1:]
    few = max(1, round(_OUTLIER_SHARE * count))
    outside = np.full(count, NONE, dtype=np.int64)
    has_outside = np.concatenate([only_outside, both])
    outside[has_outside] = _partition(len(has_outside), OUTSIDE_SHARES, random)
    outside[random.choice(others, few, replace=False)] = OUTLIER
    inside = tuple(_inside(category, outside, only_outside, random) for category in CATEGORIES)
    for own in inside:
        largest = others[own[others] == 1]
        own[random.choice(largest, min(few, len(largest)), replace=False)] = OUTLIER
    width = len(str(count))
    ids = np.array([f"S{number:0{width}d}" for number in range(1, count + 1)], dtype=object)
    return Stores(ids, outside, inside, int(returning))


def _inside(
    category: Category, outside: NDArray[np.int64], only_outside: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """A category's clusters, drawn within each outside cluster; stores without one are drawn as those of the first."""
    clusters = np.full(len(outside), NONE, dtype=np.int64)
    sells = np.ones(len(outside), dtype=bool)
    sells[only_outside] = False
    rows = np.clip(outside, 1, len(OUTSIDE_SHARES))
    for row, shares in enumerate(category.shares, start=1):
        members = np.flatnonzero(sells & (rows == row))
        clusters[members] = _partition(len(members), shares, random)
    return clusters


def _partition(count: int, shares: Sequence[float], random: np.random.Generator) -> NDArray[np.int64]:
    """Clusters from 1 in random order, in these shares by largest remainder."""
    exact = np.asarray(shares) * count
    sizes = np.floor(exact + 1e-9).astype(np.int64)
    sizes[np.argsort(sizes - exact, kind="stable")[: count - int(sizes.sum())]] += 1
    return random.permutation(np.repeat(np.arange(1, len(sizes) + 1), sizes))
