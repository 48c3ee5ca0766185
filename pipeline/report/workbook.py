"""The workbook, and the same tables as CSV.

A text never becomes a formula, a link or a number: in the workbook, every text is written as a text. A CSV file has no
types, and a spreadsheet would run a text that begins like a formula, so such a text gets a leading apostrophe. A program
that reads the file removes one apostrophe from each text that `GUARDED` matches to get the exact text.
"""

from __future__ import annotations

import csv
import functools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from pipeline.duck.spill import spill_folder
from pipeline.report.grids import Cell
from pipeline.report.overview import about
from pipeline.report.sheets import Heading, Sheet, sheets
from pipeline.report.source import Source
from pipeline.storage.durable import naming

MOST_ROWS = 1_048_576 - 1  # of a sheet, below its head
MOST_CHARACTERS = 32_767  # of a cell
_TEXTS = 100_000  # whose guarded form is remembered: names recur in every category
_AT_ONCE = 1_000  # rows that are written at once
FORMATS = {"text": "@", "whole": "0", "number": "0.00", "figure": "General", "share": "0%", "money": "#,##0.00"}

# The first letters of a formula in spreadsheets (OWASP, CSV injection), full-width forms included. Leading apostrophes are
# matched too, so that a guarded text differs from every text that needs no guard.
_RISKY = re.compile("^'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
GUARDED = re.compile("^'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write(source: Source, paths: Mapping[str, Path]) -> list[str]:
    """Write the workbook and the CSV files; equal tables give equal bytes.

    Parameters
    ----------
    source : the tables
    paths : the path by target: `workbook`, and one per sheet that is also written as CSV

    Returns
    -------
    Nothing that is to be said at the end of a run: no line.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with (
        spill_folder(source.spill or tempfile.gettempdir()) as folder,
        _opened(paths["workbook"]) as file,
        xlsxwriter.Workbook(file, options | {"tmpdir": str(folder)}) as book,
    ):
        book.set_properties(
            {"title": f"Store clusters: {source.env}", "comments": about(source), "created": datetime(2000, 1, 1)}
        )  # no clock
        formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
        formats["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        _about(source, book)
        for sheet in sheets(source):
            with _csv(sheet, paths.get(sheet.name)) as rows:
                _write_sheet(book, sheet, rows, formats)
    return []


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open the file for a workbook; an error of the disk is raised as an OSError with the file's name."""
    file = path.open("wb")
    try:
        with naming(path):
            try:
                yield file
                file.close()
            except FileCreateError as error:
                raise error.args[0] from error
    except BaseException:
        # The zip archive of xlsxwriter writes its end when it is garbage-collected. That must not fail again, where nobody can
        # catch the error, so it gets an open file that discards everything.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
        raise


def _about(source: Source, book: xlsxwriter.Workbook) -> None:
    page = book.add_worksheet("about")
    page.set_column(0, 0, 110)
    lines = [
        f"Store clusters of environment {source.env}.",
        about(source),
        *(
            ["SAMPLE DATA: these stores and sales are invented. Do not base decisions on them."]
            if source.sample
            else []
        ),
        "clusters: every store's cluster in every category, and how sure it is.",
        "profiles: what each cluster sells more and less of. outside: what is around its stores, by the outside data.",
        "moves: stores that merging moved out of cells too small to plan for. excluded: stores without a cluster, and why.",
        "overrides: the stores that people place themselves. To change them, save a copy of this sheet outside the outputs, edit it, "
        "and name it in [sources.overrides].",
        "dictionary: what every column means. The report beside this file shows the same in pictures.",
    ]
    for number, line in enumerate(lines):
        page.write_string(number, 0, line)


def _write_sheet(
    book: xlsxwriter.Workbook, sheet: Sheet, every_row: Iterable[tuple[Cell, ...]], formats: Mapping[str, Any]
) -> None:
    """Write a sheet; rows beyond Excel's limit go to further, numbered sheets."""
    of_numbers, of_texts = [formats[column.kind] for column in sheet.columns], formats["text"]
    for number, rows in enumerate(_parts(every_row), start=1):
        page = book.add_worksheet(sheet.name if number == 1 else f"{sheet.name} ({number})")
        page.freeze_panes(1, 0)
        for at, column in enumerate(sheet.columns):
            page.set_column(at, at, _width(column), formats[column.kind])
            page.write_string(0, at, column.name, formats["head"])
        last = 0
        for last, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                if isinstance(value, str):
                    write_text(page, last, at, value, of_texts)
                elif value is not None:
                    page.write_number(last, at, value, of_numbers[at])
        page.autofilter(0, 0, max(last, 1), len(sheet.columns) - 1)


def _parts(rows: Iterable[tuple[Cell, ...]], most: int = MOST_ROWS) -> Iterator[Iterator[tuple[Cell, ...]]]:
    """The rows in parts of at most `most`; the first part may be empty. Each part must be read before the next."""
    left = iter(rows)
    yield islice(left, most)
    for row in left:
        yield _with_first(row, islice(left, most - 1))


def _with_first(first: tuple[Cell, ...], others: Iterator[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    yield first
    yield from others


def _width(column: Heading) -> int:
    return {"text": 22, "whole": 11, "number": 11, "figure": 11, "share": 11, "money": 14}[column.kind] + (
        40 if column.name in ("Reason", "Meaning", "Name") else 0
    )


def write_text(page: Any, row: int, column: int, text: str, of_text: Any) -> None:
    """Write a text into a cell of xlsxwriter; a text that is too long for a cell is cut, with an ellipsis.

    The library writes a text from `<r>` to `</r>` as it is, as XML. So its first letter becomes a run of its own.
    """
    text = fitted(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        page.write_rich_string(row, column, text[0], of_text, text[1:], of_text)
    else:
        page.write_string(row, column, text, of_text)


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


def guarded(text: str) -> str:
    """The text for a CSV file, so that no spreadsheet runs it."""
    return f"'{text}" if _RISKY.match(text) else text


def unguarded(text: str) -> str:
    """The text before `guarded`."""
    return text[1:] if GUARDED.match(text) else text


@contextmanager
def _csv(sheet: Sheet, path: Path | None) -> Iterator[Iterator[tuple[Cell, ...]]]:
    """The rows of a sheet, which are written as CSV as they are read, unless `path` is None.

    RFC 4180; UTF-8 with a byte order mark, so that Excel recognises it; numbers with all digits.
    """
    if path is None:
        yield iter(sheet.rows)
        return
    file = path.open("w", encoding="utf-8-sig", newline="")
    try:
        writer = csv.writer(file)
        writer.writerow([guarded(column.name) for column in sheet.columns])
        yield _written(iter(sheet.rows), writer, path)
    finally:
        with naming(path):
            file.close()


def _written(rows: Iterator[tuple[Cell, ...]], writer: Any, path: Path) -> Iterator[tuple[Cell, ...]]:
    guard = functools.lru_cache(_TEXTS)(guarded)
    while some := list(islice(rows, _AT_ONCE)):
        with naming(path):
            writer.writerows([guard(cell) if isinstance(cell, str) else cell for cell in row] for row in some)
        yield from some
