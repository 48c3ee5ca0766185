"""What a load changed: stores in other clusters, and categories that came or went, in one line."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from pipeline.core.between_runs.compare import compare
from pipeline.duck import safe_settings
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
    was, now = (None if path is None else _clusters(path) for path in (before, after))
    if was is None or now is None:
        return "changed: nothing to compare with, no earlier result can be read"
    return f"changed: {'; '.join(_parts(was, now)) or 'no store is in another cluster than before'}"


def _clusters(path: Path) -> pd.DataFrame | None:
    try:
        with duckdb.connect(str(path), read_only=True, config=safe_settings.READER) as connection:
            clusters: pd.DataFrame = connection.execute("SELECT store_id, category, cluster FROM store_clusters").df()
    except duckdb.Error:
        return None
    return clusters[clusters["category"] != NO_CATEGORY]


def _parts(was: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    agreement = compare(was, now)["agreement"]
    common, moved = int(agreement["stores"].sum()), int(agreement["moved"].sum())
    parts = []
    if moved:
        where = agreement[agreement["moved"] > 0].sort_values(["moved", "category"], ascending=[False, True])
        names = [f"{name} {count}" for name, count in zip(where["category"], where["moved"], strict=True)]
        parts.append(
            f"{counted(moved, 'store is', 'stores are')} in another cluster than before, of {common:,} over all categories ({listed(names, _NAMED)})"
        )
    for words, names in (
        ("new", sorted({*now["category"]} - {*was["category"]})),
        ("gone", sorted({*was["category"]} - {*now["category"]})),
    ):
        if names:
            parts.append(f"{counted(len(names), 'category', 'categories')} {words} ({listed(names, _NAMED)})")
    return parts
