"""Stores that the settings name: closed ones, and those that are held out of every fit."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.settings.per_category import key

CLOSED = "closed"  # the reason why such a store is excluded


def keys(names: Collection[str]) -> list[str]:
    """The names as the keys of the data are written, each once."""
    return sorted({key(name) for name in names})


def to_fit(stores: pd.Index | pd.Series, held_out: Collection[str]) -> NDArray[np.bool_]:
    """Which of these stores (n,) a fit is made of: all but those held out; where these are all there are, all."""
    fitted: NDArray[np.bool_] = ~stores.isin(keys(held_out))
    return fitted if fitted.any() else ~fitted
