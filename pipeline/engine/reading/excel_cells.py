"""The cells of a sheet as texts: the names in its header row, and the rows below it.

A number is written shortest (7, 0.1), a date as in ISO 8601, a boolean as `true` or `false`; a formula is what it last came to. A
date without a time is read as midnight, so that a text such as "2024-01-31 00:00:00" is a date as well. A time without a date is
one of the day before Excel's first; it is written as the time alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_ROUNDED = r"^-?(0|[0-9]+\.[0-9]{9})$"
_TIME = "^1899-12-3[01] ([0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?)$"
_MIDNIGHT = "^([+-]?[0-9]{4,}-[0-9]{2}-[0-9]{2}) 00:00:00$"
_ERRORS = {"Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!"}


@dataclass(frozen=True)
class Sheet:
    """A sheet below its header.

    Attributes
    ----------
    name : its name
    names : of the columns; '' where the header has none
    rows : c0, c1, ..., all text, and n0, n1, ... where texts write numbers otherwise than cells: whether the cell is a number; rows
        without any value are left out
    errors : by the position of a column that has error cells, the first of them in words
    hint : what to set where wanted columns are missing, and the workbook shows it
    doubts : what should be looked at, a line each
    """

    name: str
    names: tuple[str, ...]
    rows: pa.Table
    errors: dict[int, str]
    hint: str = ""
    doubts: tuple[str, ...] = ()


def below_header(sheet: str, cells: Any, masks: Any | None) -> Sheet:
    """Return the sheet below its first row, which has the names; without the columns at its end that have neither name nor value.

    Parameters
    ----------
    sheet : its name
    cells : its cells as texts
    masks : its cells as booleans, null where a cell is no number; None where it does not matter
    """
    names, columns, has_value = [], [], None
    for column in pa.Table.from_batches([cells]).columns:
        times = pc.replace_substring_regex(column.cast(pa.string()), _TIME, "\\1")
        iso = pc.replace_substring_regex(times, _MIDNIGHT, "\\1")
        values = iso.slice(1)
        name = iso[0].as_py() or ""
        names.append(name if name.strip() else "")
        columns.append(values)
        valid = pc.is_valid(values)
        has_value = valid if has_value is None else pc.or_(has_value, valid)
    while names and not names[-1] and columns[-1].null_count == len(columns[-1]):
        names.pop()
        columns.pop()
    by_name = {f"c{position}": column for position, column in enumerate(columns)}
    if masks is not None:
        numbers = pa.Table.from_batches([masks]).columns[: len(columns)]
        by_name |= {f"n{position}": pc.is_valid(column.slice(1)) for position, column in enumerate(numbers)}
    rows = pa.table(by_name)
    return Sheet(sheet, tuple(names), rows.filter(has_value) if columns else rows, {})


def exact(cells: Any, load_floats: Callable[[], Any]) -> Any:
    """Return the cells, with the numbers that fastexcel rounded to nine decimals as they are in the file.

    Whatever reads as such a number may be one, or a text that looks like it: the same sheet read as numbers tells.
    """
    columns: list[Any] = []
    floats = None
    for position, column in enumerate(cells.columns):
        values = column.to_pylist() if pc.any(pc.match_substring_regex(column, _ROUNDED)).as_py() else None
        if values is None:
            columns.append(column)
            continue
        floats = load_floats() if floats is None else floats
        numbers = floats.column(position).to_pylist()
        columns.append(
            pa.array([_shortest(text, number) for text, number in zip(values, numbers, strict=True)], pa.string())
        )
    return pa.record_batch(columns, names=cells.schema.names)


def _shortest(text: str | None, number: float | None) -> str | None:
    if text is None or number is None or not re.search(_ROUNDED, text) or float(text) == number:
        return text
    return repr(number)


def cell_fault(detail: str) -> str:
    """Return the error of a cell as the spreadsheet shows it, such as #DIV/0!, from how the reader words it."""
    kind = detail.partition("Error(")[2].partition(")")[0]
    return _ERRORS.get(kind, f"#{kind.upper()}!")


def letters(column: int) -> str:
    """Return the letters of a column, counted from 0: A, B, ..., Z, AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
