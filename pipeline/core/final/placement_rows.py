"""Check the rows of the placements by hand, each on its own: one wrong row refuses all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from pipeline.errors import RawDataError
from pipeline.settings import OverridesSource

_KEY = ["store_id", "category"]
_LARGEST = 2**53  # up to here a float holds every whole number


def check(*, rows: pd.DataFrame, settings: OverridesSource | None) -> dict[str, pd.DataFrame]:
    """The placements as the table overrides, if no row is wrong.

    Parameters
    ----------
    rows : as `engine.overrides.gather` returns them, in any order
    settings : `[sources.overrides]`; None if it is not set, and `rows` is empty then

    Returns
    -------
    overrides, as in `pipeline.schema`.

    Raises
    ------
    RawDataError : the lines of `faults`
    """
    wrong = [f"{settings.path if settings else ''}: {fault}" for fault in faults(rows)]
    if wrong:
        raise RawDataError(*wrong)
    placements = rows[[*_KEY, "cluster", "reason"]].sort_values(_KEY, ignore_index=True)
    return {"overrides": placements.astype({"cluster": "int64"})}


def faults(rows: pd.DataFrame) -> Iterator[str]:
    """The faults of the rows: one line each, in order of store and category.

    A row needs a store, a category, a whole number from 1 as its cluster, and a reason. A store and category has one row.
    """
    counts = Counter(zip(rows["store_id"], rows["category"], strict=True))
    reported: set[tuple[str, str]] = set()
    for row in sorted(rows.itertuples(index=False), key=lambda row: tuple(str(cell or "") for cell in row)):
        wrong = [f"no {name}" for name in (*_KEY, "reason") if getattr(row, name) is None]
        if not (1 <= row.cluster <= _LARGEST and float(row.cluster).is_integer()):
            text = "no cluster" if row.cluster_text is None else f"cluster {row.cluster_text!r}"
            wrong.append(f"{text}, but a whole number from 1 is needed")
        if wrong:
            yield f"{row_name(row.store_id, row.category)}: {'; '.join(wrong)}; correct the row, or remove it"
        pair = (row.store_id, row.category)
        if None not in pair and counts[pair] > 1 and pair not in reported:
            reported.add(pair)
            yield f"{row_name(*pair)}: has {counts[pair]} rows; leave one of them"


def row_name(store: str | None, category: str | None) -> str:
    """The row of a placement, for messages."""
    parts = [f"store {store!r}"] if store is not None else []
    parts += [f"category {category!r}"] if category is not None else []
    return ", ".join(parts) or "a row without store and category"
