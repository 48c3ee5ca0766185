"""Stores as points on the plane of the first two principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.statistics.features import wide_table
from pipeline.core.statistics.projection import two_components
from pipeline.report.grids import percent


def placed(features: pd.DataFrame, stores: Sequence[str]) -> dict[str, Any]:
    """The position of each store on the plane of the first two principal components.

    Parameters
    ----------
    features : store_id, feature, value; a row per store and feature
    stores : the stores, in the wanted order

    Returns
    -------
    `x` and `y` in thousandths of the largest coordinate, -1000..1000, None for a store without features; `held`: the percent
    of the variance along each axis.
    """
    wide = wide_table(features, "feature", "value", np.nan)
    coordinates, held = two_components(wide.to_numpy(dtype=np.float64))
    widest = float(np.abs(coordinates).max()) if coordinates.size else 0.0
    scaled = np.rint(coordinates * (1000 / widest) if widest else coordinates).astype(int)
    x, y = (dict(zip(wide.index, axis, strict=True)) for axis in scaled.T.tolist())
    return {
        "x": [x.get(store) for store in stores],
        "y": [y.get(store) for store in stores],
        "held": [percent(share) for share in held],
    }
