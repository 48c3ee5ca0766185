"""A workbook is read by a process of its own: a damaged or hostile one may end its reader, never the run.

The reader is native code. Where a file makes it abort, or ask for more memory than the machine has, its process ends, and the run
says so in one line. That process gets a path and settings as JSON on standard input and answers on standard output: the rows as an
Arrow stream, or what is wrong. It costs a quarter of a second per workbook, most of it the import of the libraries.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from pipeline.engine.reading import excel_files
from pipeline.engine.reading.excel_cells import Sheet
from pipeline.errors import RawDataError
from pipeline.settings import ExcelSettings

_PACKAGES = str(Path(__file__).parents[3])
_REFUSED = 30


def read(path: str, settings: ExcelSettings, setting: str, wanted: Sequence[str] = ()) -> list[Sheet]:
    """The sheets of a file that the settings name, as `excel_files.read` gives them.

    Raises
    ------
    RawDataError : as there, or the file made its reader end
    """
    asked = {"path": path, "settings": msgspec.to_builtins(settings), "setting": setting, "wanted": list(wanted)}
    done = subprocess.run(  # noqa: S603  # this program, reading a file
        [sys.executable, "-m", __name__],
        input=json.dumps(asked).encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([_PACKAGES, os.environ.get("PYTHONPATH", "")])},
        check=False,
    )
    if done.returncode == _REFUSED:
        raise RawDataError(done.stdout.decode())
    if done.returncode:
        raise RawDataError(
            f"{path}: cannot be read as a workbook: its reader {_ended(done.returncode)}: the file is damaged, or needs more "
            f"memory than there is; save it again, as Parquet or CSV where it is large, or change path in [{setting}]"
        )
    source = pa.BufferReader(done.stdout)
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


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def main() -> None:
    """Read the workbook that standard input names; end with code 30 where it cannot be read."""
    _limit()
    asked = json.load(sys.stdin)
    settings = msgspec.convert(asked["settings"], ExcelSettings)
    try:
        sheets = excel_files.read(asked["path"], settings, asked["setting"], asked["wanted"])
    except RawDataError as error:
        sys.stdout.buffer.write(str(error).encode())
        raise SystemExit(_REFUSED) from None
    for sheet in sheets:
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


def _limit() -> None:
    """Take no more memory than the machine has (a sheet may claim rows and columns that fill any), and leave no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = total if hard == resource.RLIM_INFINITY else min(total, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
