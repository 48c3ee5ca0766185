"""What a source's files are once they are looked into: columns in SQL, and queries over them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.engine.reading import csv_files, keys
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings


@dataclass(frozen=True)
class RawColumn:
    """A column of a scan.

    Attributes
    ----------
    sql : the SQL that names it
    type : DuckDB's type
    written : how its texts write numbers; None in Parquet, where the type says what is one
    is_cell : whether it is a column of a sheet, which tells the text "7.0" from the number 7
    """

    sql: str
    type: str
    written: CsvSettings | None = None
    is_cell: bool = False

    @property
    def key(self) -> str:
        """The SQL of its value as a key."""
        return keys.key(self.sql, self.type, None if self.written is None or self.is_cell else self.written.decimal)

    @property
    def number(self) -> str:
        """The SQL of its value as a DOUBLE; null where a text is no number."""
        if self.written is None:
            return f"CAST({self.sql} AS DOUBLE)"
        return csv_files.number(self.sql, self.written)


@dataclass(frozen=True)
class Scan:
    """Files that are read alike. Columns are named in NFC, in the file's order; a column without a name is ''.

    Attributes
    ----------
    sql : what is read, in SQL
    files : the files
    columns : the columns of the files
    in_folders : the columns that stand in the names of folders
    errors : by name, what error a column of a sheet has; it may not be used then
    """

    sql: str
    files: tuple[str, ...]
    columns: tuple[tuple[str, RawColumn], ...]
    in_folders: tuple[tuple[str, RawColumn], ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> RawColumn:
        """The column of that name, as the config writes it.

        Raises
        ------
        RawDataError : it has a cell with an error
        """
        if nfc(name) in self.errors:
            raise RawDataError(
                f"{self.files[0]}: {self.errors[nfc(name)]}, in column '{name}'; correct its formula or empty it, save the "
                "file, or leave the column out"
            )
        return self._by_name[nfc(name)]

    @cached_property
    def _by_name(self) -> dict[str, RawColumn]:
        return dict([*self.in_folders, *self.columns])

    @property
    def names(self) -> list[str]:
        """The names of the files' columns, without those that have none."""
        return [name for name, _ in self.columns if name]

    @property
    def all_names(self) -> list[str]:
        """What the config may name: `names`, and the columns that stand in the names of folders."""
        return self.names + [name for name, _ in self.in_folders]


def nfc(name: str) -> str:
    """A column's name in NFC: a file and the config may spell an accent differently."""
    return unicodedata.normalize("NFC", name)


def union(found: Sequence[Scan], selects: Sequence[str]) -> str:
    """One query over all scans: each `selects[i]` is the select list for scan i."""
    return " UNION ALL ".join(f"SELECT {select} FROM {scan.sql}" for scan, select in zip(found, selects, strict=True))
