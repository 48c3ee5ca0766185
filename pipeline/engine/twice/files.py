"""Sales that stand in two files or sheets: as a copy in another format, or because exports overlap."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import create, rows
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.source import Source
from pipeline.engine.twice.periods import are_alike, as_key, period_of, unit_of

_SAMPLE = 50_000  # sums that are compared; of more, those of some keys
_FEWEST = 10  # sums in both, below which they may be alike by chance
_SAME = 0.8  # of the sums in both files are equal where the same weeks stand in both
_SAME_WITHOUT_WEEKS = 0.95
_SHOWN = 3  # pairs of files
_ROUNDING = 1e-6  # of a total; sums of rounded amounts are a little off


def in_two_files(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], row_count: int
) -> list[str]:
    """Return doubts of files, or sheets, that hold the same sales: as a copy in another format, or because exports overlap.

    Compared are sums per store, SKU, category and week: in a file of the same weeks nearly all are equal; in one of other weeks, or of
    other days of a week, few are. Without weeks they are the sums per store, SKU and category.
    """
    units = [(scan, path) for scan in raw_scans for path in scan.files]
    if len(units) < 2:
        return []
    period = period_of(connection, source, raw_scans)
    if period and row_count > _SAMPLE and not _share_weeks(connection, raw_scans, period):
        return []
    _make_unit_sums(connection, source, raw_scans, period, max(1, row_count // _SAMPLE))
    pairs = rows(
        connection,
        "SELECT a.unit, b.unit, COUNT(*), COUNT(*) FILTER (WHERE ABS(a.amount - b.amount) < 0.005), MIN(a.example) "
        "FROM unit_sums a JOIN unit_sums b ON a.key = b.key AND a.unit < b.unit "
        "WHERE a.amount <> 0 OR b.amount <> 0 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    )
    sizes = dict(rows(connection, "SELECT unit, COUNT(*) FROM unit_sums GROUP BY 1"))
    total = _total_unit(connection, len(units))
    connection.execute("DROP TABLE unit_sums")
    limit = _SAME if period else _SAME_WITHOUT_WEEKS
    what = "store, SKU, category and week" if period else "store, SKU and category"
    alike = [
        f"{first} and {second}: the same sales stand in both: {same:,} of the {common:,} sums per {what} that are in both are equal, such as "
        f"{example}: they count twice; remove one of them, or narrow path in [{source.setting}]"
        for first, second, common, same, example in pairs
        if same >= limit * common
        and common >= min(_FEWEST, sizes[first], sizes[second])
        and not _is_copy(first, second)
    ]
    more = (
        [f"{source.title}: {len(alike) - _SHOWN} more pairs of files hold the same sales"]
        if len(alike) > _SHOWN
        else []
    )
    return [
        *alike[:_SHOWN],
        *more,
        *(
            f"{unit}: its sales are those of all the others together: they count twice; remove it, or narrow path in [{source.setting}]"
            for unit in total
        ),
    ]


def _is_copy(first: str, second: str) -> bool:
    """Return whether two files are equal byte for byte, which another check reports."""
    return os.path.isfile(first) and os.path.isfile(second) and filecmp.cmp(first, second, shallow=False)  # noqa: PTH113


def _make_unit_sums(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], period: str, every: int
) -> None:
    """Make `unit_sums`: unit, key, amount, example; for one in `every` keys."""
    names = [source.names[use] for use in ("store_id", "sku_id", "category")] + ([period] if period else [])
    named = [name for name in names if all(scan.has(name) for scan in raw_scans)]
    alike = are_alike(raw_scans, named)
    selects = []
    for scan in raw_scans:
        parts = [scan[name].sql if alike else as_key(scan[name]) for name in named]
        texts = [f"COALESCE(CAST(MIN({part}) AS VARCHAR), '')" for part in parts]
        hashed = f"HASH({', '.join(parts)})"
        example = " || ', ' || ".join(
            f"{literal(label)} || {text}"
            for label, text in zip(("store ", "SKU ", "category ", "week "), texts, strict=False)
        )
        where = f" WHERE {hashed} % {every} = 0" if every > 1 else ""
        value = scan[source.names["sales_value"]].number
        selects.append(
            f"SELECT {unit_of(scan)} AS unit, {hashed} AS key, SUM({value}) AS amount, {example} AS example FROM {scan.sql}"
            f"{where} GROUP BY 1, 2"
        )
    create(
        connection,
        "unit_sums",
        "SELECT unit, key, SUM(amount) AS amount, MIN(example) AS example FROM "
        f"({' UNION ALL '.join(selects)}) u GROUP BY 1, 2",
    )


def _share_weeks(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], period: str) -> bool:
    """Return whether two files, or sheets, have a week in common."""
    alike = are_alike(raw_scans, [period])
    selects = [
        f"SELECT {unit_of(scan)} AS unit, {scan[period].sql if alike else as_key(scan[period])} AS week FROM {scan.sql} GROUP BY 1, 2"
        for scan in raw_scans
    ]
    query = f"SELECT 1 FROM ({' UNION ALL '.join(selects)}) u GROUP BY week HAVING COUNT(DISTINCT unit) > 1 LIMIT 1"
    return bool(rows(connection, query))


def _total_unit(connection: duckdb.DuckDBPyConnection, units: int) -> list[str]:
    """Return the file or sheet that is the total of all others, if there is one."""
    if units < 3:
        return []
    sums = rows(connection, "SELECT unit, SUM(amount) FROM unit_sums GROUP BY 1")
    total = sum(amount for _, amount in sums)
    return [
        unit for unit, amount in sums if total and len(sums) > 2 and abs(2 * amount - total) <= _ROUNDING * abs(total)
    ]
