"""The files of a source after inspection: columns in SQL, and queries over them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from pipeline.duck.quoting import literal
from pipeline.engine.reading import keys
from pipeline.engine.reading.number_formats import NumberFormat
from pipeline.errors import RawDataError
from pipeline.wording import quoted

# The columns of the copy of sales that a database has summed, by what they hold, in SQL: what is usual is null there, as it moves less.
SUMS = {
    "cents": '"sum of cents"',
    "rest": 'COALESCE("sum of what cents leave", 0)',
    "absolute_cents": 'COALESCE("sum of absolute cents", ABS("sum of cents"))',
    "row_count": 'COALESCE("rows", 1)',
    "bad_values": 'COALESCE("rows without an amount", 0)',
}
SUMMED = ("sum of cents", "sum of what cents leave", "sum of absolute cents", "rows", "rows without an amount")


@dataclass(frozen=True)
class RawColumn:
    """A column of a scan.

    Attributes
    ----------
    sql : the SQL of its value as the file has it; null where it is missing
    type : DuckDB's type
    written : how its texts write numbers; None in Parquet, where the type says what is one
    is_cell : whether it is a column of a sheet, which tells the text "7.0" from the number 7
    where_number : the SQL of whether a cell is a number, however texts write them; "" where that does not matter
    computed : the SQL of its value as a number, where that is not one column's; "" where it is
    """

    sql: str
    type: str
    written: NumberFormat | None = None
    is_cell: bool = False
    where_number: str = ""
    computed: str = ""

    @property
    def key(self) -> str:
        """The SQL of its value as a key."""
        return keys.key(self.sql, self.type, None if self.written is None or self.is_cell else self.written.point)

    @property
    def number(self) -> str:
        """The SQL of its value as a DOUBLE; null where a text is no number."""
        if self.computed:
            return self.computed
        if self.written is None:
            return f"CAST({self.sql} AS DOUBLE)"
        if not self.where_number:
            return self.written.sql(self.sql)
        return (
            f"CASE WHEN {self.where_number} THEN TRY_CAST({self.sql} AS DOUBLE) ELSE {self.written.sql(self.sql)} END"
        )

    def without(self, missing: Sequence[str]) -> RawColumn:
        """The same column, in which these texts are missing values."""
        if not missing:
            return self
        texts = ", ".join(literal(keys.normal(text)) for text in missing)
        return replace(self, sql=f"CASE WHEN {keys.text(self.sql)} NOT IN ({texts}) THEN {self.sql} END")


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
    sheet : the name of the sheet; "" where the file is no workbook
    hint : what to set where columns are missing, and the file shows it
    doubts : what should be looked at, a line each
    derived : columns that no file has, computed from others: `virtual`
    behind : the columns that each of them is made of
    has_sums : whether its rows are sums of rows, which a database made: the columns `SUMS` say of how many, and of what
    """

    sql: str
    files: tuple[str, ...]
    columns: tuple[tuple[str, RawColumn], ...]
    in_folders: tuple[tuple[str, RawColumn], ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    hint: str = ""
    doubts: tuple[str, ...] = ()
    derived: tuple[tuple[str, RawColumn], ...] = ()
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    has_sums: bool = False

    @property
    def row_count(self) -> str:
        """The SQL of how many raw rows a group of rows stands for."""
        return f"CAST(COALESCE(SUM({SUMS['row_count']}), 0) AS BIGINT)" if self.has_sums else "COUNT(*)"

    @property
    def title(self) -> str:
        """The scan in a message: its first file, and its sheet."""
        return f"{self.files[0]}, sheet {quoted(self.sheet)}" if self.sheet else self.files[0]

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
        return dict([*self.in_folders, *self.columns, *self.derived])

    @property
    def names(self) -> list[str]:
        """The names of the files' columns, without unnamed columns."""
        return [name for name, _ in self.columns if name]

    @property
    def all_names(self) -> list[str]:
        """What the config may name: `names`, and the columns that stand in the names of folders."""
        return self.names + [name for name, _ in self.in_folders]

    def has(self, name: str) -> bool:
        """Whether there is such a column, as the config writes it, in the files or derived from their columns."""
        return nfc(name) in self._by_name


def nfc(name: str) -> str:
    """A column's name in NFC: a file and the config may spell an accent differently."""
    return unicodedata.normalize("NFC", name)


def union(raw_scans: Sequence[Scan], selects: Sequence[str]) -> str:
    """One query over all scans: each `selects[i]` is the select list for scan i."""
    return " UNION ALL ".join(
        f"SELECT {select} FROM {scan.sql}" for scan, select in zip(raw_scans, selects, strict=True)
    )
