"""CSV files: their header, and how DuckDB is to read the rest.

The header is read here rather than guessed: all columns are text until `number_formats` and `keys` say what they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipeline.duck.quoting import literal
from pipeline.engine.reading import rewriting
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings

_SEPARATOR = re.compile("sep=(.)", re.IGNORECASE)  # a first line that tells Excel what stands between fields
_DELIMITERS = ";\t|,"
_WRITTEN = {"\t": "\\t"}  # in a config
_SEARCHED = 50  # rows below the one that should hold the names


@dataclass(frozen=True)
class Head:
    """The top of a CSV file.

    Attributes
    ----------
    names : of the columns
    packing : gzip, zip or none, whatever the name of the file says
    above : how many lines stand above the names
    delimiter : what stands between two fields
    hint : what to change where wanted columns are not among the names, and the file shows it; "" where it does not
    ends_differ : whether the lines above end otherwise than that of the names, which DuckDB takes for one line
    """

    names: tuple[str, ...]
    packing: str
    above: int
    delimiter: str
    hint: str = ""
    ends_differ: bool = False


def head(path: str, settings: CsvSettings, setting: str, wanted: Collection[str] = ()) -> Head:
    """Read the names in the header row of a CSV file.

    Raises
    ------
    RawDataError : the file is empty or ends above the header, the header is blank, or not text in this encoding
    """
    advice = f"check encoding, delimiter and quote in [{setting}] csv"
    encoding = rewriting.encoding_of(path, settings, setting)
    try:
        packing = rewriting.packing(path)
        with rewriting.open_bytes(path, setting) as raw:
            # A block is decoded at once: what cannot be decoded may stand in a later line, which is named then.
            text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
            head = _read(text, path, settings, packing, wanted, setting)
    except (UnicodeError, csv.Error) as error:
        raise RawDataError(f"{path}: the header cannot be read: {error}; {advice}") from None
    except rewriting.UNREADABLE as error:
        raise RawDataError(f"{path}: cannot be read: {error}; write the file again") from None
    if head is None:
        short = (
            f"the file ends above row {settings.header_row}, where the names of the columns must be; set header_row in"
        )
        empty = f"the file is empty; write it again, or change path in [{setting}]"
        raise RawDataError(f"{path}: {empty if settings.header_row == 1 else f'{short} [{setting}] csv'}")
    if not any(name.strip() for name in head.names):
        which = "the first line is" if not head.above else f"row {head.above + 1} is"
        raise RawDataError(
            f"{path}: {which} blank, where the names of the columns must be; set header_row in [{setting}] csv, or {advice}"
        )
    if (
        any("\0" in name for name in head.names)
        and settings.encoding.startswith("utf")
        and _is_text(path, settings, setting)
    ):
        raise RawDataError(f"{path}: the header has NUL characters; write the file again, or {advice}")
    if any("\ufffd" in name or "\0" in name for name in head.names):
        fault = rewriting.not_in(path, settings, setting)
        raise RawDataError(f"{path}: the header has {fault}")
    return head


def _is_text(path: str, settings: CsvSettings, setting: str) -> bool:
    """Whether a file decodes, and has no byte order mark of UTF-16."""
    with rewriting.open_bytes(path, setting) as raw:
        start = raw.read(2)
    return start not in (b"\xff\xfe", b"\xfe\xff") and rewriting.decodes(path, settings, setting)


def _read(
    text: io.TextIOWrapper, path: str, settings: CsvSettings, packing: str, wanted: Collection[str], setting: str
) -> Head | None:
    lines = rewriting.lines(text, path)
    above, delimiter = settings.header_row - 1, settings.delimiter
    first = next(lines, None)
    if first is None:
        return None
    if declared := _SEPARATOR.fullmatch(first.strip("\r\n")):
        above, delimiter = max(above, 1), declared[1]
    skipped: list[str] = []
    if above:
        skipped = [first, *islice(lines, above - 1)]
        first = next(lines, None)
    if len(skipped) < above or first is None:
        return None
    ends_differ = len({line[len(line.rstrip("\r\n")) :] for line in (*skipped, first)} - {""}) > 1
    whole = _chained(first, lines)
    written: dict[str, Any] = {"delimiter": delimiter, "quotechar": settings.quote, "strict": True}
    names = next(rewriting.records(whole, path, above, **written), None)
    if names is None:
        return None
    hint = "" if set(wanted) <= set(names) else _hint(first, lines, above, delimiter, settings, wanted, setting)
    return Head(tuple(names), packing, above, delimiter, hint, ends_differ)


def _chained(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others


def _hint(
    first: str,
    below: Iterator[str],
    above: int,
    delimiter: str,
    settings: CsvSettings,
    wanted: Collection[str],
    setting: str,
) -> str:
    """What to set where the wanted columns stand in a row below, or between other delimiters."""
    for number, line in enumerate([first, *islice(below, _SEARCHED)], start=above + 1):
        for mark in (delimiter, *_DELIMITERS):
            fields = next(csv.reader([line], delimiter=mark, quotechar=settings.quote), [])
            if wanted and set(wanted) <= {field.strip() for field in fields}:
                row = [] if number == above + 1 else [f"header_row = {number}"]
                between = [] if mark == delimiter else [f'delimiter = "{_WRITTEN.get(mark, mark)}"']
                if row or between:
                    return f"row {number} has the columns: set {' and '.join([*row, *between])} in [{setting}] csv"
    return ""


def scan(paths: Sequence[str], head: Head, settings: CsvSettings, encoding: str, options: str) -> str:
    """The SQL that reads CSV files with the same head: `c0`, `c1`, ..., all text.

    `options` are further ones of DuckDB's. A row with more or fewer fields is an error. An empty field without quotes is null; NA, null and None are texts.
    """
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(head.names)))
    files = ", ".join(literal(path) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, skip = {head.above}, columns = {{{names}}}, "
        f"delim = {literal(head.delimiter)}, quote = {literal(settings.quote)}, escape = {literal(settings.quote)}, "
        f"encoding = {literal(encoding)}, compression = {literal(head.packing)}, nullstr = '', "
        f"allow_quoted_nulls = false, strict_mode = true, null_padding = false, {options})"
    )
