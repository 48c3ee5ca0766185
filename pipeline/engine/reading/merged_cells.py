"""Cells of an Excel sheet that are merged over rows, read from the parts of an .xlsx file: fastexcel does not say them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
_BLOCK = 1 << 20
_LONGEST = 200  # bytes of such an element


def below(path: str, sheet: str, header_row: int) -> Iterator[tuple[int, str]]:
    """Return the areas of one column and several rows below the header: column counted from 0, and the area, such as A2:A9.

    None for other types of workbooks, and for files that are not built as these are.
    """
    if not path.lower().endswith((".xlsx", ".xlsm")):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            part = _part(archive, sheet)
            areas = list(_areas(archive, part)) if part in archive.namelist() else []
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError):
        return
    for left, top, right, bottom in areas:
        if left == right and bottom > top > header_row:
            yield _number(left), f"{left}{top}:{right}{bottom}"


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # Python's expat bounds what entities expand to
    ids = {element.get("name"): element.get(_ID) for element in book.iter(f"{_MAIN}sheet")}
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  # as above
    target = next((element.get("Target", "") for element in links if element.get("Id") == ids.get(sheet)), "")
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _areas(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, int, str, int]]:
    with archive.open(part) as sheet:
        seen = b""
        while block := sheet.read(_BLOCK):
            seen = seen[-_LONGEST:] + block  # an element may go on in the next block
            for match in _MERGED.finditer(seen):
                yield match[1].decode(), int(match[2]), match[3].decode(), int(match[4])


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
