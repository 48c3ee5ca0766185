"""Part of this program as a process of its own with limits: a damaged or hostile file may end that process, never the run.

Native code may abort on a file, or ask for more memory than there is; a few megabytes may unpack to gigabytes. So the process has
limits of memory and of processor time, and it ends with the process that started it, also where that is killed. It gets a question
as JSON on standard input, and writes its answer into a file without a name, from which the answer is read without a copy.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import PipelineError, RawDataError
from pipeline.machine import processes

LIBRARIES = 400_000_000  # bytes of address space that the libraries take by themselves
SECONDS = 30  # of processor time, and one more for each of
BYTES_PER_SECOND = 250_000  # of the file: a tenth of what a slow machine reads of a workbook
_PACKAGES = str(Path(__file__).parents[3])
_REFUSED, _FULL = 30, 31


def ask(
    module: str, path: str, question: dict[str, Any], *, memory: int | None = None, folder: Path | None = None
) -> pa.Buffer:
    """The answer of a module that calls `reply`.

    Parameters
    ----------
    module : its name
    path : of the file that it reads
    question : what it is asked, as `json` writes it
    memory : bytes that it may take; by default a quarter of the machine's
    folder : where the answer may lie; by default the system's folder for temporary files

    Raises
    ------
    RawDataError : it refused the file, or the file made it end
    PipelineError : the folder is full
    """
    memory = memory or processes.quarter_of_memory()
    seconds = SECONDS + os.stat(path).st_size // BYTES_PER_SECOND  # noqa: PTH116  # a path from the caller, kept as text
    limits = {"parent": os.getpid(), "memory": memory + LIBRARIES, "seconds": seconds}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([_PACKAGES, os.environ.get("PYTHONPATH", "")])}
    environment["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others take address space for later
    with tempfile.TemporaryFile(dir=folder) as answer:
        done = subprocess.run(  # noqa: S603  # this program, reading a file
            [sys.executable, "-m", module],
            input=json.dumps({"limits": limits, "question": question}).encode(),
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=_PACKAGES,
            env=environment,
            check=False,
        )
        if done.returncode == _FULL:
            raise PipelineError(f"{path}: spill space ran out; free space under [engine] spill_folder")
        if done.returncode not in (0, _REFUSED):
            raise RawDataError(_ended(path, done.returncode, memory, seconds))
        answer.seek(0)
        if done.returncode == _REFUSED:
            raise RawDataError(*answer.read().decode().splitlines())
        if not os.fstat(answer.fileno()).st_size:
            return pa.py_buffer(b"")
        return pa.py_buffer(mmap.mmap(answer.fileno(), 0, access=mmap.ACCESS_READ))


def _ended(path: str, code: int, memory: int, seconds: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    if code == -signal.SIGXCPU:
        return f"{path}: cannot be read: its reader took more than {seconds} s of processor time; save its rows as Parquet or CSV"
    return (
        f"{path}: cannot be read: its reader {how}: the file is damaged, or needs more than {memory / 1e6:,.0f} MB of memory; save it "
        "again, as Parquet or CSV where it is large, or raise memory_limit in [engine]"
    )


def reply(answer: Callable[[Any], Any]) -> None:
    """In the process itself: answer the question within the limits; a refusal ends it with code 30.

    Parameters
    ----------
    answer : gets the question, and writes the answer to standard output
    """
    asked = json.load(sys.stdin)
    limits = asked["limits"]
    processes.end_with(limits["parent"])
    processes.limit(limits["memory"], limits["seconds"])
    try:
        answer(asked["question"])
        sys.stdout.flush()
    except RawDataError as error:
        sys.stdout.buffer.write("\n".join(error.lines).encode(errors="replace"))
        sys.stdout.flush()
        raise SystemExit(_REFUSED) from None
    except OSError as error:
        raise SystemExit(_FULL if error.errno == errno.ENOSPC else 1) from None
