"""A worksheet of xlsxwriter that takes whole rows: the bytes that it has cell by cell, in a sixth of the time.

The library checks each cell, holds it until its row is full, and escapes its text. Here a row is written when it comes, and a text that was
written before is not escaped again. Everything else is the library's: the temporary file, the sheet around the rows, the formats, the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from pipeline.report.grids import Cell

MOST_CHARACTERS = 32_767  # of a cell
_TEXTS = 100_000  # that are remembered: names recur in every category


class RowSheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A worksheet of a workbook with `constant_memory`."""

    def write_rows(self, first: int, rows: Iterable[Sequence[Cell]], formats: Sequence[Format], of_text: Format) -> int:
        """Write rows below all that the sheet has.

        Parameters
        ----------
        first : the number of the first row, from 0
        rows : their cells; None is an empty cell; a text that is too long for a cell is cut
        formats : of the numbers of each column
        of_text : of texts, whatever their column

        Returns
        -------
        The number of the last row; `first` - 1 without rows.

        Raises
        ------
        ValueError : a number is NaN or infinite
        """
        self._write_single_row(first)  # what the library still holds
        written = _Cells(self, formats, of_text)
        last = first - 1
        for last, row in enumerate(rows, start=first):
            if cells := written.of_row(last + 1, row):
                self.fh.write(f'<row r="{last + 1}">{cells}</row>')
        if last >= first:
            self._check_dimensions(last, len(formats) - 1)
            self.previous_row = last
        return last

    def text(self, text: str) -> tuple[str, str]:
        """A text as XML, and the attribute that it needs."""
        text = self._escape_control_characters(text)
        preserved = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
        return self._escape_data(text), preserved


class _Cells:
    """The cells of rows as XML."""

    def __init__(self, sheet: RowSheet, formats: Sequence[Format], of_text: Format) -> None:
        self._sheet, self._formats, self._of_text = sheet, formats, of_text
        self._letters = [xl_col_to_name(at) for at in range(len(formats))]
        self._styles: dict[int, str] = {}
        self._texts: dict[str, str] = {}

    def of_row(self, number: int, row: Sequence[Cell]) -> str:
        """The cells of a row with this number, from 1."""
        texts, styles = self._texts, self._styles
        cells = []
        for at, (value, letter) in enumerate(zip(row, self._letters, strict=True)):
            if isinstance(value, str):
                cells.append(f'<c r="{letter}{number}"{texts.get(value) or self._text(value)}')
            elif value is not None:
                if not isfinite(value):
                    raise ValueError(f"a cell cannot have the number {value}")
                cells.append(f'<c r="{letter}{number}"{styles.get(at) or self._style(at)}><v>{value:.16G}</v></c>')
        return "".join(cells)

    def _style(self, at: int) -> str:
        """The format of a column: the library numbers formats in the order of their first use."""
        self._styles[at] = style = _style(self._formats[at])
        return style

    def _text(self, value: str) -> str:
        if len(self._texts) >= _TEXTS:
            self._texts.clear()
        text, preserved = self._sheet.text(fitted(value))
        self._texts[value] = written = f'{_style(self._of_text)} t="inlineStr"><is><t{preserved}>{text}</t></is></c>'
        return written


def _style(of: Format) -> str:
    return f' s="{of._get_xf_index()}"'


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
