"""A source's files as one or more scans with known columns.

Files with the same columns are read by one scan, a workbook by one of its own. Parquet has types; in CSV and Excel, and
in the names of folders, every column is text.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipeline.config.raw_files import CSV, EXCEL, PARQUET
from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import reading, rows
from pipeline.engine.reading import csv_files, folders, keys, page_checksums, workbook_process
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings, ExcelSettings, ExternalSource, NeedStateSource, OverridesSource, SalesSource
from pipeline.wording import listed, with_nearest

_PLAIN = CsvSettings()  # how numbers are written in cells and in the names of folders

_NUMBERED = re.compile(r"(.+)_[0-9]+")

Columns = tuple[tuple[str, str], ...]


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
        if all(file.lower().endswith(EXCEL) for file in self.files):
            return "correct them: make the cells numbers"
        return f"correct them, or set decimal and thousands in [{self.setting}] csv"


def scans(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Scan]:
    """Look into every file of a source, and put together those that have the same columns.

    Raises
    ------
    RawDataError : a file is missing, empty, of no known type, cannot be read, or names a column twice
    """
    in_folders = folders.keys(source.files)
    sheets: list[Scan] = []
    found: dict[tuple[str, Columns, tuple[str, ...]], list[str]] = {}
    for path in source.files:
        _check_not_empty(path, source)
        if path.lower().endswith(EXCEL):
            sheets.append(_sheet(connection, path, source, in_folders))
            continue
        kind, columns = _columns(connection, path, source)
        _check_named_once(path, [name for name, _ in columns])
        further = folders.without(in_folders, [name for name, _ in columns])
        found.setdefault((kind, columns, further), []).append(path)
    return [_scan(*alike, tuple(paths), source.csv) for alike, paths in found.items()] + sheets


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


def _columns(connection: duckdb.DuckDBPyConnection, path: str, source: Source) -> tuple[str, Columns]:
    name = path.lower()
    if name.endswith(PARQUET):
        with reading([path], source.setting):
            described = rows(connection, f"DESCRIBE SELECT * FROM {_parquet([path], folders.WITHOUT_FILE)}")
            page_checksums.check(connection, path, source.setting)
            _check_told_apart(connection, path, [column[0] for column in described])
        return "parquet", tuple((column[0], column[1]) for column in described)
    if name.endswith(CSV):
        names, compression = csv_files.header(path, source.csv, source.setting)
        return compression, tuple((name, "VARCHAR") for name in names)
    raise RawDataError(
        f"{path}: not a known type of file; write Parquet ({', '.join(PARQUET)}), CSV ({', '.join(CSV)}) or Excel "
        f"({', '.join(EXCEL)}), or change path in [{source.setting}]"
    )


def _parquet(paths: Sequence[str], options: str) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], {options})"


def _scan(kind: str, columns: Columns, further: tuple[str, ...], paths: tuple[str, ...], csv: CsvSettings) -> Scan:
    options = folders.WITH_FILE if further else folders.WITHOUT_FILE
    in_folders = tuple((nfc(key), RawColumn(folders.value(paths, key), "VARCHAR", _PLAIN)) for key in further)
    if kind == "parquet":
        typed = tuple((nfc(name), RawColumn(identifier(name), type_)) for name, type_ in columns)
        return Scan(_parquet(paths, options), paths, typed, in_folders)
    texts = tuple(
        (nfc(name) if name.strip() else "", RawColumn(f"c{position}", type_, csv))
        for position, (name, type_) in enumerate(columns)
    )
    return Scan(csv_files.scan(paths, len(columns), kind, csv, options), paths, texts, in_folders)


def _sheet(connection: duckdb.DuckDBPyConnection, path: str, source: Source, in_folders: Sequence[str]) -> Scan:
    """Hand a sheet's rows to DuckDB, under a name of their own."""
    sheet = workbook_process.read(path, source.excel, source.setting)
    _check_named_once(path, sheet.names)
    view = f"{source.setting} {source.files.index(path)}"
    connection.register(view, sheet.rows)
    cells = tuple(
        (nfc(name), RawColumn(f"c{position}", "VARCHAR", _PLAIN, is_cell=True))
        for position, name in enumerate(sheet.names)
    )
    further = tuple(
        (nfc(key), RawColumn(folders.value_of(path, key), "VARCHAR", _PLAIN))
        for key in folders.without(in_folders, sheet.names)
    )
    errors = {nfc(sheet.names[position]): said for position, said in sheet.errors.items()}
    return Scan(identifier(view), (path,), cells, further, errors)


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
