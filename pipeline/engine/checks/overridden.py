"""The overrides looked at: each row, and whether the sources have the stores and categories that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from pipeline.core.final.placement_rows import faults, row_name
from pipeline.engine import overrides
from pipeline.engine.checks import sales, schemas
from pipeline.engine.checks.findings import Findings, SourceSeen
from pipeline.engine.checks.outside import OutsideSeen
from pipeline.engine.checks.sales import SalesSeen
from pipeline.engine.checks.schemas import Wanted
from pipeline.engine.connections import rows
from pipeline.engine.reading.raw import reading_source
from pipeline.engine.reading.source import Source
from pipeline.wording import with_nearest

NAME = "overrides"


@dataclass(frozen=True)
class OverridesSeen:
    """The overrides as they were found; `frame` has the rows, None where they cannot be read."""

    seen: SourceSeen
    frame: pd.DataFrame | None = None


def look(connection: duckdb.DuckDBPyConnection, source: Source, findings: Findings) -> OverridesSeen:
    """Look at the overrides, each row on its own."""
    files = source.files
    source, raw_scans = schemas.readable(connection, NAME, source, findings)
    if not raw_scans:
        return OverridesSeen(SourceSeen(NAME, files))
    names = overrides.names(source)
    fitted = schemas.fit(
        NAME, source, raw_scans, [Wanted(use, name, is_key=True) for use, name in names.items()], findings
    )
    frame = None
    if fitted.has(*names):
        with findings.attempt(NAME), reading_source(source):
            overrides.load(connection, fitted.scans, names)
            frame = overrides.rows(connection)
    nulls = None
    if frame is None:
        findings.skip(NAME, "values, until its rows can be read")
    else:
        for fault in faults(frame):
            findings.error(NAME, f"{source.title}: {fault}")
        as_read = {"cluster": "cluster_text"}
        nulls = {use: int(frame[as_read.get(use, use)].isna().sum()) for use in names}
    seen_columns = [
        schemas.column(fitted.raw_scans, name, use, nulls, unfit=not fitted.has(use)) for use, name in names.items()
    ]
    unused = schemas.unused(fitted.raw_scans, list(names.values()))
    return OverridesSeen(
        SourceSeen(NAME, files, None if frame is None else len(frame), tuple(seen_columns), unused), frame
    )


def say_unknown(
    connection: duckdb.DuckDBPyConnection,
    by_hand: OverridesSeen,
    sold: SalesSeen,
    outside: Sequence[OutsideSeen],
    findings: Findings,
    *,
    has_reference: bool,
) -> None:
    """Say which stores and categories no source has, as the run would; only the run knows which clusters there are."""
    if by_hand.frame is None or by_hand.frame.empty:
        return
    if not has_reference:
        findings.doubt(
            NAME,
            "merging.reference names no pin, so that the clusters' numbers may change with the data, and these rows mean "
            "others: pin the result that they were written for, and name the pin there",
        )
    categories = [str(name) for name in sales.stores_by_category(connection)] if sold.has("category") else None
    for category in sorted({str(name) for name in by_hand.frame["category"] if name is not None}):
        if categories is not None and category not in categories:
            findings.error(NAME, f"category {with_nearest(category, categories)} is none of the sales' chosen ones")
    if not sold.has("store_id") or not all(each.table for each in outside):
        findings.skip(NAME, "which of its stores no source has, until all of them can be read")
        return
    stores = {str(key) for (key,) in rows(connection, "SELECT DISTINCT key FROM keys_seen WHERE kind = 'store'")}
    pairs = zip(by_hand.frame["store_id"], by_hand.frame["category"], strict=True)
    for store, category in pairs:
        if store is not None and store not in stores:
            findings.error(NAME, f"{row_name(store, category)}: neither the sales nor the outside data have the store")
