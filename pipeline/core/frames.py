"""Frames of the tables of `pipeline.schema`: from rows, from parts, without rows, and by category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from pipeline.schema import Table

_DTYPES = {"text": "object", "integer": "int64", "float": "float64", "boolean": "bool", "money": "int64"}
_WITH_NULLS = {"integer": "Int64", "boolean": "boolean"}


def dtypes(table: Table) -> dict[str, str]:
    """The type of each of the table's columns in a frame."""
    return {
        column.frame_name: (_WITH_NULLS if column.nullable else _DTYPES).get(column.type, _DTYPES[column.type])
        for column in table.columns
    }


def frame(table: Table, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """The rows as a frame with the table's columns and types, sorted by the key; only the columns if there are no rows.

    `rows` have one value per column, in the table's order; None for a missing value.
    """
    types = dtypes(table)
    unsorted = pd.DataFrame(list(rows), columns=list(types), dtype=object).astype(types)
    return unsorted.sort_values(list(table.key), ignore_index=True)


def empty(table: Table) -> pd.DataFrame:
    """The table without rows: its columns and their types."""
    return frame(table, [])


def stacked(table: Table, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The parts in one frame, sorted by the table's key; `empty` if no part has a row."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled).sort_values(list(table.key), ignore_index=True) if filled else empty(table)


class ByCategory(Protocol):
    """A table by category: in memory or not."""

    @property
    def categories(self) -> list[str]:
        """The categories with a row, sorted."""
        ...

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category; none if it has none."""
        ...


class Grouped:
    """A table in memory, by category."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._nothing = table.iloc[:0]
        self._rows = {str(category): rows for category, rows in table.groupby("category", sort=True)}

    @property
    def categories(self) -> list[str]:
        """The categories with a row, sorted."""
        return list(self._rows)

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category; none if it has none."""
        return self._rows.get(category, self._nothing)


def by_category(table: pd.DataFrame | ByCategory) -> ByCategory:
    """The table by category."""
    return Grouped(table) if isinstance(table, pd.DataFrame) else table
