"""Stores named in the settings: closed stores, and stores held out of every fit."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.settings.keys import normal

CLOSED = "closed"  # the reason for excluding such a store


def keys(names: Collection[str]) -> list[str]:
    """The names as keys of the data, each once."""
    return sorted({normal(name) for name in names})


def to_fit(stores: pd.Index | pd.Series, held_out: Collection[str]) -> NDArray[np.bool_]:
    """Which of these stores (n,) a fit uses: all but held-out stores; all, if all are held out."""
    fitted: NDArray[np.bool_] = ~stores.isin(keys(held_out))
    return fitted if fitted.any() else ~fitted
