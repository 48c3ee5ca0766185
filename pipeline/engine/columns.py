"""What a column of the outside data is: a number, a text, or nothing that can be a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.engine import keys
from pipeline.engine.duck import row
from pipeline.engine.raw import RawColumn, Scan

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Kind:
    """A column that was offered as a feature. `reason` says why it can be none; "" where it can."""

    name: str
    is_number: bool = False
    reason: str = ""

    def sql(self, scan: Scan) -> str:
        """The SQL of its value: DOUBLE, or text (numbers among texts are written as keys are)."""
        column = scan[self.name]
        if not self.is_number:
            return keys.text(column.sql) if _is_written(column) else column.key
        return f"CASE WHEN ISNAN({column.number}) THEN NULL ELSE {column.number} END"


def classify(connection: duckdb.DuckDBPyConnection, found: Sequence[Scan], name: str) -> Kind:
    """Find out what a column is, over all files of its source.

    Parquet says it by its type. A CSV column is a number where every value that is not empty is one.
    """
    columns = [(scan, scan[name]) for scan in found]
    if name.casefold() == "store_id":
        return Kind(name, reason="its name is that of the key; rename it to use it")
    for _, column in columns:
        if not (_is_written(column) or keys.is_number(column.type)):
            return Kind(name, reason=f"its type {column.type} is neither a number nor a text")
    return Kind(name, is_number=all(_is_number(connection, scan, column) for scan, column in columns))


def label(scan: Scan, name: str) -> str:
    """The SQL of a label: text, trimmed; numbers as keys are written; other types as DuckDB writes them."""
    column = scan[name]
    return column.key if keys.is_number(column.type) else keys.text(column.sql)


def _is_written(column: RawColumn) -> bool:
    return keys.is_text(column.type) or column.type == "BOOLEAN"


def _is_number(connection: duckdb.DuckDBPyConnection, scan: Scan, column: RawColumn) -> bool:
    if column.csv is None:
        return keys.is_number(column.type) or column.type == "BOOLEAN"
    (texts,) = row(
        connection,
        f"SELECT COUNT(*) FROM {scan.sql} WHERE {keys.text(column.sql)} IS NOT NULL AND {column.number} IS NULL",
    )
    return not texts
