"""Rows that stand several times in one file: appended once more, all of them or those of a period or a store."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import create, row, rows
from pipeline.engine.reading import folders
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.source import Source
from pipeline.engine.twice.periods import are_alike, as_key, period_of
from pipeline.wording import listed, quoted

_SAMPLE = 4_000  # sums of a store, SKU and category whose rows are looked at; of more, those of some stores
_FEWEST = 10  # different rows, below which they may stand an even number of times by chance
_TIMES = {2: "twice", 3: "three times"}  # how often rows may have been appended
_SHARE = 0.98  # of the different rows of a part stand so often, or a multiple of it
_SHOWN = 3


def repeated(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan]) -> list[str]:
    """Return doubts of files in which nearly every row of a period, of a store, or of all stands twice, or three times.

    Rows are alike that have the same store, SKU, category, period and amount. In sales by receipt some are, and stand as often as it
    happens; only where nearly all stand an even number of times, or a multiple of three, were they appended. Rows of nothing do not count.
    The tables `store_names` and `sums` must exist.
    """
    if not all(scan.has(source.names["store_id"]) for scan in raw_scans):
        return []
    period = period_of(connection, source, raw_scans)
    _make_row_times(connection, source, raw_scans, period)
    multiples = ", ".join(f"COUNT(*) FILTER (WHERE times % {times} = 0)" for times in _TIMES)
    groups = rows(
        connection,
        f"SELECT unit, week, store, COUNT(*), {multiples} FROM row_times GROUP BY GROUPING SETS ((unit), (unit, week), (unit, store)) "
        "ORDER BY unit, week NULLS FIRST, store NULLS FIRST",
    )
    connection.execute("DROP TABLE row_times")
    parts: dict[tuple[str, int], dict[str, list[str]]] = {}
    for unit, week, store, different, *counts in groups:
        often = [
            times
            for times, count in zip(_TIMES, counts, strict=True)
            if different >= _FEWEST and count >= _SHARE * different
        ]
        if often:
            kind = "period" if week is not None else "store" if store is not None else "all"
            parts.setdefault((unit, max(often)), {}).setdefault(kind, []).append(str(week or store))
    paths = [path for scan in raw_scans for path in scan.files if len(scan.files) > 1]
    return [
        f"{next((path for path in paths if unit.endswith(path)), unit)}: {_of(repeats, period, source.names['store_id'])} stands "
        f"{_TIMES[times]}: its sales count {_TIMES[times]}; remove the rows that were appended once more"
        for (unit, times), repeats in parts.items()
    ]


def _make_row_times(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], period: str
) -> None:
    """Make `row_times`: unit, week, store, key, amount and how often such a row stands there; for the rows of some stores."""
    store = source.names["store_id"]
    named = [name for use in ("sku_id", "category") if all(scan.has(name := source.names[use]) for scan in raw_scans)]
    are_same = are_alike(raw_scans, [store, *named])
    is_same_week = bool(period) and are_alike(raw_scans, [period])
    stores, sums = row(connection, "SELECT (SELECT COUNT(DISTINCT name) FROM store_names), COUNT(*) FROM sums")
    some = max(1, -(-stores * _SAMPLE // max(sums, 1)))
    create(
        connection,
        "some_stores",
        "SELECT raw_key, name FROM store_names WHERE name IN (SELECT name FROM (SELECT DISTINCT name FROM store_names) d "
        f"ORDER BY HASH(name), name LIMIT {some})",
    )
    selects = []
    for scan in raw_scans:
        key = scan[store].sql if are_same else scan[store].key
        others = ", ".join(scan[name].sql if are_same else as_key(scan[name]) for name in named)
        week = (scan[period].sql if is_same_week else as_key(scan[period])) if period else "''"
        value = scan[source.names["sales_value"]].number
        selects.append(
            f"SELECT {_unit(scan)} AS unit, {week} AS week, {key} AS raw_key, HASH({others or key}) AS key, {value} AS amount "
            f"FROM {scan.sql} WHERE {key} IN (SELECT raw_key FROM some_stores)"
        )
    create(
        connection,
        "row_times",
        f"SELECT unit, COALESCE(CAST(week AS VARCHAR), '') AS week, n.name AS store, key, amount, COUNT(*) AS times FROM ({' UNION ALL '.join(selects)}) r "
        "JOIN some_stores n ON n.raw_key = r.raw_key WHERE amount <> 0 GROUP BY ALL",
    )
    connection.execute("DROP TABLE some_stores")


def _unit(scan: Scan) -> str:
    """Return the SQL of what a row is from: its sheet or file, or of several files the path as DuckDB gives it, which ends with the file's."""
    return literal(scan.title) if len(scan.files) == 1 else identifier(folders.FILE)


def _of(parts: dict[str, list[str]], period: str, store: str) -> str:
    """Return which rows: all, those of some periods, or those of some stores."""
    if "all" in parts:
        return "nearly every row"
    kind, column = ("period", period) if "period" in parts else ("store", store)
    return f"nearly every row of {listed([quoted(part) for part in parts[kind]], _SHOWN)} in column '{column}'"
