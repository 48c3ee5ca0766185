"""One category's stores, with what both sides know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.core.clustering.rules import smallest_size
from pipeline.core.merging.space import block_scaled
from pipeline.settings import Merging

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_CLUSTER = 0  # the external cluster of a store that the outside data does not know: the level `none`


class CategoryStores(NamedTuple):
    """The n stores of a category, with what both sides know of them; the external rows of unknown stores are zeros."""

    category: str
    store_id: NDArray[np.object_]
    internal: NDArray[np.int64]
    external: NDArray[np.int64]
    internal_features: NDArray[np.float64]
    external_features: NDArray[np.float64]

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

    def space(self, settings: Merging) -> NDArray[np.float64]:
        """The stores in the block-scaled space (n, p + q)."""
        weights = settings.internal_weight, settings.external_weight
        return block_scaled(self.internal_features, self.external_features, self.known, *weights)


def floor_of(settings: Merging, stores: int) -> int:
    """The least number of stores in a cell of a category with so many stores."""
    return smallest_size(settings, stores)
