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
        letters = [xl_col_to_name(at) for at in range(len(formats))]
        styles: list[str | None] = [None] * len(formats)  # the library numbers formats in the order of their first use
        texts: dict[str, str] = {}
        last = first - 1
        for last, row in enumerate(rows, start=first):
            number, cells = last + 1, []
            for at, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, str):
                    written = texts.get(value)
                    if written is None:
                        written = texts[value] = self._text(fitted(value), of_text)
                else:
                    style = styles[at]
                    if style is None:
                        style = styles[at] = _style(formats[at])
                    if not isfinite(value):
                        raise ValueError(f"a cell cannot have the number {value}")
                    written = f"{style}><v>{value:.16G}</v></c>"
                cells.append(f'<c r="{letters[at]}{number}"{written}')
            if cells:
                self.fh.write(f'<row r="{number}">{"".join(cells)}</row>')
            if len(texts) > _TEXTS:
                texts.clear()
        if last >= first:
            self._check_dimensions(last, len(formats) - 1)
            self.previous_row = last
        return last

    def _text(self, text: str, of_text: Format) -> str:
        """A cell with this text, behind its reference."""
        text = self._escape_control_characters(text)
        preserved = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
        return f'{_style(of_text)} t="inlineStr"><is><t{preserved}>{self._escape_data(text)}</t></is></c>'


def _style(of: Format) -> str:
    return f' s="{of._get_xf_index()}"'  # noqa: SLF001  # where the library has it


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
