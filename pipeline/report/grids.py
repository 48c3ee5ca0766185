"""Tables as the page shows them: title, caption, head and rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.schema import TABLES, Column

MOST_ROWS = 500  # per table on the page; the database and the workbook have all rows

Cell = str | int | float | None


@dataclass(frozen=True)
class Grid:
    """A table. `notes` holds the meaning of each column, in the order of `head`; a `folded` table opens on a click."""

    title: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    folded: bool = False

    def plain(self) -> dict[str, Any]:
        """The table for JSON: the first rows, and in `more` the number of further rows."""
        return asdict(self) | {"rows": list(self.rows[:MOST_ROWS]), "more": max(0, len(self.rows) - MOST_ROWS)}


def of_table(
    name: str,
    frame: pd.DataFrame,
    title: str,
    *,
    caption: str = "",
    left_out: Collection[str] = (),
    folded: bool = False,
) -> Grid:
    """Rows of a published table, with heads and meanings of its columns from `pipeline.schema`.

    Parameters
    ----------
    name : the table's name in `pipeline.schema`
    frame : some of its rows; column order is the schema's
    title : the heading
    caption : what the table shows; default: its description in the schema
    left_out : columns that are not shown
    folded : whether it opens on a click
    """
    table = TABLES[name]
    columns = [column for column in table.columns if column.name not in left_out]
    cells = [[cell(value, column) for value in frame[column.frame_name]] for column in columns]
    return Grid(
        title,
        caption or f"{table.comment}; {table.grain}.",
        [column.title for column in columns],
        [list(row) for row in zip(*cells, strict=True)],
        [f"{column.comment}{f' [{column.unit}]' if column.unit else ''}" for column in columns],
        folded,
    )


def cell(value: Any, column: Column) -> Cell:
    """A value of a frame as a cell: money in currency, floats to four digits, booleans as yes and no."""
    if pd.isna(value):
        return None
    if column.type == "money":
        return round(float(value) / 100, 6)
    if column.type == "boolean":
        return "yes" if value else "no"
    if column.type == "float":
        return float(f"{float(value):.4g}")
    return int(value) if column.type == "integer" else str(value)


def integer(value: Any) -> int | None:
    """A whole number; None for a missing value."""
    return None if pd.isna(value) else int(value)


def integers(values: pd.Series[Any]) -> list[int | None]:
    """`integer` of each value."""
    return _or_none(values.fillna(0).astype("int64").tolist(), values)


def numbers(values: pd.Series[Any]) -> list[float | None]:
    """Each value as a float; None for a missing value."""
    return _or_none(values.to_numpy(dtype="float64", na_value=np.nan).tolist(), values)


def percents(values: pd.Series[Any]) -> list[int | None]:
    """`percent` of each value, without digits."""
    rounded = np.rint(100 * values.to_numpy(dtype="float64", na_value=0.0))
    return _or_none(np.nan_to_num(rounded).astype("int64").tolist(), values)


def flags(values: pd.Series[Any]) -> list[bool]:
    """Whether each value is true; a missing value is not."""
    are_true: list[bool] = values.eq(True).fillna(False).astype("bool").tolist()
    return are_true


def _or_none(filled: list[Any], values: pd.Series[Any]) -> list[Any]:
    missing = values.isna().to_numpy(dtype="bool")
    if not missing.any():
        return filled
    return [None if is_missing else value for value, is_missing in zip(filled, missing.tolist(), strict=True)]


def percent(value: Any, digits: int = 0) -> float | int | None:
    """A share in percent; None for a missing value; a whole number if `digits` is 0."""
    if pd.isna(value):
        return None
    rounded = round(100 * float(value), digits)
    return rounded if digits else int(rounded)
