"""The beginning of a raw file, and how it seems to be written: encoding, delimiter, sheet, header row, marks in numbers."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.raw_files import FORMATS
from pipeline.engine.proposing import amounts, gaps
from pipeline.engine.proposing.amounts import Written
from pipeline.engine.reading import rewriting
from pipeline.errors import RawDataError
from pipeline.wording import counted, gist, listed

ROWS = 5_000  # read of each file
_BYTES = 2_000_000
_HEADERS = 30  # rows that may stand above and at the header of a sheet
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# A number with groups of three digits and decimals, the marks told apart.
_GROUPED = re.compile(r"[-+]?\d{1,3}(?P<mark>[.,' \u00a0\u202f\u2019])\d{3}(?:(?P=mark)\d{3})*(?P<point>[.,])\d+")
_DECIMAL = re.compile(r"[-+]?\d*(?P<point>[.,])\d+")
_THREE = re.compile(r"[-+]?\d{1,3}(?:[.,]\d{3})+")
_DIGITS = re.compile(r"[-+]?[\d.,' \u00a0\u202f\u2019]*\d")
_SPACES = {"\u00a0": " ", "\u202f": " ", "\u2019": "'"}


@dataclass(frozen=True)
class Sample:
    """The beginning of a file.

    Attributes
    ----------
    path : the file
    columns : by name, the values of the first rows as texts; None where there is none
    csv, excel : what of the settings `csv` and `excel` is not as by default
    doubts : what is unsure about how it is read
    is_whole : whether these are all of its rows
    """

    path: Path
    columns: Mapping[str, Sequence[str | None]]
    csv: Written = field(default_factory=dict)
    excel: Written = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    is_whole: bool = True

    def values(self, name: str) -> list[str]:
        """Return the values of a column that are there, trimmed."""
        return [text.strip() for text in self.columns[name] if text is not None and text.strip()]


def read(path: Path) -> Sample:
    """Return the beginning of a file.

    Raises
    ------
    RawDataError : it is of no known type, or cannot be read
    """
    name = path.name.lower()
    readers = {"Parquet": _parquet, "CSV": _csv, "Excel": _excel}
    reader = next((readers[kind] for kind, suffixes in FORMATS.items() if name.endswith(suffixes)), None)
    if reader is None:
        raise RawDataError(f"{path}: not a known type of file; give Parquet, CSV or Excel files")
    try:
        return reader(path)
    except (*rewriting.UNREADABLE, UnicodeError, OverflowError, pa.ArrowException) as error:
        raise RawDataError(f"{path}: cannot be read: {gist(error)}; write the file again, or leave it out") from None


def _parquet(path: Path) -> Sample:
    file = pq.ParquetFile(path)
    batch = next(file.iter_batches(batch_size=ROWS), None)
    columns = (
        {}
        if batch is None
        else {name: [_text(value) for value in batch.column(name).to_pylist()] for name in batch.schema.names}
    )
    return Sample(path, columns, is_whole=file.metadata.num_rows <= ROWS)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return repr(value) if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- CSV


def _csv(path: Path) -> Sample:
    with rewriting.open_bytes(str(path), "sources.internal_sales") as file:
        data = file.read(_BYTES)
        is_whole = not file.read(1)
    encoding, doubts = _encoding(data)
    text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("replace").decode(data)
    lines = text.splitlines(keepends=True)
    if not is_whole and len(lines) > 1:
        lines = lines[:-1]
    delimiter = _delimiter(lines[:200])
    rows = list(islice(csv.reader(lines, delimiter=delimiter), ROWS + 1))
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise RawDataError(f"{path}: the file is empty; write it again, or leave it out")
    above = _rows_above(rows)
    is_whole = is_whole and len(rows) <= ROWS
    footers = gaps.footer_rows(rows[above + 1 :], len(rows[above])) if is_whole else 0
    header = rows[above]
    body = [row for row in rows[above + 1 : len(rows) - footers] if len(row) == len(header)]
    columns, settings, unsure = _read_on({name: [row[at] or None for row in body] for at, name in enumerate(header)})
    layout: Written = {"encoding": encoding, "delimiter": delimiter, "header_row": above + 1, "footer_rows": footers}
    default: Written = {"encoding": "utf-8", "delimiter": ",", "header_row": 1, "footer_rows": 0}
    changed = {key: value for key, value in layout.items() if value != default[key]}
    if footers:
        doubts.append(
            f"its last {counted(footers, 'row is', 'rows are')} taken for no data, such as {rows[-1][0][:40]!r}"
        )
    return Sample(path, columns, csv={**changed, **settings}, doubts=(*doubts, *unsure), is_whole=is_whole)


def _read_on(columns: dict[str, Sequence[str | None]]) -> tuple[dict[str, Sequence[str | None]], Written, list[str]]:
    """Columns of texts with values filled down, the settings by which they are read, and what is unsure about them."""
    columns, filled = gaps.filled_down(columns)
    beside, unsure = amounts.settings_of(columns)
    marks, more = _marks(columns)
    settings: Written = {**{key: value for key, value in marks.items() if value}, **beside}
    if settings.get("decimal") == ".":
        del settings["decimal"]
    if filled:
        settings["fill_down"] = filled
        unsure.append(f"{listed(filled, 4)}: a value holds for the rows below it: see whether cells were merged")
    return columns, settings, [*unsure, *more]


def _rows_above(rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows stand above the names: the first row with a different word for each of the fields that most rows have."""
    width = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
    for position, row in enumerate(rows[:_HEADERS]):
        texts = [text.strip() for text in row if text.strip()]
        words = not any(_DIGITS.fullmatch(text) for text in texts[:2])
        if width and len(row) == width[0][0] and words and len(texts) >= len(row) - 1 and len(set(texts)) == len(texts):
            return position
    return next(position for position, row in enumerate(rows) if any(row))


def _encoding(data: bytes) -> tuple[str, list[str]]:
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            return name, []
    if b"\x00" in data[:1000]:
        return "utf-16", ["it holds zero bytes and is taken for utf-16"]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError as error:
        shown = data[max(error.start - 10, 0) : error.start + 10].decode("cp1252", "replace").strip()
        name = "cp1252" if any(0x80 <= byte <= 0x9F for byte in data) else "latin-1"
        return name, [f"it is not UTF-8, and taken for {name}, where it says {shown!r}: see whether accents are right"]
    return "utf-8", []


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter with which most lines have as many fields as the first, and that the most."""
    scores = {}
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if counts and counts[0] > 1:
            scores[delimiter] = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
    return max(scores, key=lambda each: scores[each]) if scores else ","


def _marks(columns: Mapping[str, Sequence[str | None]]) -> tuple[dict[str, str], list[str]]:
    """Return the decimal and thousands marks of the numbers, and what is unsure about them."""
    points: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    threes = []
    for name, text in _numbers(columns):
        if grouped := _GROUPED.fullmatch(text):
            if grouped["mark"] != grouped["point"]:
                points[grouped["point"]] += 1
                groups[_SPACES.get(grouped["mark"], grouped["mark"])] += 1
        elif _THREE.fullmatch(text):
            threes.append((name, text))
        elif decimal := _DECIMAL.fullmatch(text):
            points[decimal["point"]] += 1
    marks = {"decimal": _most(points, "."), "thousands": _most(groups, "")}
    unsure = []
    if len(points) > 1:
        unsure.append(
            "its numbers have decimal points and commas: correct them, or see whether one is a mark of thousands"
        )
    if threes and not groups:
        unsure += _with_three_digits(columns, *threes[0], marks)
    return marks, unsure


def _with_three_digits(
    columns: Mapping[str, Sequence[str | None]], name: str, text: str, marks: dict[str, str]
) -> list[str]:
    """Return what is unsure of numbers such as 1.003 in a column; `marks` gets that of thousands where they are taken for such."""
    mark = "," if "," in text else "."
    if mark != marks["decimal"] or _beside_whole_numbers(columns[name], mark):
        if mark == marks["decimal"]:
            marks["decimal"] = "." if mark == "," else ""
        marks["thousands"] = mark
        return [f"in column {name!r}, {text} is taken for a number with thousands"]
    if all(len(other.rpartition(mark)[2]) == 3 for other in columns[name] if other and mark in other):
        return [f"in column {name!r}, {text} may be with decimals or with thousands: it is taken for decimals"]
    return []


def _beside_whole_numbers(values: Sequence[str | None], mark: str) -> bool:
    """Return whether numbers below a thousand stand without the mark, beside those with three digits behind it: 901 beside 1.003."""
    texts = [number for text in values if text and (number := amounts.number_of(text.strip()))]
    whole = [text for text in texts if mark not in text]
    return bool(whole) and all(len(text) <= 3 for text in whole) and not any(text.startswith("0") for text in texts)


def _most(counts: Counter[str], otherwise: str) -> str:
    return counts.most_common(1)[0][0] if counts else otherwise


def _numbers(columns: Mapping[str, Sequence[str | None]]) -> Iterator[tuple[str, str]]:
    """Return the texts of the columns that hold numbers, with the column's name."""
    for name, values in columns.items():
        texts = [text.strip() for text in values if text and text.strip()]
        numbers = [number for text in texts if (number := amounts.number_of(text))]
        if len(numbers) > 0.5 * len(texts):
            yield from ((name, number) for number in numbers)


# ---------------------------------------------------------------- Excel


def _excel(path: Path) -> Sample:
    import fastexcel  # native code, and not needed for anything else

    try:
        workbook = fastexcel.read_excel(str(path))
        sheets = {}
        for name in workbook.sheet_names:
            sheet = workbook.load_sheet(name, header_row=None, n_rows=ROWS, dtypes="string")
            if getattr(sheet, "visible", "visible") == "visible":
                sheets[name] = sheet.to_arrow()
    except fastexcel.FastExcelError as error:
        raise RawDataError(f"{path}: cannot be read: {gist(error)}; write the file again, or leave it out") from None
    tables = {name: table for name, cells in sheets.items() if (table := _below_header(cells)) is not None}
    if not tables:
        raise RawDataError(f"{path}: no sheet that is shown has a row of names above values; leave the file out")
    chosen = max(tables, key=lambda name: len(next(iter(tables[name][1].values()), ())))
    row, columns = tables[chosen]
    doubts = []
    alike = [name for name, (_, other) in tables.items() if list(other) == list(columns)]
    if len(alike) > 1:
        doubts.append(f"its sheets {', '.join(map(repr, alike))} have the same columns, and are read as one")
    elif len(tables) > 1:
        doubts.append(f"it has {len(tables)} sheets, and {chosen!r} is read: {', '.join(map(repr, tables))}")
    columns, settings, unsure = _read_on(columns)
    doubts += unsure
    if len(alike) > 1:
        settings["sheet"] = alike
    elif chosen != workbook.sheet_names[0]:
        settings["sheet"] = chosen
    if row > 1:
        settings["header_row"] = row
    return Sample(path, columns, excel=settings, doubts=tuple(doubts))


def _below_header(cells: pa.RecordBatch) -> tuple[int, dict[str, Sequence[str | None]]] | None:
    """Return the row of the names, counted from 1, and the columns below: the first row with a different text in each column that has values."""
    values = [column.to_pylist() for column in cells.columns]
    if not values:
        return None
    width = max(sum(column[row] is not None for column in values) for row in range(len(values[0]))) if values[0] else 0
    for row in range(min(_HEADERS, len(values[0]))):
        names = [column[row] for column in values]
        texts = [name.strip() for name in names if name is not None and name.strip()]
        are_words = all(not re.fullmatch(r"[-+]?[\d.,]+", text) for text in texts)
        if len(texts) >= max(2, width - 1) and len(set(texts)) == len(texts) and are_words:
            return row + 1, {name: column[row + 1 :] for name, column in zip(names, values, strict=True) if name}
    return None
