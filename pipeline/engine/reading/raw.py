"""A source's files as one or more scans with known columns.

Files with the same columns are read by one scan, a workbook by one of its own. Parquet has types; in CSV and Excel, and
in the names of folders, every column is text.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import duckdb
import msgspec

from pipeline.config.raw_files import FORMATS, format_of
from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import NotTextError, reader_memory_of, reading, rows, spill_folder_of
from pipeline.engine.reading import csv_files, folders, keys, page_checksums, rewriting, week_formats, workbook_process
from pipeline.engine.reading.csv_files import Head
from pipeline.engine.reading.number_formats import NumberFormat
from pipeline.engine.reading.scan import SUMMED, RawColumn, Scan, nfc
from pipeline.engine.reading.source import Source as Source
from pipeline.engine.reading.virtual import with_made
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings, SalesSource
from pipeline.wording import listed, with_nearest

MOST_COLUMNS = 16_384  # as in Excel; so many take minutes already
_PLAIN = NumberFormat()  # how numbers are written in the names of folders

_NUMBERED = re.compile(r"(.+)_[0-9]+")


class Layout(NamedTuple):
    """How a file is read: files of one format whose layouts are equal are read by one scan.

    Attributes
    ----------
    columns : their names as the file writes them, and DuckDB's types
    kind : what else a scan needs: of a sheet the view that has its rows
    errors : of a sheet, by a column's name, what error it has
    head : of CSV, the top of the file
    sheet : of a workbook, the name of the sheet
    hint : what to set where columns are missing, and the file shows it
    doubts : what should be looked at, a line each
    masked : whether a sheet says of each cell whether it is a number
    """

    columns: tuple[tuple[str, str], ...]
    kind: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    head: Head | None = None
    sheet: str = ""
    hint: str = ""
    doubts: tuple[str, ...] = ()
    masked: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _ in self.columns]


def scans(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Scan]:
    """Inspect every file of a source, and combine files with the same columns.

    Raises
    ------
    RawDataError : a file is missing, empty, of no known type, cannot be read, or names a column twice
    """
    in_folders = folders.keys(source.files)
    alike: dict[tuple[str, Layout, tuple[str, ...]], list[str]] = {}
    for path in source.files:
        _check_not_empty(path, source)
        format_ = format_of(path)
        if format_ is None:
            raise RawDataError(
                f"{path}: not a known type of file; write {_formats()}, or change path in [{source.setting}]"
            )
        for layout in READERS[format_].layouts(connection, path, source):
            _check_count(path, layout.names, source)
            _check_named_once(path, layout.names)
            alike.setdefault((format_, layout, folders.without(in_folders, layout.names)), []).append(path)
    raw_scans = [
        READERS[format_].scan(connection, layout, further, tuple(paths), source)
        for (format_, layout, further), paths in alike.items()
    ]
    return [with_made(scan, source) for scan in raw_scans]


@contextmanager
def reading_source(source: Source) -> Iterator[None]:
    """Turn any error of reading a source into one line; of text in another encoding, with those that it may be in.

    Raises
    ------
    RawDataError : a file cannot be read
    PipelineError : memory or disk ran out
    """
    try:
        with reading(source.files, source.setting):
            yield
    except NotTextError as error:
        file = next((path for path in source.files if path == error.file), "") or _not_in_encoding(source)
        where = f"{file}, line {error.line}" if error.line else file
        raise RawDataError(f"{where}: {rewriting.not_in(file, source.csv, source.setting)}") from None


def _not_in_encoding(source: Source) -> str:
    """The first CSV file that cannot be decoded; the first file where all can."""
    texts = [path for path in source.files if format_of(path) == "CSV"]
    return next((path for path in texts if not rewriting.decodes(path, source.csv, source.setting)), source.files[0])


def _formats() -> str:
    """The formats with their suffixes, in words."""
    *first, last = (f"{format_} ({', '.join(suffixes)})" for format_, suffixes in FORMATS.items())
    return f"{', '.join(first)} or {last}"


def _check_not_empty(path: str, source: Source) -> None:
    try:
        size = os.path.getsize(path)  # noqa: PTH202  # a path from the caller, kept as text
    except OSError as error:
        raise RawDataError(
            f"{path}: cannot be read: {error.strerror}; put the file back, or change path in [{source.setting}]"
        ) from None
    if size == 0:
        raise RawDataError(f"{path}: the file is empty; write it again, or change path in [{source.setting}]")


def _check_count(path: str, names: Sequence[str], source: Source) -> None:
    if len(names) > MOST_COLUMNS:
        raise RawDataError(
            f"{path}: has {len(names):,} columns, where at most {MOST_COLUMNS:,} are read; see whether it is the right file, or written with "
            f"another delimiter or quote than [{source.setting}] says"
        )


def _check_named_once(path: str, names: Sequence[str]) -> None:
    counts = Counter(nfc(name) for name in names if name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise RawDataError(f"{path}: columns named more than once: {listed(twice)}; rename them in the file")


def _check_told_apart(connection: duckdb.DuckDBPyConnection, path: str, names: Sequence[str]) -> None:
    """Refuse Parquet columns whose names differ in case only: DuckDB gives the second one a name of its own, such as `Sales_1`."""
    bases = {name: match[1].casefold() for name in names if (match := _NUMBERED.fullmatch(name))}
    folded = Counter(name.casefold() for name in names)
    if not any(folded[base] for base in bases.values()):
        return
    written = {name for (name,) in rows(connection, f"SELECT name FROM parquet_schema({literal(path)})")}
    invented = {base for name, base in bases.items() if folded[base] and name not in written}
    alike = sorted(name for name in written if name.casefold() in invented)
    if alike:
        raise RawDataError(f"{path}: columns whose names differ in case only: {listed(alike)}; rename them in the file")


def _look_into_parquet(connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> list[Layout]:
    with reading([path], source.setting):
        described = rows(connection, f"DESCRIBE SELECT * FROM {_parquet([path], folders.WITHOUT_FILE)}")
        page_checksums.check(connection, path, source.setting)
        _check_told_apart(connection, path, [column[0] for column in described])
    return [Layout(tuple((column[0], column[1]) for column in described))]


def _scan_parquet(
    _connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    further: tuple[str, ...],
    paths: tuple[str, ...],
    source: Source,
) -> Scan:
    columns = tuple((nfc(name), RawColumn(identifier(name), type_)) for name, type_ in layout.columns)
    scan = Scan(_parquet(paths, _options(further, paths)), paths, columns, _in_folders(paths, further))
    return extracted(scan, source) if source.section.is_in_database else scan


def extracted(scan: Scan, source: Source) -> Scan:
    """The scan of the local copy of a table or query: named after that, and of sales that were summed there."""
    columns = tuple((name, column) for name, column in scan.columns if name not in SUMMED)
    has_sums = isinstance(source.section, SalesSource)
    return replace(
        scan, files=(source.title,), columns=columns if has_sums else scan.columns, in_folders=(), has_sums=has_sums
    )


def _parquet(paths: Sequence[str], options: str) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], {options})"


def _look_into_csv(_connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> list[Layout]:
    head = csv_files.head(path, source.csv, source.setting, source.certain)
    columns = tuple((name, "VARCHAR") for name in head.names)
    return [Layout(columns, head=head, hint=head.hint, doubts=_doubts(path, source))]


def _doubts(path: str, source: Source) -> tuple[str, ...]:
    if not rewriting.is_really_utf8(path, source.csv, source.setting):
        return ()
    doubt = f"is valid UTF-8, and is read as {source.csv.encoding}: its letters beyond ASCII come out as others"
    return (f"{path}: {doubt}; see whether names look right, or remove encoding from [{source.setting}] csv",)


def _scan_csv(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    further: tuple[str, ...],
    paths: tuple[str, ...],
    source: Source,
) -> Scan:
    written = NumberFormat.of(source.csv)
    columns = tuple(
        (nfc(name) if name.strip() else "", RawColumn(f"c{position}", type_, written).without(source.csv.missing))
        for position, (name, type_) in enumerate(layout.columns)
    )
    head = layout.head or Head((), "none", 0, ",")
    sql = csv_files.scan(*_readable(connection, paths, head, source), _options(further, paths))
    in_folders = _in_folders(paths, further)
    return Scan(sql, paths, columns, in_folders, hint=layout.hint, doubts=layout.doubts)


def _readable(
    connection: duckdb.DuckDBPyConnection, paths: tuple[str, ...], head: Head, source: Source
) -> tuple[tuple[str, ...], Head, CsvSettings, str]:
    """The files as DuckDB can read them, how, and in which encoding: those that it cannot read are written anew."""
    csv = source.csv
    if head.packing != "zip" and not head.ends_differ and not rewriting.must(csv):
        for path in paths:
            rewriting.check_lines(path, source.setting)
        return paths, head, csv, rewriting.native(csv)
    folder = spill_folder_of(connection)
    whole = msgspec.structs.replace(csv, delimiter=head.delimiter)
    copies = tuple(
        rewriting.rewrite(path, whole, source.setting, folder, (list(head.names), head.above + 1)) for path in paths
    )
    return copies, replace(head, packing="none"), csv, "utf-8"


def _options(further: tuple[str, ...], paths: tuple[str, ...]) -> str:
    return folders.WITH_FILE if further or len(paths) > 1 else folders.WITHOUT_FILE


def _in_folders(paths: tuple[str, ...], further: tuple[str, ...]) -> tuple[tuple[str, RawColumn], ...]:
    return tuple((nfc(key), RawColumn(folders.value(paths, key), "VARCHAR", _PLAIN)) for key in further)


def _look_into_workbook(connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> list[Layout]:
    """Hand the rows of a workbook's sheets to DuckDB, each under a name of its own."""
    layouts = []
    asked = (path, source.excel, source.setting, source.certain)
    memory, folder = reader_memory_of(connection), spill_folder_of(connection)
    for position, sheet in enumerate(workbook_process.read(*asked, memory=memory, folder=folder)):
        view = f"{source.setting} {source.files.index(path)} {position}"
        connection.register(view, sheet.rows)
        errors = tuple((sheet.names[at], error) for at, error in sheet.errors.items())
        doubts = tuple(f"{path}: {doubt}" for doubt in sheet.doubts)
        columns = tuple((name, "VARCHAR") for name in sheet.names)
        masked = "n0" in sheet.rows.column_names
        layouts.append(Layout(columns, view, errors, None, sheet.name, sheet.hint, doubts, masked))
    return layouts


def _scan_workbook(
    _connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    further: tuple[str, ...],
    paths: tuple[str, ...],
    source: Source,
) -> Scan:
    written = NumberFormat.of(source.excel)
    cells = []
    for position, (name, type_) in enumerate(layout.columns):
        mask = f"n{position}" if layout.masked else ""
        column = RawColumn(f"c{position}", type_, written, is_cell=True, where_number=mask)
        cells.append((nfc(name), column.without(source.excel.missing)))
    [path] = paths
    in_folders = tuple((nfc(key), RawColumn(folders.value_of(path, key), "VARCHAR", _PLAIN)) for key in further)
    errors = {nfc(name): error for name, error in layout.errors}
    return Scan(
        identifier(layout.kind), paths, tuple(cells), in_folders, errors, layout.sheet, layout.hint, layout.doubts
    )


class Reader(NamedTuple):
    """How files of a format are read.

    Attributes
    ----------
    layouts : the layout of a file, or of each of its sheets
    scan : the files of one layout as a scan, with the columns that stand in the names of their folders
    """

    layouts: Callable[[duckdb.DuckDBPyConnection, str, Source], list[Layout]]
    scan: Callable[[duckdb.DuckDBPyConnection, Layout, tuple[str, ...], tuple[str, ...], Source], Scan]


READERS: Mapping[str, Reader] = {
    "Parquet": Reader(_look_into_parquet, _scan_parquet),
    "CSV": Reader(_look_into_csv, _scan_csv),
    "Excel": Reader(_look_into_workbook, _scan_workbook),
}


def require(source: Source, raw_scans: Sequence[Scan], needed: Mapping[str, str]) -> None:
    """Check that every file has these columns.

    Parameters
    ----------
    source : where the scans are from
    raw_scans : the scans of the source
    needed : raw name by what it is for, such as `columns.store_id`

    Raises
    ------
    RawDataError : columns are missing: all of them, of the first file that lacks any
    """
    for scan in raw_scans:
        missing = {use: name for use, name in needed.items() if not scan.has(name)}
        if missing:
            parts = [part for name in missing.values() for part in source.parts(name) if not scan.has(part)]
            absent = listed(with_nearest(name, scan.all_names) for name in dict.fromkeys(parts))
            hint = scan.hint or _hint(source, scan, missing)
            raise RawDataError(
                f"{scan.title}: no column {absent}; found: {listed(scan.all_names)}; set {listed(missing)} in "
                f"[{source.setting}]{f'; {hint}' if hint else ''}"
            )


_UNITS = re.compile(r"unit|qty|quant|piece|count|menge|st(ü|ue)ck|anzahl|absatz|volume|sold", re.IGNORECASE)
_PRICE = re.compile(r"price|preis|prix|precio|prezzo|cost|rate", re.IGNORECASE)


def _hint(source: Source, scan: Scan, missing: Mapping[str, str]) -> str:
    """What may be meant where there is no column of amounts: units and price, or a column per week."""
    if not isinstance(source.section, SalesSource) or "columns.sales_value" not in missing:
        return ""
    if (pattern := week_formats.pattern_of(scan.names)) is not None:
        return f'or, where columns are weeks, set week_columns = ["{pattern}"] in [{source.setting}]'
    possible = [name for name, column in scan.columns if not column.type.startswith(("DATE", "TIME", "BOOLEAN"))]
    prices = [name for name in possible if _PRICE.search(name)]
    units = [name for name in possible if _UNITS.search(name) and name not in prices]
    if not prices or not units:
        return ""
    price = min(prices, key=lambda name: (not _UNITS.search(name), len(name)))
    return f'or, where the sales are units times price, set columns.sales_value = "{units[0]} * {price}"'


def require_keys(source: Source, raw_scans: Sequence[Scan], names: Mapping[str, str]) -> None:
    """Check that these columns can be keys: text or numbers.

    Raises
    ------
    RawDataError : a column has another type
    """
    for scan in raw_scans:
        for use, name in names.items():
            type_ = scan[name].type
            if not (keys.is_text(type_) or keys.is_number(type_)):
                raise RawDataError(
                    f"{scan.title}: column '{name}' is of type {type_}, where {use} must be text or a number; write it "
                    f"as text, or set columns.{use} in [{source.setting}]"
                )
