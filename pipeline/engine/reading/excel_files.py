"""Excel and OpenDocument sheets: the names in their header row, and the rows below it as texts.

The reader is fastexcel: python-calamine gives an error cell (#N/A) as an empty one. All cells become texts: a number is
written shortest (7, 0.1), a date as in ISO 8601, a boolean as `true` or `false`; a formula is what it last came to. A
date without a time is read as midnight, so that a text such as "2024-01-31 00:00:00" is a date as well. A time without a date is
one of the day before Excel's first; it is written as the time alone.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import RawDataError
from pipeline.settings import ExcelSettings
from pipeline.wording import gist, listed, nearest, quoted

_ROUNDED = r"^-?(0|[0-9]+\.[0-9]{9})$"
_TIME = "^1899-12-3[01] ([0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?)$"
_MIDNIGHT = "^([+-]?[0-9]{4,}-[0-9]{2}-[0-9]{2}) 00:00:00$"
_ERRORS = {"Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!"}
_ODS_ERROR = re.compile(b"""<table:table-cell[^<]*calcext:value-type=["']error["']""")  # no text has a "<"
_ROW = "where the names of the columns must be; set header_row in"


@dataclass(frozen=True)
class Sheet:
    """A sheet below its header.

    Attributes
    ----------
    names : of the columns; '' where the header has none
    rows : c0, c1, ..., all text; rows without any value are left out
    errors : by the position of a column that has error cells, the first of them in words
    """

    names: tuple[str, ...]
    rows: pa.Table
    errors: dict[int, str]


def read(path: str, settings: ExcelSettings, setting: str) -> Sheet:
    """The sheet of a file that the settings name.

    Raises
    ------
    RawDataError : the file is no workbook or is protected, the sheet is not there or empty, or its header row is blank
    """
    import fastexcel  # native code: loaded by the process that reads workbooks, and by no other

    try:
        workbook = fastexcel.read_excel(path)
        name = _sheet(path, workbook.sheet_names, settings, setting)
        sheet = workbook.load_sheet(
            name, header_row=None, skip_rows=settings.header_row - 1, dtypes="string", whitespace_as_null=True
        )
        cells, faults = sheet.to_arrow_with_errors()
        cells = _exact(
            cells,
            lambda: workbook.load_sheet(
                name, header_row=None, skip_rows=settings.header_row - 1, dtypes="float", whitespace_as_null=True
            ).to_arrow_with_errors()[0],
        )
        first_column = min((column.absolute_index for column in sheet.available_columns()), default=0)
    except fastexcel.InvalidParametersError:
        cells, faults, first_column = None, None, 0  # the sheet ends above the header
    except (fastexcel.FastExcelError, OSError) as error:
        raise RawDataError(_unreadable(path, error, setting)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # fastexcel's own code gave up, and says so beside `Exception`
            raise
        raise RawDataError(_unreadable(path, error, setting)) from None
    _check_ods(path, setting)
    where = f"sheet {quoted(name)}"
    if cells is None or not cells.num_rows or not cells.num_columns:
        short = f"ends above row {settings.header_row}, {_ROW} [{setting}] excel"
        empty = f"is empty; fill it, or set sheet in [{setting}] excel"
        raise RawDataError(f"{path}: {where} {empty if settings.header_row == 1 else short}")
    found = _below_header(cells)
    if not any(found.names):
        raise RawDataError(f"{path}: row {settings.header_row} of {where} is blank, {_ROW} [{setting}] excel")
    for fault in faults.errors if faults is not None else []:
        row, column = fault.position
        cell = f"{_letters(first_column + column)}{row + 1}"
        if column < len(found.names):
            found.errors.setdefault(column, f"cell {cell} of {where} is {_said(fault.detail)}")
    return found


def _exact(cells: Any, load_floats: Callable[[], Any]) -> Any:
    """The cells, with the numbers that fastexcel rounded to nine decimals as they are in the file.

    Whatever reads as such a number may be one, or a text that looks like it: the same sheet read as numbers tells.
    """
    found: list[Any] = []
    floats = None
    for position, column in enumerate(cells.columns):
        values = column.to_pylist() if pc.any(pc.match_substring_regex(column, _ROUNDED)).as_py() else None
        if values is None:
            found.append(column)
            continue
        floats = load_floats() if floats is None else floats
        numbers = floats.column(position).to_pylist()
        found.append(
            pa.array([_shortest(text, number) for text, number in zip(values, numbers, strict=True)], pa.string())
        )
    return pa.record_batch(found, names=cells.schema.names)


def _shortest(text: str | None, number: float | None) -> str | None:
    if text is None or number is None or not re.search(_ROUNDED, text) or float(text) == number:
        return text
    return repr(number)


def _sheet(path: str, names: Sequence[str], settings: ExcelSettings, setting: str) -> str:
    if settings.sheet is None and names:
        return names[0]
    wanted = unicodedata.normalize("NFC", settings.sheet or "")
    for name in names:
        if unicodedata.normalize("NFC", name) == wanted:
            return name
    raise RawDataError(
        f"{path}: no sheet {quoted(wanted)}{nearest(wanted, names)}; found: {listed(map(quoted, names))}; set sheet in "
        f"[{setting}] excel"
    )


def _below_header(cells: Any) -> Sheet:
    """The header and the rows; without the columns that have neither name nor value."""
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
    rows = pa.table({f"c{position}": column for position, column in enumerate(columns)})
    return Sheet(tuple(names), rows.filter(has_value) if columns else rows, {})


def _said(detail: str) -> str:
    kind = detail.partition("Error(")[2].partition(")")[0]
    return _ERRORS.get(kind, f"#{kind.upper()}!")


def _letters(column: int) -> str:
    """The letters of a column, counted from 0: A, B, ..., Z, AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _check_ods(path: str, setting: str) -> None:
    """Refuse error cells of OpenDocument sheets, which fastexcel gives as empty ones, whatever their column."""
    if not path.lower().endswith(".ods"):
        return
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as content:
        seen = b""
        while block := content.read(1 << 20):
            seen = seen[seen.rfind(b"<") :] + block  # a tag may go on in the next block
            if _ODS_ERROR.search(seen):
                raise RawDataError(
                    f"{path}: a sheet has cells with an error such as #N/A; correct or empty them, or save the sheet as "
                    f".xlsx, where the cell can be named, and change path in [{setting}]"
                )


def _unreadable(path: str, error: BaseException, setting: str) -> str:
    said = gist(error).removeprefix("calamine error: ")
    if "password" in said.lower():
        return f"{path}: is protected by a password; save it without one, or change path in [{setting}]"
    return f"{path}: cannot be read as a workbook: {said}; save it again, or change path in [{setting}]"
