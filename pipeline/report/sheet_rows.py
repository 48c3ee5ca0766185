"""Rows of cells as the XML of a worksheet, on disk until their workbook is complete; and the workbook made of them and of a template.

A library makes the template: every sheet with its head, widths, filters and formats, and cells where the first and the last row will be. The
rows of all sheets are written beside it as the file format has them (ECMA-376 part 1, 18.3.1), and take the place of these cells.
"""

from __future__ import annotations

import re
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import IO, BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from pipeline.report.grids import Cell
from pipeline.storage.durable import naming

MOST_CHARACTERS = 32_767  # of a cell
_TEXTS = 100_000  # that are remembered: names recur in every category
_AT_ONCE = 1_000  # rows that are written at once
_CHUNK = 1 << 20  # bytes
# What XML cannot have, and what would be read as such a character, is written as _xHHHH_ (ECMA-376 part 1, 22.9.2.19).
_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_CELL = re.compile(r'<c r="([A-Z]+)2"(?: s="(\d+)")?')
_ROWS_BELOW_THE_HEAD = re.compile(r"(?<=</row>)<row .*(?=</sheetData>)", re.DOTALL)


class SheetRows:
    """The rows of a sheet below its head, as XML in a file without a name."""

    def __init__(self, rows: Iterable[Sequence[Cell]], styles: Sequence[str], of_text: str, folder: Path) -> None:
        """Write the rows.

        Parameters
        ----------
        rows : their cells; None is an empty cell; a text that is too long for a cell is cut
        styles : the attributes of a cell with a number, by column
        of_text : of a cell with a text, whatever its column
        folder : for the file

        Raises
        ------
        ValueError : a number is NaN or infinite
        """
        self.count = 0
        self._letters = [letters(at) for at in range(len(styles))]
        self._styles, self._of_text = styles, of_text
        self._texts: dict[str, str] = {}
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with this object
        self._close = weakref.finalize(self, self._file.close)
        waiting: list[str] = []
        for self.count, row in enumerate(rows, start=1):
            if cells := self._cells(self.count + 1, row):
                waiting.append(f'<row r="{self.count + 1}">{cells}</row>')
            if len(waiting) == _AT_ONCE:
                self._write(waiting)
        self._write(waiting)

    def _write(self, waiting: list[str]) -> None:
        with naming(self._folder):
            self._file.write("".join(waiting).encode())
        waiting.clear()

    def _cells(self, number: int, row: Sequence[Cell]) -> str:
        """The cells of the row with this number, from 1."""
        texts, cells = self._texts, []
        for value, letter, style in zip(row, self._letters, self._styles, strict=True):
            if isinstance(value, str):
                cells.append(f'<c r="{letter}{number}"{texts.get(value) or self._text(value)}')
            elif value is not None:
                if not isfinite(value):
                    raise ValueError(f"a cell cannot have the number {value}")
                cells.append(f'<c r="{letter}{number}"{style}><v>{value:.16G}</v></c>')
        return "".join(cells)

    def _text(self, value: str) -> str:
        """What follows the reference of a cell with this text."""
        if len(self._texts) >= _TEXTS:
            self._texts.clear()
        text = _ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", fitted(value))
        space = ' xml:space="preserve"' if text != text.strip() else ""
        self._texts[value] = cell = f'{self._of_text} t="inlineStr"><is><t{space}>{escape(text)}</t></is></c>'
        return cell

    def copy_to(self, target: IO[bytes]) -> None:
        """Write the rows to a file, and remove their own."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            target.write(chunk)
        self._close()


def styles_of(template: BinaryIO, sheet: str) -> list[str]:
    """The style attribute of each cell in the second row of a sheet of a template, by the sheet's path in it."""
    with ZipFile(template) as package:
        text = package.read(sheet).decode()
    return [f' s="{style}"' if style else "" for _, style in _CELL.findall(text)]


def write_package(template: BinaryIO, rows: Mapping[str, SheetRows], file: BinaryIO) -> None:
    """Write a workbook.

    Parameters
    ----------
    template : the workbook without rows
    rows : by the path of a sheet in it
    file : the workbook that is written
    """
    with ZipFile(template) as package, ZipFile(file, "w", ZIP_DEFLATED) as written:
        for entry in package.infolist():
            content = package.read(entry)
            if entry.filename not in rows:
                written.writestr(entry, content)
                continue
            before, after = _ROWS_BELOW_THE_HEAD.sub("\0", content.decode(), count=1).split("\0")
            with written.open(entry, "w", force_zip64=True) as sheet:
                sheet.write(before.encode())
                rows[entry.filename].copy_to(sheet)
                sheet.write(after.encode())


def letters(column: int) -> str:
    """The letters of a column, from 0: A to Z, AA, AB, ..."""
    text = ""
    while column >= 0:
        text = chr(ord("A") + column % 26) + text
        column = column // 26 - 1
    return text


def fitted(text: str) -> str:
    """The text within the limit of an Excel cell: a longer text is cut, with an ellipsis."""
    return text if _length(text) <= MOST_CHARACTERS else _cut(text)


def _length(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)  # Excel counts UTF-16


def _cut(text: str) -> str:
    cut = text[: MOST_CHARACTERS - 1]
    while _length(cut) > MOST_CHARACTERS - 1:
        cut = cut[: MOST_CHARACTERS - 1 - (_length(cut) - len(cut))]
    return f"{cut}…"
