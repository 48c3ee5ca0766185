"""One category's stores, with their clusters and features on both sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.rules import smallest_size
from pipeline.core.merging.space import balanced, block_scaled
from pipeline.schema import NO_CLUSTER as NO_CLUSTER
from pipeline.settings import Merging


class CategoryStores(NamedTuple):
    """The n stores of a category, with their data on both sides; stores without outside data have zeros there.

    `held_out` (n,): stores that no fit uses; None if there are none.
    """

    category: str
    store_id: NDArray[np.object_]
    internal: NDArray[np.int64]
    external: NDArray[np.int64]
    internal_features: NDArray[np.float64]
    external_features: NDArray[np.float64]
    held_out: NDArray[np.bool_] | None = None

    @property
    def fitted(self) -> NDArray[np.bool_]:
        """(n,) the stores that fits use: those not held out; all stores if all are held out."""
        if self.held_out is None or self.held_out.all():
            return np.ones(len(self.store_id), dtype=bool)
        return ~self.held_out

    @property
    def in_both(self) -> NDArray[np.bool_]:
        """(n,) the stores that the outside data has, too."""
        in_both: NDArray[np.bool_] = self.external != NO_CLUSTER
        return in_both

    def in_order_of_values(self) -> CategoryStores:
        """The same stores in order of their feature values, so that results depend on no name and no row order.

        The last bits of a sum depend on the order of its terms. Stores with equal values and clusters are interchangeable
        and ordered by their ids.
        """
        keys = (*self.external_features.T, *self.internal_features.T, self.external, self.internal)
        by_id = np.argsort(self.store_id, kind="stable")
        order = by_id[np.lexsort([key[by_id] for key in reversed(keys)])]
        return self.taken(order)

    def taken(self, positions: NDArray[np.int64]) -> CategoryStores:
        """The stores at these positions."""
        return CategoryStores(
            self.category,
            self.store_id[positions],
            self.internal[positions],
            self.external[positions],
            self.internal_features[positions],
            self.external_features[positions],
            None if self.held_out is None else self.held_out[positions],
        )

    def space(self, settings: Merging) -> NDArray[np.float64]:
        """The stores in the block-scaled space (n, p + q)."""
        weights = settings.internal_weight, settings.external_weight
        return block_scaled(self.internal_features, self.external_features, self.in_both, *weights, self.fitted)

    def internal_space(self) -> NDArray[np.float64]:
        """The stores by their sales mix alone (n, p): its block of the space, with weight 1."""
        return balanced(self.internal_features, 1.0, self.fitted)


def floor_of(settings: Merging, stores: int) -> int:
    """The least number of stores in a cell, for a category with `stores` stores."""
    return smallest_size(settings, stores)
