"""One category's stores, with what both sides know of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.rules import smallest_size
from pipeline.core.merging.space import block_scaled
from pipeline.schema import NO_CLUSTER as NO_CLUSTER
from pipeline.settings import Merging


class CategoryStores(NamedTuple):
    """The n stores of a category, with what both sides know of them; the external rows of unknown stores are zeros.

    `held_out` (n,): stores that no fit is made of; None where there are none.
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
        """(n,) the stores that fits are made of: all that are not held out; all, where these are all there are."""
        if self.held_out is None or self.held_out.all():
            return np.ones(len(self.store_id), dtype=bool)
        return ~self.held_out

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) which stores the outside data knows."""
        known: NDArray[np.bool_] = self.external != NO_CLUSTER
        return known

    def in_order_of_values(self) -> CategoryStores:
        """The same stores in order of their feature values, so that no name and no row order decides anything.

        Sums differ in their last bits with the order of what is summed. Stores that tie in all values and both
        clusters are interchangeable; their ids order them.
        """
        keys = (*self.external_features.T, *self.internal_features.T, self.external, self.internal)
        by_id = np.argsort(self.store_id, kind="stable")
        order = by_id[np.lexsort([key[by_id] for key in reversed(keys)])]
        return self.taken(order)

    def taken(self, places: NDArray[np.int64]) -> CategoryStores:
        """The stores at these places."""
        return CategoryStores(
            self.category,
            self.store_id[places],
            self.internal[places],
            self.external[places],
            self.internal_features[places],
            self.external_features[places],
            None if self.held_out is None else self.held_out[places],
        )

    def space(self, settings: Merging) -> NDArray[np.float64]:
        """The stores in the block-scaled space (n, p + q)."""
        weights = settings.internal_weight, settings.external_weight
        return block_scaled(self.internal_features, self.external_features, self.known, *weights, self.fitted)


def floor_of(settings: Merging, stores: int) -> int:
    """The least number of stores in a cell of a category with so many stores."""
    return smallest_size(settings, stores)
