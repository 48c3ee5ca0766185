"""Excel and OpenDocument files: which of their sheets are read, and what is said of one that cannot be.

The reader is fastexcel: python-calamine gives an error cell (#N/A) as an empty one.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import pyarrow.compute as pc

from pipeline.engine.reading import merged_cells
from pipeline.engine.reading.excel_cells import Sheet, below_header, cell_fault, exact, letters
from pipeline.engine.reading.number_formats import NumberFormat
from pipeline.errors import RawDataError
from pipeline.settings import ExcelSettings
from pipeline.wording import common_start, gist, listed, nearest, quoted

_ODS_ERROR = re.compile(b"""<table:table-cell[^<]*calcext:value-type=["']error["']""")  # no text has a "<"
_OPEN = r"^[-+]?[0-9]{1,3}([.][0-9]{3})+$"  # a text that is a number with a point, or one with thousands
_SEARCHED = 50  # rows below the one that should hold the names
_ROW = "where the names of the columns must be; set header_row in"


def read(path: str, settings: ExcelSettings, setting: str, wanted: Sequence[str] = ()) -> list[Sheet]:
    """Return the sheets of a file that the settings name; by default the only visible one.

    Parameters
    ----------
    path : of the workbook
    settings : which sheets, and how they are written
    setting : the table of the config that says so
    wanted : columns that the right sheet has

    Raises
    ------
    RawDataError : the file is no workbook or is protected, a sheet is not there or empty, its header row is blank, or several sheets
        have the columns
    """
    import fastexcel  # native code: loaded by the process that reads workbooks, and by no other

    try:
        workbook = fastexcel.read_excel(path)
        book = _Workbook(path, workbook, settings, setting, tuple(wanted))
        sheets = [book.sheet(name) for name in book.chosen()]
    except (fastexcel.FastExcelError, OSError) as error:
        raise RawDataError(_unreadable(path, error, setting)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # fastexcel's own code gave up, and says so beside `Exception`
            raise
        raise RawDataError(_unreadable(path, error, setting)) from None
    _check_ods(path, setting)
    return sheets


@dataclass(frozen=True)
class _Workbook:
    path: str
    workbook: Any
    settings: ExcelSettings
    setting: str
    wanted: tuple[str, ...]

    def chosen(self) -> list[str]:
        """Return the names of the sheets to read."""
        names = list(self.workbook.sheet_names)
        if self.settings.sheet is None:
            return [self._only(names)]
        asked = (self.settings.sheet,) if isinstance(self.settings.sheet, str) else self.settings.sheet
        chosen: dict[str, None] = {}
        for pattern in asked:
            matching = [name for name in names if _nfc(name) == _nfc(pattern)] or [
                name for name in names if fnmatchcase(_nfc(name), _nfc(pattern)) and self._is_visible(name)
            ]
            if not matching:
                raise RawDataError(
                    f"{self.path}: no sheet {quoted(pattern)}{nearest(pattern, names)}; found: {listed(map(quoted, names))}; set sheet in "
                    f"[{self.setting}] excel"
                )
            chosen |= dict.fromkeys(matching)
        return list(chosen)

    def _only(self, names: list[str]) -> str:
        """Return the sheet to read if the settings name none: hidden sheets do not count, and several visible sheets are an error."""
        visible = [name for name in names if self._is_visible(name)] if len(names) > 1 else names
        if not visible:
            raise RawDataError(
                f"{self.path}: every sheet is hidden: {listed(map(quoted, names))}; set sheet in [{self.setting}] excel"
            )
        fitting = [name for name in visible if len(visible) > 1 and self.wanted and self._has_wanted(name)]
        if len(fitting) > 1:
            raise RawDataError(
                f"{self.path}: {len(fitting)} sheets have the columns that are read, {listed(map(quoted, fitting), 12)}; set "
                f"{_either(fitting, visible)} in [{self.setting}] excel"
            )
        if fitting and fitting[0] != visible[0]:
            raise RawDataError(
                f"{self.path}: sheet {quoted(visible[0])}, the first, has not the columns that are read, but sheet "
                f"{quoted(fitting[0])} has them; set sheet = {_toml(fitting[0])} in [{self.setting}] excel"
            )
        return visible[0]

    def _is_visible(self, name: str) -> bool:
        return bool(self.workbook.load_sheet(name, header_row=None, n_rows=0).visible == "visible")

    def _has_wanted(self, name: str) -> bool:
        """Return whether a sheet has the wanted columns, and rows below them."""
        import fastexcel  # as above

        try:
            top = self.workbook.load_sheet(
                name, header_row=None, skip_rows=self.settings.header_row - 1, n_rows=2, dtypes="string"
            ).to_arrow()
        except fastexcel.InvalidParametersError:
            return False
        return top.num_rows > 1 and set(map(_nfc, self.wanted)) <= {
            _nfc(column[0].as_py() or "") for column in top.columns
        }

    def _cells(self, name: str, dtype: str) -> tuple[Any, Any, int]:
        sheet = self.workbook.load_sheet(
            name, header_row=None, skip_rows=self.settings.header_row - 1, dtypes=dtype, whitespace_as_null=True
        )
        cells, faults = sheet.to_arrow_with_errors()
        return cells, faults, min((column.absolute_index for column in sheet.available_columns()), default=0)

    def sheet(self, name: str) -> Sheet:
        """Return a sheet, below its header."""
        import fastexcel  # as above

        try:
            cells, faults, first_column = self._cells(name, "string")
            cells = exact(cells, lambda: self._cells(name, "float")[0])
        except fastexcel.InvalidParametersError:
            cells, faults, first_column = None, None, 0  # the sheet ends above the header
        where, header_row, setting = f"sheet {quoted(name)}", self.settings.header_row, self.setting
        if cells is None or not cells.num_rows or not cells.num_columns:
            short = f"ends above row {header_row}, {_ROW} [{setting}] excel"
            empty = f"is empty; fill it, or set sheet in [{setting}] excel"
            raise RawDataError(f"{self.path}: {where} {empty if header_row == 1 else short}")
        sheet = below_header(name, cells, self._masks(name, cells))
        if not any(sheet.names):
            raise RawDataError(f"{self.path}: row {header_row} of {where} is blank, {_ROW} [{setting}] excel")
        for fault in faults.errors if faults is not None else []:
            row, column = fault.position
            cell = f"{letters(first_column + column)}{row + 1}"
            if column < len(sheet.names):
                sheet.errors.setdefault(column, f"cell {cell} of {where} is {cell_fault(fault.detail)}")
        return self._filled(sheet, cells, first_column)

    def _masks(self, name: str, cells: Any) -> Any | None:
        """Return which cells are numbers, where texts may write them otherwise than with a point; None if it does not matter."""
        default = NumberFormat()
        if NumberFormat.of(self.settings) == default and not any(
            pc.any(pc.match_substring_regex(column, _OPEN)).as_py() for column in cells.columns
        ):
            return None
        return self._cells(name, "boolean")[0]

    def _filled(self, sheet: Sheet, cells: Any, first_column: int) -> Sheet:
        """Return the sheet with values filled down, and with notes on merged cells and missing columns."""
        missing = [name for name in self.settings.fill_down if name not in sheet.names]
        if missing:
            raise RawDataError(
                f"{self.path}: sheet {quoted(sheet.name)}: no column {listed(map(quoted, missing))}; found: "
                f"{listed(map(quoted, filter(None, sheet.names)))}; correct fill_down in [{self.setting}] excel"
            )
        rows = sheet.rows.slice(0, max(sheet.rows.num_rows - self.settings.footer_rows, 0))
        for name in self.settings.fill_down:
            at = rows.column_names.index(f"c{sheet.names.index(name)}")
            rows = rows.set_column(at, rows.column_names[at], pc.fill_null_forward(rows.column(at)))
        return replace(sheet, rows=rows, hint=self._hint(sheet, cells), doubts=self._merged(sheet, first_column))

    def _merged(self, sheet: Sheet, first_column: int) -> tuple[str, ...]:
        """Return doubts of cells that were merged over rows: all but the first read as empty."""
        merged = [
            (name, area)
            for column, area in merged_cells.below(self.path, sheet.name, self.settings.header_row)
            if 0 <= (at := column - first_column) < len(sheet.names) and (name := sheet.names[at])
            if name not in self.settings.fill_down
        ]
        if not merged:
            return ()
        names = list(dict.fromkeys(name for name, _ in merged))
        return (
            f"sheet {quoted(sheet.name)} has cells merged over rows, such as {merged[0][1]} in column {quoted(names[0])}: all rows but "
            f"the first read as empty; set fill_down = [{', '.join(map(_toml, names))}] in [{self.setting}] excel where the value holds "
            "for all of them, or unmerge them",
        )

    def _hint(self, sheet: Sheet, cells: Any) -> str:
        wanted = set(map(_nfc, self.wanted))
        if not wanted or wanted <= set(map(_nfc, sheet.names)):
            return ""
        for number in range(1, min(cells.num_rows, _SEARCHED)):
            if wanted <= {_nfc((column[number].as_py() or "").strip()) for column in cells.columns}:
                row = self.settings.header_row + number
                return f"row {row} has the columns: set header_row = {row} in [{self.setting}] excel"
        others = [name for name in self.workbook.sheet_names if name != sheet.name and self._has_wanted(name)]
        if not others:
            return ""
        return f"sheet {quoted(others[0])} has the columns: set sheet = {_toml(others[0])} in [{self.setting}] excel"


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _either(fitting: list[str], visible: list[str]) -> str:
    """Return how to name one sheet, and how to name all of these."""
    start = common_start(fitting).rstrip("0123456789 ")
    others = [name for name in visible if name not in fitting]
    if not others:
        every = _toml("*") if len(start) < 2 else _toml(f"{start}*")
    elif start and not any(name.startswith(start) for name in others):
        every = _toml(f"{start}*")
    else:
        every = f"[{', '.join(map(_toml, fitting))}]"
    return f"sheet = {_toml(fitting[0])} to read one of them, or sheet = {every} to read all as one table,"


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
    fault = gist(error).removeprefix("calamine error: ")
    if "password" in fault.lower():
        return f"{path}: is protected by a password; save it without one, or change path in [{setting}]"
    return f"{path}: cannot be read as a workbook: {fault}; save it again, or change path in [{setting}]"
