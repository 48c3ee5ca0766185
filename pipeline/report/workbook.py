"""The workbook, and the same tables as CSV.

A text never becomes a formula, a link or a number: in the workbook, every text is written as a text. A CSV file has no
types, and a spreadsheet would run a text that begins like a formula, so such a text gets a leading apostrophe. A program
that reads the file removes one apostrophe from each text that `GUARDED` matches to get the exact text.
"""

from __future__ import annotations

import csv
import functools
import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import xlsxwriter

from pipeline.duck.spill import spill_folder
from pipeline.report.grids import Cell
from pipeline.report.overview import about
from pipeline.report.sheet_rows import SheetRows, styles_of, write_package
from pipeline.report.sheets import Heading, Sheet, sheets
from pipeline.report.source import Source
from pipeline.storage.durable import naming

MOST_ROWS = 1_048_576 - 1  # of a sheet, below its head
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
    every_sheet = list(sheets(source))
    # The library numbers formats in the order of their first use, which further sheets of the same columns do not change.
    styles = _styles(_template(source, [_Part(sheet, None) for sheet in every_sheet]), every_sheet)
    with spill_folder(source.spill or tempfile.gettempdir()) as folder:
        parts = []
        for sheet in every_sheet:
            of_columns = [styles[column.kind] for column in sheet.columns]
            with _csv(sheet, paths.get(sheet.name)) as every_row:
                parts += [
                    _Part(sheet, SheetRows(rows, of_columns, styles["text"], folder)) for rows in _parts(every_row)
                ]
        by_path = {_path(position): part.rows for position, part in enumerate(parts) if part.rows}
        with naming(paths["workbook"]), paths["workbook"].open("wb") as file:
            write_package(_template(source, parts), by_path, file)
    return []


class _Part(NamedTuple):
    """A sheet, and rows of it that fit into a sheet of the workbook."""

    sheet: Sheet
    rows: SheetRows | None


def _path(position: int) -> str:
    """The path of a sheet in the workbook, from 0; the sheet about comes before all others."""
    return f"xl/worksheets/sheet{position + 2}.xml"


def _styles(template: BinaryIO, every_sheet: Sequence[Sheet]) -> dict[str, str]:
    """The style of cells by kind."""
    return {
        column.kind: style
        for position, sheet in enumerate(every_sheet)
        for column, style in zip(sheet.columns, styles_of(template, _path(position)), strict=True)
    }


def _formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
    return formats | {"head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})}


def _template(source: Source, parts: Sequence[_Part]) -> BinaryIO:
    """The workbook without the rows, of which each sheet has a first and a last one."""
    template = io.BytesIO()
    with xlsxwriter.Workbook(template, {"in_memory": True}) as book:
        book.set_properties(
            {"title": f"Store clusters: {source.env}", "comments": about(source), "created": datetime(2000, 1, 1)}
        )  # no clock
        formats = _formats(book)
        _about(source, book)
        numbers: Counter[str] = Counter()
        for part in parts:
            numbers[part.sheet.name] += 1
            _add_sheet(book, part, numbers[part.sheet.name], formats)
    return template


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


def _add_sheet(book: xlsxwriter.Workbook, part: _Part, number: int, formats: Mapping[str, Any]) -> None:
    """Add a sheet; rows beyond Excel's limit go to further, numbered sheets."""
    columns, last = part.sheet.columns, part.rows.count if part.rows else 0
    page = book.add_worksheet(part.sheet.name if number == 1 else f"{part.sheet.name} ({number})")
    page.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        page.set_column(at, at, _width(column), formats[column.kind])
        page.write_string(0, at, column.name, formats["head"])
        for row in {1, max(last, 1)}:
            page.write_blank(row, at, None, formats[column.kind])
    page.autofilter(0, 0, max(last, 1), len(columns) - 1)


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
