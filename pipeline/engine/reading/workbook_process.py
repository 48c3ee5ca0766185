"""A workbook is read by a process of its own (`own_process`), because its reader is native code, and a workbook is packed.

It answers with the rows as Arrow streams, one per sheet. It costs a quarter of a second per workbook, most of it the import of the
libraries.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from pipeline.engine.reading import excel_files, own_process
from pipeline.engine.reading.excel_cells import Sheet
from pipeline.settings import ExcelSettings


def read(
    path: str,
    settings: ExcelSettings,
    setting: str,
    wanted: Sequence[str] = (),
    *,
    memory: int | None = None,
    folder: Path | None = None,
) -> list[Sheet]:
    """The sheets of a file that the settings name, as `excel_files.read` gives them.

    Parameters
    ----------
    path, settings, setting, wanted : as there
    memory, folder : as `own_process.ask` takes them

    Raises
    ------
    RawDataError : as there, or the file made its reader end
    """
    question = {"path": path, "settings": msgspec.to_builtins(settings), "setting": setting, "wanted": list(wanted)}
    source = pa.BufferReader(own_process.ask(__name__, path, question, memory=memory, folder=folder))
    sheets = []
    while source.tell() < source.size():
        with pa.ipc.open_stream(source) as stream:
            sheets.append(_sheet(stream.read_all()))
    return sheets


def _sheet(rows: pa.Table) -> Sheet:
    about = json.loads(rows.schema.metadata[b"sheet"])
    errors = {int(position): fault for position, fault in about["errors"].items()}
    rows = rows.replace_schema_metadata(None)
    return Sheet(about["name"], tuple(about["names"]), rows, errors, about["hint"], tuple(about["doubts"]))


def answer(question: dict[str, Any]) -> None:
    """Write the sheets to standard output."""
    settings = msgspec.convert(question["settings"], ExcelSettings)
    for sheet in excel_files.read(question["path"], settings, question["setting"], question["wanted"]):
        about = {
            "name": sheet.name,
            "names": sheet.names,
            "errors": sheet.errors,
            "hint": sheet.hint,
            "doubts": sheet.doubts,
        }
        rows = sheet.rows.replace_schema_metadata({"sheet": json.dumps(about)})
        with pa.ipc.new_stream(sys.stdout.buffer, rows.schema) as stream:
            stream.write_table(rows)


if __name__ == "__main__":
    own_process.reply(answer)
