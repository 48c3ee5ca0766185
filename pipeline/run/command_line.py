"""Whether this process is that of plain `luigi`, and how it ends where its command line or a config cannot be used."""

from __future__ import annotations

import sys
from typing import NoReturn

from luigi.cmdline_parser import CmdlineParser

from pipeline.errors import PipelineError


def root_task() -> str:
    """The task that plain `luigi` was asked for; empty in any other process."""
    parser = CmdlineParser.get_instance()
    return str(parser.known_args.root_task or "") if parser else ""


def refuse(error: PipelineError) -> NoReturn:
    """End the process of plain `luigi` with the error's lines and exit code, where Luigi alone prints a traceback; elsewhere raise it."""
    if not root_task():
        raise error
    for line in error.lines:
        sys.stderr.write(f"error: {line}\n")
    raise SystemExit(error.exit_code) from error
