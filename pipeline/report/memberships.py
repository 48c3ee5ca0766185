"""The probability of each cluster for each store, if the algorithm is a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.statistics.features import wide_table

_CERTAIN = 0.995  # rounds to 100 %: such a store needs no line


def likely(memberships: pd.DataFrame, stores: Sequence[str]) -> dict[str, Any] | None:
    """The stores between clusters.

    Parameters
    ----------
    memberships : store_id, cluster, probability; a row per store and cluster
    stores : the stores, in the wanted order

    Returns
    -------
    `clusters`: their numbers. `percent`: per store, a list in the order of the clusters; None for a store that is certain, or
    has no memberships. None if there are no memberships at all.
    """
    if memberships.empty:
        return None
    wide = wide_table(memberships, "cluster", "probability", 0.0)
    wide = wide[wide.max(axis=1) < _CERTAIN]
    percents = np.rint(100 * wide.to_numpy()).astype(int).tolist()
    rows = dict(zip(wide.index, percents, strict=True))
    return {"clusters": [int(number) for number in wide.columns], "percent": [rows.get(store) for store in stores]}
