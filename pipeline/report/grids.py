"""Tables as a page shows them: a title, a caption that says what is to be seen, a head and rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from pipeline.schema import TABLES, Column

MOST_ROWS = 500  # a page shows no more of a table: the database and the workbook have all of it

Cell = str | int | float | None


@dataclass(frozen=True)
class Grid:
    """A table. `notes` says of each column what it means, in the order of `head`; a `folded` one opens on request."""

    title: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    folded: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it: the first rows, and how many `more` there are."""
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
    """Rows of a published table, its columns headed and explained by `pipeline.schema`.

    Parameters
    ----------
    name : the table's name in `pipeline.schema`
    frame : some of its rows; column order is the schema's
    title : the heading
    caption : what there is to be seen; default: what the schema says of the table
    left_out : columns that are not shown
    folded : whether it opens on request
    """
    table = TABLES[name]
    columns = [column for column in table.columns if column.name not in left_out]
    cells = [[cell(value, column) for value in frame[column.frame_name]] for column in columns]
    return Grid(
        title,
        caption or f"{table.comment}; {table.grain}.",
        [column.name.replace("_", " ") for column in columns],
        [list(row) for row in zip(*cells, strict=True)],
        [f"{column.comment}{f' [{column.unit}]' if column.unit else ''}" for column in columns],
        folded,
    )


def cell(value: Any, column: Column) -> Cell:
    """A value of a frame as a cell: money in its unit, floats to four digits, yes and no in words."""
    if pd.isna(value):
        return None
    if column.type == "money":
        return round(int(value) / 100, 2)
    if column.type == "boolean":
        return "yes" if value else "no"
    if column.type == "float":
        return float(f"{float(value):.4g}")
    return int(value) if column.type == "integer" else str(value)


def integer(value: Any) -> int | None:
    """A whole number, None where there is none."""
    return None if pd.isna(value) else int(value)


def percent(value: Any, digits: int = 0) -> float | int | None:
    """A share in percent, None where there is none; a whole number without `digits`."""
    if pd.isna(value):
        return None
    rounded = round(100 * float(value), digits)
    return rounded if digits else int(rounded)
