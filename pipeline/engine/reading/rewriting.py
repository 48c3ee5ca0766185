"""What DuckDB cannot read as it is, written anew into its spill folder, block by block: UTF-8, unpacked, without a footer.

DuckDB reads UTF-8 and Latin-1, gzip and no footers. The copy has the lines of the original, so that a line that DuckDB names is that
of the file; and its path ends in the original's, so that messages name it. Only keys that are filled down change what is in a line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.engine.reading import encodings
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings
from pipeline.wording import listed

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_NATIVE = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8", "iso8859-1": "latin-1"}
_BLOCK = 1 << 20
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def packing(path: str) -> str:
    """How a file is packed, whatever its name says: gzip, zip or none."""
    with open(path, "rb") as file:  # noqa: PTH123  # a path from the caller, kept as text
        start = file.read(4)
    return "gzip" if start.startswith(_GZIP) else "zip" if start == _ZIP else "none"


def open_bytes(path: str, setting: str) -> BinaryIO:
    """The bytes of a file, unpacked as they are read.

    Raises
    ------
    RawDataError : a zip archive holds no file, or several
    """
    kind = packing(path)
    if kind == "gzip":
        return cast("BinaryIO", gzip.open(path, "rb"))
    if kind == "zip":
        return _member(path, setting)
    return open(path, "rb")  # noqa: PTH123  # as above; the caller closes it


def _member(path: str, setting: str) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    names = [
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        content = f"{len(names)} files: {listed(names, 5)}" if names else "no file"
        raise RawDataError(
            f"{path}: the archive holds {content}; it must hold one: unpack it, and change path in [{setting}]"
        )
    return cast("BinaryIO", archive.open(names[0]))


def encoding_of(path: str, settings: CsvSettings, setting: str) -> str:
    """Python's codec for a file; UTF-8 and UTF-16 with or without a byte order mark.

    Raises
    ------
    RawDataError : Python knows no such encoding
    """
    name = encodings.codec(settings.encoding)
    if name is None:
        raise RawDataError(
            f"{path}: encoding = {settings.encoding!r} is no encoding of text that Python knows; set it to one, such as utf-8, cp1252, "
            f"cp1251, gb18030, in [{setting}] csv"
        )
    return "utf-8-sig" if name == "utf-8" else name


def must(settings: CsvSettings) -> bool:
    """Whether DuckDB cannot read files that are written so."""
    return encodings.codec(settings.encoding) not in _NATIVE or settings.footer_rows > 0 or bool(settings.fill_down)


def native(settings: CsvSettings) -> str:
    """DuckDB's name of an encoding that it reads itself."""
    return _NATIVE[encodings.codec(settings.encoding) or "utf-8"]


def rewrite(path: str, settings: CsvSettings, setting: str, folder: Path, header: tuple[list[str], int]) -> str:
    """Write the copy, unless it is there; its path.

    Parameters
    ----------
    path : of the file
    settings : how it is written
    setting : the table of the config that says so
    folder : for copies
    header : the names of the columns, and how many lines stand above the first row

    Raises
    ------
    RawDataError : the file cannot be read, is not in this encoding, or lacks a column that is filled down
    """
    copy = Path(f"{folder}/{setting}{path}")
    if copy.exists():
        return str(copy)
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f"{copy.name}.part")
    reached = 0
    try:
        with open_bytes(path, setting) as raw, part.open("w", encoding="utf-8", newline="") as out:
            text = io.TextIOWrapper(raw, encoding=encoding_of(path, settings, setting), newline="")
            lines = _without_last(text, settings.footer_rows)
            if settings.fill_down:
                lines = _filled(path, lines, settings, setting, header)
            for reached, line in enumerate(lines, start=1):  # noqa: B007  # told of below
                out.write(line.rstrip("\r\n"))
                out.write("\n")
    except UnicodeError:
        raise RawDataError(
            f"{path}, line {reached + settings.footer_rows + 1}: {not_in(path, settings, setting)}"
        ) from None
    except UNREADABLE as error:
        raise RawDataError(f"{path}: cannot be read: {error}; write the file again") from None
    part.replace(copy)
    return str(copy)


def not_in(path: str, settings: CsvSettings, setting: str) -> str:
    """What to say of a file that is not in the encoding of the settings: those under which it reads as words."""
    readings = encodings.readings(lambda: open_bytes(path, setting), settings.encoding)
    fault = f"bytes that are not text in {settings.encoding}"
    if not readings:
        return f"{fault}; find out how the file was written, and set encoding in [{setting}] csv to that, or write it as UTF-8"
    shown = ", ".join(f'"{name}"' + (f" (reads '{example}')" if example else "") for name, example in readings)
    which = f"to {shown}" if len(readings) == 1 else f"to the one that reads right: {shown}"
    return f"{fault}; set encoding in [{setting}] csv {which}"


def decodes(path: str, settings: CsvSettings, setting: str) -> bool:
    """Whether a file is text in the encoding of the settings."""
    return encodings.decodes(lambda: open_bytes(path, setting), settings.encoding)


def _without_last(text: Iterable[str], count: int) -> Iterator[str]:
    """The lines without the last ones; blank lines at the end are not counted."""
    waiting: deque[str] = deque()
    filled = 0
    for line in text:
        waiting.append(line)
        filled += bool(line.strip())
        while filled > count:
            first = waiting.popleft()
            filled -= bool(first.strip())
            yield first


def _filled(
    path: str, lines: Iterator[str], settings: CsvSettings, setting: str, header: tuple[list[str], int]
) -> Iterator[str]:
    """The rows with the keys that stand in the first of several rows repeated in the others; what is above them stays."""
    names, above = header
    missing = [name for name in settings.fill_down if name not in names]
    if missing:
        raise RawDataError(
            f"{path}: no column {listed(missing)}; found: {listed(names)}; correct fill_down in [{setting}] csv"
        )
    places = [names.index(name) for name in settings.fill_down]
    for _ in range(above):
        yield next(lines, "")
    last = [""] * len(places)
    row = io.StringIO()
    writer = csv.writer(row, delimiter=settings.delimiter, quotechar=settings.quote, lineterminator="\n")
    for fields in csv.reader(lines, delimiter=settings.delimiter, quotechar=settings.quote):
        for at, position in enumerate(places):
            if position < len(fields):
                last[at] = fields[position] = fields[position] if fields[position].strip() else last[at]
        row.seek(0)
        row.truncate()
        writer.writerow(fields)
        yield row.getvalue()


def is_really_utf8(path: str, settings: CsvSettings, setting: str) -> bool:
    """Whether a file that the settings call a one-byte encoding is UTF-8 with letters beyond ASCII, by its first block."""
    name = encodings.codec(settings.encoding)
    if name in (None, "utf-8", "utf-8-sig") or name.startswith("utf"):
        return False
    with open_bytes(path, setting) as file:
        block = file.read(_BLOCK)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError:
        return False
    return not text.isascii()
