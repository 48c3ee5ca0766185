"""What a load changed: stores in other clusters, and categories that came or went, in one line."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipeline.core.between_runs.compare import OVERRIDDEN, by_hand, compare
from pipeline.duck import opening
from pipeline.schema import NO_CATEGORY
from pipeline.wording import counted, listed

_NAMED = 3  # categories named; further ones are counted


def of_databases(before: Path | None, after: Path) -> str:
    """How the final clusters of a database differ from those of the previous one; both are opened read-only.

    Parameters
    ----------
    before : the database of the previous load; None if there is none
    after : the database just loaded

    Returns
    -------
    One line. Clusters are matched first, so another number alone is no change.
    """
    if before is None:
        return "changed: nothing to compare with, this is the first result"
    was, now = (_clusters(path) for path in (before, after))
    if was is None or now is None:
        return "changed: nothing to compare with, the earlier database cannot be read"
    return f"changed: {'; '.join(_parts(was, now)) or 'no store is in another cluster than before'}"


def _clusters(path: Path) -> pd.DataFrame | None:
    try:
        with opening.for_reading(path) as connection:
            columns = [name for name, *_ in connection.execute("DESCRIBE store_clusters").fetchall()]
            wanted = [name for name in ("store_id", "category", "cluster", OVERRIDDEN) if name in columns]
            clusters: pd.DataFrame = connection.execute(f"SELECT {', '.join(wanted)} FROM store_clusters").df()  # noqa: S608  # names of ours
    except duckdb.Error:
        return None
    return clusters[clusters["category"] != NO_CATEGORY]


def without(result: pd.DataFrame, pairs: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The rows of a result without these stores and categories."""
    keys = zip(result["store_id"], result["category"], strict=True)
    return result[np.array([pair not in pairs for pair in keys], dtype=bool)]


def _parts(was: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    comparison = compare(was, now)
    agreement, pairs = comparison["agreement"], by_hand(was, now)
    moves = zip(comparison["moves"]["store_id"], comparison["moves"]["category"], strict=True)
    hand = sum(pair in pairs for pair in moves)
    common, moved = int(agreement["stores"].sum()), int(agreement["moved"].sum())
    parts = []
    if moved:
        where = agreement[agreement["moved"] > 0].sort_values(["moved", "category"], ascending=[False, True])
        names = [f"{name} {count}" for name, count in zip(where["category"], where["moved"], strict=True)]
        parts.append(
            f"{counted(moved, 'store is', 'stores are')} in another cluster than before, of {common:,} over all categories ({listed(names, _NAMED)})"
            + (f", {hand:,} of them by hand" if hand else "")
        )
    for words, names in (
        ("new", sorted({*now["category"]} - {*was["category"]})),
        ("gone", sorted({*was["category"]} - {*now["category"]})),
    ):
        if names:
            parts.append(f"{counted(len(names), 'category', 'categories')} {words} ({listed(names, _NAMED)})")
    return parts
