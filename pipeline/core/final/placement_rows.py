"""The rows of the overrides, each checked on its own: one that is wrong refuses them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from pipeline.errors import RawDataError
from pipeline.settings import OverridesSource

_KEY = ["store_id", "category"]
_LARGEST = 2**53  # up to here a float holds every whole number


def check(*, rows: pd.DataFrame, settings: OverridesSource | None) -> dict[str, pd.DataFrame]:
    """The overrides as a table, where nothing is wrong with any of them.

    Parameters
    ----------
    rows : as `engine.overrides.gather` returns them, in any order
    settings : `[sources.overrides]`; None without it, and `rows` has none

    Returns
    -------
    overrides, as in `pipeline.schema`.

    Raises
    ------
    RawDataError : one line per row that is wrong, as `faults` says
    """
    wrong = [f"{settings.path if settings else ''}: {fault}" for fault in faults(rows)]
    if wrong:
        raise RawDataError(*wrong)
    found = rows[[*_KEY, "cluster", "reason"]].sort_values(_KEY, ignore_index=True)
    return {"overrides": found.astype({"cluster": "int64"})}


def faults(rows: pd.DataFrame) -> Iterator[str]:
    """What is wrong with the rows: a line for each, in order of store and category.

    A row needs a store, a category, a whole number from 1 as its cluster, and a reason; and it is the only one of its
    store and category.
    """
    counts = Counter(zip(rows["store_id"], rows["category"], strict=True))
    told: set[tuple[str, str]] = set()
    for row in sorted(rows.itertuples(index=False), key=lambda row: tuple(str(cell or "") for cell in row)):
        wrong = [f"no {name}" for name in (*_KEY, "reason") if getattr(row, name) is None]
        if not (1 <= row.cluster <= _LARGEST and float(row.cluster).is_integer()):
            text = "no cluster" if row.cluster_text is None else f"cluster {row.cluster_text!r}"
            wrong.append(f"{text}, where a whole number from 1 is needed")
        if wrong:
            yield f"{said(row.store_id, row.category)}: {'; '.join(wrong)}; correct the row, or remove it"
        pair = (row.store_id, row.category)
        if None not in pair and counts[pair] > 1 and pair not in told:
            told.add(pair)
            yield f"{said(*pair)}: stands {counts[pair]} times; leave one row"


def said(store: str | None, category: str | None) -> str:
    """The row of an override, as messages name it."""
    known = [f"store {store!r}"] if store is not None else []
    known += [f"category {category!r}"] if category is not None else []
    return ", ".join(known) or "a row without store and category"
