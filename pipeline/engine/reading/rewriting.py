"""What DuckDB cannot read as it is, written anew into its spill folder, block by block: UTF-8, unpacked, without a footer.

DuckDB reads UTF-8 and Latin-1, gzip and no footers. The copy has the lines of the original, so that a line that DuckDB names is that
of the file; and its path ends in the original's, so that messages name it. Only keys that are filled down change what is in a line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from pipeline.engine.reading import encodings
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings
from pipeline.wording import listed

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_NATIVE = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8", "iso8859-1": "latin-1"}
_BLOCK = 1 << 20
_APART, _PROBE = 16 << 20, 1 << 16  # bytes; DuckDB drops lines that are longer than 32 MB
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, csv.Error)
LONGEST = 2_000_000  # characters of a line, and of a row that goes on in the next line; DuckDB takes as many bytes
UNPACKED = 1 << 30  # bytes that any packed file may unpack to, and
TIMES = 200  # as many times its size; text packs to a tenth, and a row that is repeated without end to a thousandth


def packing(path: str) -> str:
    """How a file is packed, whatever its name says: gzip, zip or none."""
    with open(path, "rb") as file:  # noqa: PTH123  # a path from the caller, kept as text
        start = file.read(4)
    return "gzip" if start.startswith(_GZIP) else "zip" if start == _ZIP else "none"


def open_bytes(path: str, setting: str) -> BinaryIO:
    """The bytes of a file, unpacked as they are read.

    Raises
    ------
    RawDataError : a zip archive holds no file, or several; while it is read, a file unpacks to more than it can mean
    """
    kind = packing(path)
    if kind == "gzip":
        return _bounded(cast("BinaryIO", gzip.open(path, "rb")), path)
    if kind == "zip":
        return _bounded(_member(path, setting), path)
    return open(path, "rb")  # noqa: PTH123  # as above; the caller closes it


class _Bounded(io.RawIOBase):
    """The unpacked bytes of a file, up to a limit."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        super().__init__()
        self._file, self._path = file, path
        self._most = self._left = max(UNPACKED, TIMES * os.stat(path).st_size)  # noqa: PTH116  # as above

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; returns how many there were.

        Raises
        ------
        RawDataError : there are more than the limit
        """
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise RawDataError(
                f"{self._path}: unpacks to more than {self._most / 1e6:,.0f} MB, which is more than {TIMES} times its size; if it is what "
                "it should be, unpack it, and set path to the unpacked file"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def _bounded(file: BinaryIO, path: str) -> BinaryIO:
    return io.BufferedReader(_Bounded(file, path), _BLOCK)


def check_lines(path: str, setting: str) -> None:
    """Refuse a file with a line so long that DuckDB, which reads the file itself, drops it and all below without a word.

    A packed file is unpacked for it; of others, a look at every sixteenth megabyte is enough.

    Raises
    ------
    RawDataError : a line is longer than `LONGEST`, or the file unpacks to more than it can mean
    """
    has_long_line = _is_far if packing(path) == "none" else _is_long
    with open_bytes(path, setting) as file:
        if not has_long_line(file):
            return
    with open_bytes(path, setting) as file:
        for _ in lines(io.TextIOWrapper(file, encoding="latin-1", newline=""), path):  # which names the line
            pass


def _is_long(file: BinaryIO) -> bool:
    """Whether more than `LONGEST` bytes stand between two ends of lines."""
    length = 0
    while block := file.read(_BLOCK):
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        length = length + len(block) if end < 0 else len(block) - end - 1
        if length > LONGEST:
            return True
    return False


def _is_far(file: BinaryIO) -> bool:
    """Whether from some place in a file, looked for in steps, no line ends within `LONGEST` bytes."""
    for start in range(0, file.seek(0, os.SEEK_END), _APART):
        file.seek(start)
        length = 0
        while length <= LONGEST and (block := file.read(_PROBE)) and b"\n" not in block and b"\r" not in block:
            length += len(block)
        if length > LONGEST:
            return True
    return False


def lines(text: io.TextIOWrapper, path: str) -> Iterator[str]:
    """The lines of a file, with their ends.

    Raises
    ------
    RawDataError : a line is longer than `LONGEST`
    """
    number = 0
    while line := text.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise _too_long(path, number)
        yield line


def records(lines: Iterable[str], path: str, above: int, **written: Any) -> Iterator[list[str]]:
    """The fields of each row, which may go on in the next line where they are quoted.

    Parameters
    ----------
    lines : of the rows
    path : of the file that they are of
    above : how many lines of it stand above them
    written : how they are written, for `csv.reader`

    Raises
    ------
    RawDataError : a row is longer than `LONGEST`
    """
    length, number = 0, above

    def measured() -> Iterator[str]:
        nonlocal length, number
        for line in lines:
            length, number = length + len(line), number + 1
            if length > LONGEST:
                raise _too_long(path, number)
            yield line

    for fields in csv.reader(measured(), **written):
        length = 0
        yield fields


def _too_long(path: str, number: int) -> RawDataError:
    return RawDataError(
        f"{path}, line {number}: is longer than {LONGEST:,} characters; write each row on a line of its own, and see whether a quote is "
        "not closed"
    )


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
            rewritten = _without_last(lines(text, path), settings.footer_rows)
            if settings.fill_down:
                rewritten = _filled(path, rewritten, settings, setting, header)
            for reached, line in enumerate(rewritten, start=1):  # noqa: B007  # told of below
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
    """The message for a file that is not in the encoding of the settings, with encodings that give words."""
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
    path: str, rewritten: Iterator[str], settings: CsvSettings, setting: str, header: tuple[list[str], int]
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
        yield next(rewritten, "")
    last = [""] * len(places)
    row = io.StringIO()
    writer = csv.writer(row, delimiter=settings.delimiter, quotechar=settings.quote, lineterminator="\n")
    for fields in records(rewritten, path, above, delimiter=settings.delimiter, quotechar=settings.quote):
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
