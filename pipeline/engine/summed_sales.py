"""The sales as the table `sums`, one row per store, SKU and category: which columns they are read from, and whether their keys are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from pipeline.config.raw_files import format_of
from pipeline.engine import sums
from pipeline.engine.connections import row
from pipeline.engine.reading import amounts, keys
from pipeline.engine.reading.raw import Source, require, require_keys, scans
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.weeks import SalesWeeks, weeks_of
from pipeline.engine.sales_keys import KEYS, Keyed, keyed
from pipeline.errors import RawDataError, SettingsError
from pipeline.settings import Sources
from pipeline.wording import counted, listed


class SummedSales(NamedTuple):
    """The summed sales.

    `scans` : the files; `weeks` : None where they are not known; `week_doubts` : why not, where a column is named; `is_well` : whether all is well with every row, else `sums` says what
    is not; `by_block` : the columns of sums per block of weeks, none where the weeks are not known; `has_positions` : whether
    `raw_sales` has the weeks; `category_from_map` : whether it has no categories
    """

    scans: list[Scan]
    weeks: SalesWeeks | None
    week_doubts: list[str]
    is_well: bool
    by_block: Sequence[str]
    has_positions: bool
    category_from_map: bool


def sum_sales(
    connection: duckdb.DuckDBPyConnection, source: Source, sources: Sources, last_weeks: int | None
) -> SummedSales:
    """Make `sums`: exact sums per (store_id, sku_id, category)."""
    assert sources.internal_sales is not None  # noqa: S101  # or nothing was read
    columns = sources.internal_sales.columns
    if last_weeks is not None and columns.week is None:
        raise SettingsError(
            f"[internal.preprocessing] last_weeks = {last_weeks} needs to know the week of each sale; set week in "
            "[sources.internal_sales] columns, or remove last_weeks"
        )
    raw_scans = scans(connection, source)
    named = check_columns(source, raw_scans, sources)
    amounts.check_certain(connection, source, raw_scans, columns.sales_value)
    weeks, doubts = _weeks(connection, source, raw_scans, columns.week, is_needed=last_weeks is not None)
    in_window = None if weeks is None or last_weeks is None else weeks.in_last(last_weeks)
    blocks = None if weeks is None else weeks.blocks(last_weeks)
    ready, columns = named.ready(raw_scans, columns)
    positions = None if weeks is None else weeks.positions()
    well = sums.make(connection, ready, columns, in_window, blocks, positions)
    keys.check_precise(
        connection,
        source,
        {table_and_use: named.names[use] for use, table_and_use in sums.NAMES.items() if use in named.names},
    )
    named.finish(connection, source)
    sums.settle(connection)
    if not well:
        check_keys(connection, source, {use: name for use, name in named.names.items() if use in KEYS})
    by_block = sums.BLOCK_MICROS if blocks else ()
    return SummedSales(ready, weeks, doubts, well, by_block, positions is not None, named.category_from_map)


def check_columns(source: Source, raw_scans: Sequence[Scan], sources: Sources) -> Keyed:
    """Check that every scan has keys and amounts, of types that can be such; returned is which columns are the keys.

    Raises
    ------
    RawDataError : a column is missing, or has another type
    """
    assert sources.internal_sales is not None  # noqa: S101  # or nothing was read
    name = sources.internal_sales.columns.sales_value
    named = keyed(raw_scans, sources)
    needed = {**named.names, "sales_value": name}
    require(source, raw_scans, {f"columns.{use}": column for use, column in needed.items()})
    require_keys(source, raw_scans, named.names)
    _require_amounts(source, raw_scans, name)
    return named


def _weeks(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    raw_scans: Sequence[Scan],
    name: str | None,
    *,
    is_needed: bool,
) -> tuple[SalesWeeks | None, list[str]]:
    """The weeks of the sales, None if no column is named or weeks are not needed and some cannot be read; and the doubt about the latter."""
    if name is None:
        return None, []
    try:
        require(source, raw_scans, {"columns.week": name})
        return weeks_of(connection, source, raw_scans, name), []
    except RawDataError as fault:
        if is_needed:
            raise
        return None, [without_weeks(str(fault))]


def without_weeks(fault: str) -> str:
    """The doubt about sales whose weeks cannot be read, of the line that would refuse them if they were needed."""
    return f"{fault.rpartition('; ')[0]}; without it nothing says whether clusters hold; correct it, or remove columns.week"


def _require_amounts(source: Source, raw_scans: Sequence[Scan], name: str) -> None:
    for scan in raw_scans:
        column = scan[name]
        if column.written is None and not keys.is_number(column.type):
            raise RawDataError(
                f"{scan.title}: column '{name}' is of type {column.type}, where sales_value must be a number; write it "
                f"as one, or set columns.sales_value in [{source.setting}]"
            )


def check_keys(connection: duckdb.DuckDBPyConnection, source: Source, names: Mapping[str, str]) -> None:
    """Check that every row of `sums` has its keys; `names`: the raw column by key.

    Raises
    ------
    RawDataError : there are no rows, or some have no value in a column
    """
    counts = row(
        connection,
        "SELECT SUM(row_count), "
        + ", ".join(f"SUM(CASE WHEN {use} IS NULL THEN row_count ELSE 0 END)" for use in names)
        + " FROM sums",
    )
    if not counts[0]:
        raise RawDataError(f"{source.title}: no rows; {source.rewrite}")
    missing = [
        f"{counted(int(count), 'row', 'rows')} without {use} (column '{name}')"
        for (use, name), count in zip(names.items(), counts[1:], strict=True)
        if count
    ]
    if missing:
        raise RawDataError(
            f"{source.title}: {listed(missing)} of {counts[0]:,}; every sale needs its keys: fill them in, or remove the rows"
            f"{_filled_down(source, names, counts)}"
        )


def _filled_down(source: Source, names: Mapping[str, str], counts: Sequence[int]) -> str:
    """What helps where most rows lack a key, which stands in the first of several rows: in CSV and Excel."""
    mostly = [
        part
        for (_, name), count in zip(names.items(), counts[1:], strict=True)
        for part in source.parts(name)
        if 2 * count > counts[0] > count
    ]
    formats = {format_of(file) for file in source.files}
    if not mostly or formats == {"Parquet"}:
        return ""
    written = ", ".join(f'"{part}"' for part in mostly)
    kind = "excel" if "Excel" in formats else "csv"
    return f"; where a value holds for the rows below it, set fill_down = [{written}] in [{source.setting}] {kind}"
