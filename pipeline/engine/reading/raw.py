"""A source's files as one or more scans with known columns.

Files with the same columns are read by one scan, a workbook by one of its own. Parquet has types; in CSV and Excel, and
in the names of folders, every column is text.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from pipeline.config.raw_files import FORMATS, format_of
from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import reading, rows
from pipeline.engine.reading import csv_files, folders, keys, page_checksums, workbook_process
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings, ExcelSettings, ExternalSource, NeedStateSource, OverridesSource, SalesSource
from pipeline.wording import listed, with_nearest

_PLAIN = CsvSettings()  # how numbers are written in cells and in the names of folders

_NUMBERED = re.compile(r"(.+)_[0-9]+")


class Layout(NamedTuple):
    """How a file is read: files of one format whose layouts are equal are read by one scan.

    Attributes
    ----------
    columns : their names as the file writes them, and DuckDB's types
    kind : what else a scan needs: of CSV the compression, of a sheet the view that has its rows
    errors : of a sheet, by a column's name, what error it has
    """

    columns: tuple[tuple[str, str], ...]
    kind: str = ""
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _ in self.columns]


@dataclass(frozen=True)
class Source:
    """A `[sources]` table and its files."""

    setting: str
    files: tuple[str, ...]
    csv: CsvSettings
    excel: ExcelSettings

    @classmethod
    def of(
        cls,
        setting: str,
        files: Sequence[str],
        section: SalesSource | NeedStateSource | ExternalSource | OverridesSource,
    ) -> Source:
        """The source that a section of the config tells how to read."""
        return cls(setting, tuple(files), section.csv, section.excel)

    @property
    def title(self) -> str:
        """The source in a message: its file, or the first and how many more."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0]}{more}"

    @property
    def how_to_write_numbers(self) -> str:
        """What to do where texts are no numbers."""
        if all(format_of(file) == "Excel" for file in self.files):
            return "correct them: make the cells numbers"
        return f"correct them, or set decimal and thousands in [{self.setting}] csv"


def scans(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Scan]:
    """Look into every file of a source, and put together those that have the same columns.

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
        layout = READERS[format_].look(connection, path, source)
        _check_named_once(path, layout.names)
        alike.setdefault((format_, layout, folders.without(in_folders, layout.names)), []).append(path)
    return [
        READERS[format_].scan(layout, further, tuple(paths), source)
        for (format_, layout, further), paths in alike.items()
    ]


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


def _check_named_once(path: str, names: Sequence[str]) -> None:
    counts = Counter(nfc(name) for name in names if name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise RawDataError(f"{path}: columns named more than once: {listed(twice)}; rename them in the file")


def _check_told_apart(connection: duckdb.DuckDBPyConnection, path: str, names: Sequence[str]) -> None:
    """Refuse Parquet columns whose names differ in case only: DuckDB gives the second one a name of its own, such as `Sales_1`."""
    bases = {name: found[1].casefold() for name in names if (found := _NUMBERED.fullmatch(name))}
    folded = Counter(name.casefold() for name in names)
    if not any(folded[base] for base in bases.values()):
        return
    written = {name for (name,) in rows(connection, f"SELECT name FROM parquet_schema({literal(path)})")}
    invented = {base for name, base in bases.items() if folded[base] and name not in written}
    alike = sorted(name for name in written if name.casefold() in invented)
    if alike:
        raise RawDataError(f"{path}: columns whose names differ in case only: {listed(alike)}; rename them in the file")


def _look_into_parquet(connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> Layout:
    with reading([path], source.setting):
        described = rows(connection, f"DESCRIBE SELECT * FROM {_parquet([path], folders.WITHOUT_FILE)}")
        page_checksums.check(connection, path, source.setting)
        _check_told_apart(connection, path, [column[0] for column in described])
    return Layout(tuple((column[0], column[1]) for column in described))


def _scan_parquet(layout: Layout, further: tuple[str, ...], paths: tuple[str, ...], _source: Source) -> Scan:
    columns = tuple((nfc(name), RawColumn(identifier(name), type_)) for name, type_ in layout.columns)
    return Scan(_parquet(paths, _options(further)), paths, columns, _in_folders(paths, further))


def _parquet(paths: Sequence[str], options: str) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], {options})"


def _look_into_csv(_connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> Layout:
    names, compression = csv_files.header(path, source.csv, source.setting)
    return Layout(tuple((name, "VARCHAR") for name in names), compression)


def _scan_csv(layout: Layout, further: tuple[str, ...], paths: tuple[str, ...], source: Source) -> Scan:
    columns = tuple(
        (nfc(name) if name.strip() else "", RawColumn(f"c{position}", type_, source.csv))
        for position, (name, type_) in enumerate(layout.columns)
    )
    sql = csv_files.scan(paths, len(columns), layout.kind, source.csv, _options(further))
    return Scan(sql, paths, columns, _in_folders(paths, further))


def _options(further: tuple[str, ...]) -> str:
    return folders.WITH_FILE if further else folders.WITHOUT_FILE


def _in_folders(paths: tuple[str, ...], further: tuple[str, ...]) -> tuple[tuple[str, RawColumn], ...]:
    return tuple((nfc(key), RawColumn(folders.value(paths, key), "VARCHAR", _PLAIN)) for key in further)


def _look_into_workbook(connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> Layout:
    """Hand a sheet's rows to DuckDB, under a name of their own."""
    sheet = workbook_process.read(path, source.excel, source.setting)
    view = f"{source.setting} {source.files.index(path)}"
    connection.register(view, sheet.rows)
    errors = tuple((sheet.names[position], error) for position, error in sheet.errors.items())
    return Layout(tuple((name, "VARCHAR") for name in sheet.names), view, errors)


def _scan_workbook(layout: Layout, further: tuple[str, ...], paths: tuple[str, ...], _source: Source) -> Scan:
    cells = tuple(
        (nfc(name), RawColumn(f"c{position}", type_, _PLAIN, is_cell=True))
        for position, (name, type_) in enumerate(layout.columns)
    )
    [path] = paths
    in_folders = tuple((nfc(key), RawColumn(folders.value_of(path, key), "VARCHAR", _PLAIN)) for key in further)
    errors = {nfc(name): error for name, error in layout.errors}
    return Scan(identifier(layout.kind), paths, cells, in_folders, errors)


class Reader(NamedTuple):
    """How files of a format are read.

    Attributes
    ----------
    look : what a file has
    scan : the files of one layout as a scan, with the columns that stand in the names of their folders
    """

    look: Callable[[duckdb.DuckDBPyConnection, str, Source], Layout]
    scan: Callable[[Layout, tuple[str, ...], tuple[str, ...], Source], Scan]


READERS: Mapping[str, Reader] = {
    "Parquet": Reader(_look_into_parquet, _scan_parquet),
    "CSV": Reader(_look_into_csv, _scan_csv),
    "Excel": Reader(_look_into_workbook, _scan_workbook),
}


def require(source: Source, found: Sequence[Scan], needed: Mapping[str, str]) -> None:
    """Check that every file has these columns.

    Parameters
    ----------
    source : where the scans are from
    found : its scans
    needed : raw name by what it is for, such as `columns.store_id`

    Raises
    ------
    RawDataError : columns are missing: all of them, of the first file that lacks any
    """
    for scan in found:
        missing = {use: name for use, name in needed.items() if nfc(name) not in scan.all_names}
        if missing:
            absent = listed(with_nearest(name, scan.all_names) for name in missing.values())
            raise RawDataError(
                f"{scan.files[0]}: no column {absent}; found: {listed(scan.all_names)}; set {listed(missing)} in "
                f"[{source.setting}]"
            )


def require_keys(source: Source, found: Sequence[Scan], names: Mapping[str, str]) -> None:
    """Check that these columns can be keys: text or numbers.

    Raises
    ------
    RawDataError : a column has another type
    """
    for scan in found:
        for use, name in names.items():
            type_ = scan[name].type
            if not (keys.is_text(type_) or keys.is_number(type_)):
                raise RawDataError(
                    f"{scan.files[0]}: column '{name}' is of type {type_}, where {use} must be text or a number; write it "
                    f"as text, or set columns.{use} in [{source.setting}]"
                )
