"""What a column of the outside data is: a number, a text, or nothing that can be a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.engine.connections import row
from pipeline.engine.reading import keys
from pipeline.engine.reading.scan import RawColumn, Scan


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
        if column.written is not None:
            return column.number  # never NaN
        return f"CASE WHEN ISNAN({column.number}) THEN NULL ELSE {column.number} END"


def classify(connection: duckdb.DuckDBPyConnection, found: Sequence[Scan], names: Sequence[str]) -> list[Kind]:
    """Find out what columns are, over all files of their source.

    Parquet says it by its type. A column of CSV or Excel, or of folders' names, is a number where every value that is not empty is one.
    """
    reasons = {name: _reason(found, name) for name in names}
    usable = [name for name in names if not reasons[name]]
    texts = {name for scan in found for name in _texts(connection, scan, usable)}
    return [Kind(name, not reasons[name] and name not in texts, reasons[name]) for name in names]


def label(scan: Scan, name: str) -> str:
    """The SQL of a label: text, trimmed; numbers as keys are written; other types as DuckDB writes them."""
    column = scan[name]
    return column.key if keys.is_number(column.type) else keys.text(column.sql)


def _is_written(column: RawColumn) -> bool:
    return keys.is_text(column.type) or column.type == "BOOLEAN"


def _reason(found: Sequence[Scan], name: str) -> str:
    if name.casefold() == "store_id":
        return "its name is that of the key; rename it to use it"
    for scan in found:
        column = scan[name]
        if not (_is_written(column) or keys.is_number(column.type)):
            return f"its type {column.type} is neither a number nor a text"
    return ""


def _texts(connection: duckdb.DuckDBPyConnection, scan: Scan, names: Sequence[str]) -> list[str]:
    """Which of the columns are not numbers. A file is read once for all of them."""
    written = [name for name in names if scan[name].written is not None]
    texts = [name for name in names if scan[name].written is None and keys.is_text(scan[name].type)]
    if written:
        counts = ", ".join(f"COUNT({keys.text(scan[name].sql)}) - COUNT({scan[name].number})" for name in written)
        found = row(connection, f"SELECT {counts} FROM {scan.sql}")
        texts += [name for name, count in zip(written, found, strict=True) if count]
    return texts
