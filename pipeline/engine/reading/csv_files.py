"""CSV files: their header, and how DuckDB is to read the rest.

The header is read here rather than guessed: all columns are text until `numbers` and `keys` say what they are.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from typing import BinaryIO, cast

from pipeline.duck.quoting import literal
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings

_GZIP = b"\x1f\x8b"
_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1"}
_SPACES = " \u00a0\u202f"  # what programs write between thousands for "a space"
_AROUND = _SPACES + "\t\r"


def header(path: str, settings: CsvSettings, setting: str) -> tuple[list[str], str]:
    """The names in the first line of a CSV file, and its compression: gzip or none, whatever its name says.

    Raises
    ------
    RawDataError : the file is empty, is not text in this encoding, or starts with a blank line
    """
    advice = f"check encoding, delimiter and quote in [{setting}] csv"
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # a path from the caller, kept as text
            start = file.read(2)
            file.seek(0)
            compression = "gzip" if start == _GZIP else "none"
            names = _first_record(file, compression, settings)
    except (UnicodeError, csv.Error) as error:
        raise RawDataError(f"{path}: the header cannot be read: {error}; {advice}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise RawDataError(f"{path}: cannot be read: {error}; write the file again") from None
    if settings.encoding == "utf-16" and start == codecs.BOM_UTF16_BE:
        raise RawDataError(
            f"{path}: UTF-16 with the high byte first, which DuckDB cannot read; write the file as UTF-8, and remove "
            f"encoding from [{setting}] csv"
        )
    if names is None:
        raise RawDataError(f"{path}: the file is empty; write it again, or change path in [{setting}]")
    if not any(name.strip() for name in names):
        raise RawDataError(f"{path}: the first line is blank, where the names of the columns must be; {advice}")
    if any("\ufffd" in name or "\0" in name for name in names):
        raise RawDataError(f"{path}: the header has bytes that are not {settings.encoding} text; {advice}")
    return names, compression


def _first_record(file: BinaryIO, compression: str, settings: CsvSettings) -> list[str] | None:
    raw = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if compression == "gzip" else file
    # A block is decoded at once: what cannot be decoded may stand in a later line, which DuckDB then names.
    with io.TextIOWrapper(raw, encoding=_CODECS[settings.encoding], errors="replace", newline="") as text:
        return next(csv.reader(text, delimiter=settings.delimiter, quotechar=settings.quote, strict=True), None)


def scan(paths: Sequence[str], columns: int, compression: str, settings: CsvSettings, options: str) -> str:
    """The SQL that reads CSV files with as many columns: `c0`, `c1`, ..., all text.

    `options` are further ones of DuckDB's. A row with more or fewer fields is an error. An empty field without quotes is null; NA, null and None are texts.
    """
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(columns))
    files = ", ".join(literal(path) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, columns = {{{names}}}, "
        f"delim = {literal(settings.delimiter)}, quote = {literal(settings.quote)}, escape = {literal(settings.quote)}, "
        f"encoding = {literal(settings.encoding)}, compression = {literal(compression)}, nullstr = '', "
        f"allow_quoted_nulls = false, strict_mode = true, null_padding = false, {options})"
    )


def number(expression: str, settings: CsvSettings) -> str:
    """The SQL of the number that a text stands for, DOUBLE; null where it stands for none.

    A sign, digits with or without thousands marks (in groups of three), a decimal part, an exponent; white space
    around it. "NaN", "inf" and "12.50-" are no numbers.
    """
    point = re.escape(settings.decimal)
    mark = {"": "", " ": f"[{_SPACES}]"}.get(settings.thousands, re.escape(settings.thousands))
    digits = "[0-9]+" if not mark else f"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)"
    written = f"[+-]?(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    pattern = f"[{_AROUND}]*{written}[{_AROUND}]*"
    plain = f"REGEXP_REPLACE({expression}, {literal(f'[{_AROUND}]+' + (f'|{mark}' if mark else ''))}, '', 'g')"
    if settings.decimal != ".":
        plain = f"REPLACE({plain}, {literal(settings.decimal)}, '.')"
    return f"CASE WHEN REGEXP_FULL_MATCH({expression}, {literal(pattern)}) THEN TRY_CAST({plain} AS DOUBLE) END"
