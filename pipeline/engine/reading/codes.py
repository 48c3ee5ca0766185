"""Columns of numbers that are not amounts: codes of formats and regions, and row numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd

from pipeline.wording import quoted

_NAMED = frozenset(
    [
        "format",
        "formats",
        "type",
        "typ",
        "types",
        "code",
        "codes",
        "cd",
        "cluster",
        "clusters",
        "region",
        "regions",
        "zone",
        "zones",
        "district",
        "districts",
        "area",
        "areas",
        "class",
        "classe",
        "klasse",
        "group",
        "grp",
        "gruppe",
        "groupe",
        "segment",
        "segments",
        "category",
        "cat",
        "kategorie",
        "banner",
        "brand",
        "chain",
        "state",
        "county",
        "country",
        "kz",
        "art",
        "sorte",
        "kind",
        "layout",
        "concept",
        "konzept",
        "division",
        "territory",
        "bezirk",
        "gebiet",
        "bundesland",
        "department",
        "dept",
    ]
)
_MOST = 30  # distinct codes
_FEWEST = 3  # distinct codes; of two a column is a flag
_REPEATED = 2  # stores per code, on average
_STEP = 5  # whole numbers that are all multiples of this many, and few, are codes, or measures that somebody rounded
_YEARS = (1900, 2100)


def doubts(features: pd.DataFrame, setting: str, *, ask: bool) -> list[str]:
    """Return a line for each column of numbers that behaves like codes, or like row numbers.

    Parameters
    ----------
    features : store x feature, sorted by store
    setting : the table of the config that they are of
    ask : whether codes are doubted; not where the config says which columns are
    """
    doubts = []
    for name in features.columns:
        values = features[name].dropna()
        if not pd.api.types.is_numeric_dtype(features[name]) or values.empty:
            continue
        numbers = values.to_numpy("float64")
        if not np.array_equal(numbers, np.floor(numbers)):
            continue
        if counts_rows(numbers):
            doubts.append(
                f"column {quoted(name)} counts the rows, from {numbers[0]:g} to {numbers[-1]:g}: see whether it measures something, or "
                f"name it in ignore of [{setting}]"
            )
        elif ask and are_codes(name, numbers):
            shown = ", ".join(f"{number:g}" for number in np.unique(numbers)[:4])
            doubts.append(
                f"column {quoted(name)} has whole numbers that look like codes, such as {shown}, and is measured as a number: set "
                f'categorical = ["{name}"] in [{setting}] where they are codes, or categorical = [] where no column is'
            )
    return doubts


def counts_rows(numbers: np.ndarray) -> bool:
    """Return whether numbers, in the order of the stores, are 0, 1, 2, ... or 1, 2, 3, ..."""
    return len(numbers) >= 2 * _FEWEST and bool((np.diff(numbers) == 1).all()) and numbers[0] in (0, 1)


def are_codes(name: str, numbers: np.ndarray) -> bool:
    """Return whether whole numbers behave like codes: few, repeated, and named as codes are, or far apart in steps of their own."""
    distinct = np.unique(numbers)
    if not _FEWEST <= len(distinct) <= _MOST or len(numbers) < _REPEATED * len(distinct):
        return False
    if _YEARS[0] <= distinct[0] <= distinct[-1] <= _YEARS[1]:
        return False
    last = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    if _NAMED & set(last):
        return True
    return math.gcd(*(int(number) for number in distinct if abs(number) < 2**53)) >= _STEP
