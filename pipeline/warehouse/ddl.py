"""DDL from `pipeline.schema`: tables, their keys, and a comment on each table and column."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.duck.quoting import identifier, literal, unique_names
from pipeline.schema import MONEY, Column, Table

TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "money": f"DECIMAL({MONEY[0]},{MONEY[1]})",
    "timestamp": "TIMESTAMP",
}


def column_names(columns: Sequence[Column]) -> list[str]:
    """The names of the columns in the database. Names of a wide table may collide there; `unique_names` makes them unique."""
    return unique_names(column.name for column in columns)


def create_table(table: Table, columns: Sequence[Column]) -> str:
    """The CREATE TABLE statement.

    Parameters
    ----------
    table : the table's declaration
    columns : its columns in order, including those that depend on the data
    """
    lines = [
        f"{identifier(name)} {TYPES[column.type]}{'' if column.nullable else ' NOT NULL'}"
        for name, column in zip(column_names(columns), columns, strict=True)
    ]
    lines.append(f"PRIMARY KEY ({', '.join(identifier(name) for name in table.key)})")
    return f"CREATE TABLE {identifier(table.name)} ({', '.join(lines)})"


def comments(table: Table, columns: Sequence[Column]) -> list[str]:
    """COMMENT ON statements: the table with its grain, each column with its unit."""
    statements = [comment_on("TABLE", identifier(table.name), f"{table.comment}; {table.grain}")]
    for name, column in zip(column_names(columns), columns, strict=True):
        text = comment_of(column) if name == column.name else f"{comment_of(column)}; {column.name!r} in the data"
        statements.append(comment_on("COLUMN", f"{identifier(table.name)}.{identifier(name)}", text))
    return statements


def comment_of(column: Column) -> str:
    """The meaning of a column, with its unit."""
    return f"{column.comment} [{column.unit}]" if column.unit else column.comment


def comment_on(kind: str, name: str, text: str) -> str:
    """A COMMENT ON statement for a quoted name."""
    return f"COMMENT ON {kind} {name} IS {literal(text)}"
