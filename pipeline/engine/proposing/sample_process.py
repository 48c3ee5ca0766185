"""The beginning of a workbook, read by a process of its own (`own_process`), as a run reads workbooks."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.config.raw_files import format_of
from pipeline.engine.proposing import samples
from pipeline.engine.proposing.samples import Sample
from pipeline.engine.reading import own_process
from pipeline.machine import processes

_MEMORY = 2_000_000_000  # bytes; a million rows of ten columns


def read(path: Path) -> Sample:
    """The beginning of a file, as `samples.read` gives it.

    Raises
    ------
    RawDataError : as there, or a workbook made its reader end
    """
    if format_of(path.name) != "Excel":
        return samples.read(path)
    memory = min(_MEMORY, processes.quarter_of_memory())
    sample = json.loads(own_process.ask(__name__, str(path), {"path": str(path)}, memory=memory).to_pybytes())
    return Sample(**sample | {"path": path, "doubts": tuple(sample["doubts"])})


def answer(question: dict[str, Any]) -> None:
    """Write the sample to standard output, as JSON."""
    sample = asdict(samples.read(Path(question["path"])))
    sys.stdout.write(json.dumps(sample | {"path": question["path"]}))


if __name__ == "__main__":
    own_process.reply(answer)
