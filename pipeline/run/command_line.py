"""Whether this is the process of plain `luigi`, and its end after a bad command line or config."""

from __future__ import annotations

import sys
from typing import NoReturn

from luigi.cmdline_parser import CmdlineParser

from pipeline.errors import PipelineError
from pipeline.run.session import session


def root_task() -> str:
    """The task on the command line of plain `luigi`; empty in any other process."""
    parser = CmdlineParser.get_instance()
    return str(parser.known_args.root_task or "") if parser else ""


def refuse(error: PipelineError, env: str = "") -> NoReturn:
    """End the process of plain `luigi` with the error's lines and exit code instead of a traceback; elsewhere raise the error.

    With an environment, an alert says first that its run did not begin, except in a command of ours.
    """
    if env and not session.is_own_command:
        session.on_refused(env, error)
    if not root_task():
        raise error
    for line in error.lines:
        sys.stderr.write(f"error: {line}\n")
    raise SystemExit(error.exit_code) from error
