"""Workbooks written by hand, so that a test says what is in a cell: a value, a date, an error, a formula's last result."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

Rows = Sequence[Sequence[object]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


@dataclass(frozen=True)
class Error:
    """A cell with an error, such as #N/A."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A cell with a formula, and what it last came to."""

    formula: str
    result: str | float


def xlsx(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write an Excel workbook; None is no cell."""
    names = enumerate(sheets, start=1)
    entries = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"/>' for n, name in names)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    root = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    types = '<Default Extension="xml" ContentType="application/xml"/>'
    formats = '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'  # general, a date, a date with a time
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3">{formats}</cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), start=1):
        lines = "".join(_line(number, row) for number, row in enumerate(rows, start=1))
        parts[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')


def _line(number: int, row: Sequence[object]) -> str:
    cells = "".join(_cell(f"{chr(65 + n)}{number}", value) for n, value in enumerate(row) if value is not None)
    return f'<row r="{number}">{cells}</row>'


def _cell(address: str, value: object) -> str:
    if isinstance(value, Error):
        return f'<c r="{address}" t="e"><v>{value.text}</v></c>'
    if isinstance(value, Formula):
        kind = ' t="str"' if isinstance(value.result, str) else ""
        return f'<c r="{address}"{kind}><f>{escape(value.formula)}</f><v>{escape(str(value.result))}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{address}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, date):
        instant = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        days = (instant - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c r="{address}" s="{2 if isinstance(value, datetime) else 1}"><v>{days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{address}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{address}"><v>{value}</v></c>'


def ods(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write an OpenDocument workbook of texts, numbers and errors, as LibreOffice does."""
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(f"<table:table-row>{''.join(_ods_cell(value) for value in row)}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "table", "text"))
    calcext = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", mime)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0">{entry}</manifest:manifest>',
        )
        archive.writestr("content.xml", f"<office:document-content {spaces} {calcext}>{body}</office:document-content>")


def _ods_cell(value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, Error):
        kind = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
    elif isinstance(value, str):
        kind = 'office:value-type="string"'
    else:
        kind = f'office:value-type="float" office:value="{value}"'
    text = value.text if isinstance(value, Error) else value
    return f"<table:table-cell {kind}><text:p>{escape(str(text))}</text:p></table:table-cell>"


def protected(path: Path) -> None:
    """Write what a workbook with a password is: a compound file (MS-CFB) that holds `EncryptedPackage`."""
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6) + struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    fat = struct.pack("<128I", fat_sector, end, *[free] * 126)
    entries = [("Root Entry", 5, 1), ("EncryptedPackage", 2, free), ("", 0, free), ("", 0, free)]
    folder = b""
    for name, kind, child in entries:
        text = name.encode("utf-16-le")
        size = len(text) + 2 if name else 0
        folder += struct.pack("<64sHBB3I36xI8x", text, size, kind, 1, free, free, child, end)
    path.write_bytes(header + fat + folder)
