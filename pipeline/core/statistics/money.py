"""Sums of cents that lose nothing, also where amounts have parts of a cent and a frame holds them as floats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.schema import CENT_PARTS

LEAST = 0.5 / CENT_PARTS  # cents; what is less is noise of the arithmetic, and no amount


def totals(cents: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
    """The exact sum of each group, sorted by the keys.

    Parameters
    ----------
    cents : whole numbers, or floats with at most four decimals
    keys : what to group by, as long as `cents`

    Returns
    -------
    By key the sum, of the type of `cents`; empty without rows.
    """
    if not pd.api.types.is_float_dtype(cents):
        return cents.groupby(list(keys), sort=True).sum()
    whole = np.trunc(cents)
    parts = ((cents - whole) * CENT_PARTS).round()
    sums = (whole.astype("int64") * CENT_PARTS + parts.astype("int64")).groupby(list(keys), sort=True).sum()
    size = sums.abs()
    return np.sign(sums) * (size // CENT_PARTS + size % CENT_PARTS / CENT_PARTS)
