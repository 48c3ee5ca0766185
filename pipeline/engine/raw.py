"""A source's files as one or more scans with known columns.

Files with the same columns are read by one scan. Parquet has types; in CSV every column is text.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.engine import csv_files, keys
from pipeline.engine.duck import reading, rows
from pipeline.engine.names import listed, with_nearest
from pipeline.errors import RawDataError
from pipeline.quoting import identifier, literal
from pipeline.settings import CsvSettings

if TYPE_CHECKING:
    import duckdb

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


@dataclass(frozen=True)
class RawColumn:
    """A column of a scan: the SQL that names it, DuckDB's type, and the decimal mark where it is CSV text."""

    sql: str
    type: str
    csv: CsvSettings | None = None

    @property
    def key(self) -> str:
        """The SQL of its value as a key."""
        return keys.key(self.sql, self.type, None if self.csv is None else self.csv.decimal)

    @property
    def number(self) -> str:
        """The SQL of its value as a DOUBLE; null where a CSV text is no number."""
        return f"CAST({self.sql} AS DOUBLE)" if self.csv is None else csv_files.number(self.sql, self.csv)


@dataclass(frozen=True)
class Scan:
    """Files that are read alike. Columns are named in NFC, in the file's order; a column without a name is ''."""

    sql: str
    files: tuple[str, ...]
    columns: tuple[tuple[str, RawColumn], ...]

    def __getitem__(self, name: str) -> RawColumn:
        """The column of that name, as the config writes it."""
        return self._by_name[nfc(name)]

    @cached_property
    def _by_name(self) -> dict[str, RawColumn]:
        return dict(self.columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns, without those that have none."""
        return [name for name, _ in self.columns if name]


@dataclass(frozen=True)
class Source:
    """A `[sources]` table and its files."""

    setting: str
    files: tuple[str, ...]
    csv: CsvSettings

    @property
    def title(self) -> str:
        """The source in a message: its file, or the first and how many more."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0]}{more}"


def nfc(name: str) -> str:
    """A column's name in NFC: a file and the config may spell an accent differently."""
    return unicodedata.normalize("NFC", name)


def scans(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Scan]:
    """Look into every file of a source, and put together those that have the same columns.

    Raises
    ------
    RawDataError : a file is missing, empty, of no known type, cannot be read, or names a column twice
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for path in source.files:
        _check_not_empty(path, source)
        kind, columns = _columns(connection, path, source)
        _check_named_once(path, columns)
        found.setdefault((kind, columns), []).append(path)
    return [_scan(kind, columns, tuple(paths), source.csv) for (kind, columns), paths in found.items()]


def _check_not_empty(path: str, source: Source) -> None:
    try:
        size = os.path.getsize(path)  # noqa: PTH202  # a path from the caller, kept as text
    except OSError as error:
        raise RawDataError(
            f"{path}: cannot be read: {error.strerror}; put the file back, or change path in [{source.setting}]"
        ) from None
    if size == 0:
        raise RawDataError(f"{path}: the file is empty; write it again, or change path in [{source.setting}]")


def _check_named_once(path: str, columns: Sequence[tuple[str, str]]) -> None:
    counts = Counter(nfc(name) for name, _ in columns if name.strip())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise RawDataError(f"{path}: columns named more than once: {listed(twice)}; rename them in the file")


def _columns(
    connection: duckdb.DuckDBPyConnection, path: str, source: Source
) -> tuple[str, tuple[tuple[str, str], ...]]:
    name = path.lower()
    if name.endswith(_PARQUET):
        with reading([path], source.setting):
            described = rows(connection, f"DESCRIBE SELECT * FROM {_parquet([path])}")
        return "parquet", tuple((column[0], column[1]) for column in described)
    if name.endswith(_CSV):
        names, compression = csv_files.header(path, source.csv, source.setting)
        return compression, tuple((name, "VARCHAR") for name in names)
    raise RawDataError(
        f"{path}: not a known type of file; write Parquet (.parquet, .pq) or CSV ({', '.join(_CSV)}), or change path in "
        f"[{source.setting}]"
    )


def _parquet(paths: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], hive_partitioning = false)"


def _scan(kind: str, columns: tuple[tuple[str, str], ...], paths: tuple[str, ...], csv: CsvSettings) -> Scan:
    if kind == "parquet":
        typed = tuple((nfc(name), RawColumn(identifier(name), type_)) for name, type_ in columns)
        return Scan(_parquet(paths), paths, typed)
    texts = tuple(
        (nfc(name) if name.strip() else "", RawColumn(f"c{position}", type_, csv))
        for position, (name, type_) in enumerate(columns)
    )
    return Scan(csv_files.scan(paths, len(columns), kind, csv), paths, texts)


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
        missing = {use: name for use, name in needed.items() if nfc(name) not in scan.names}
        if missing:
            absent = listed(with_nearest(name, scan.names) for name in missing.values())
            raise RawDataError(
                f"{scan.files[0]}: no column {absent}; found: {listed(scan.names)}; set {listed(missing)} in "
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


def union(found: Sequence[Scan], selects: Sequence[str]) -> str:
    """One query over all scans: each `selects[i]` is the select list for scan i."""
    return " UNION ALL ".join(f"SELECT {select} FROM {scan.sql}" for scan, select in zip(found, selects, strict=True))
