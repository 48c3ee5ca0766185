"""The progress of a run on a terminal: one line that is rewritten, and removed when the run ends.

It reads what Luigi logs about each task, in the leading process and in its workers, and passes it to the process that draws
(`pipeline.cli.bar`).
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.wording import plain

_INFORMED = "Informed scheduler"
_RUNNING = re.compile(r"\[pid %s\] Worker %s running")
_CATEGORY = re.compile(r"(\w+)\(.*\bcategory=(.*)\)", re.DOTALL)


class Progress(logging.Handler):
    """Passes the states of tasks in Luigi's log to the bar. Its `write` and `flush` let another handler print above the bar."""

    def __init__(self, bar: IO[bytes]) -> None:
        super().__init__(logging.INFO)
        self._bar = bar

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on what a record says of a task."""
        arguments: tuple[Any, ...] = record.args if isinstance(record.args, tuple) else ()
        if not arguments:
            return
        if str(record.msg).startswith(_INFORMED):
            self._send({"task": str(arguments[0]), "state": str(arguments[-1])})
        elif _RUNNING.match(str(record.msg)):
            self._send({"running": name_of(str(arguments[-1]))})

    def write(self, text: str) -> None:
        """Print lines above the bar."""
        if text.strip():
            self._send({"text": text.rstrip("\n")})

    def _send(self, event: dict[str, str]) -> None:
        try:
            self._bar.write(f"{json.dumps(event)}\n".encode())
        except (OSError, ValueError):  # the bar is gone: a run goes on without it
            if "text" in event:
                sys.stderr.write(f"{event['text']}\n")


def name_of(task: str) -> str:
    """The short name of a task as Luigi writes it: its kind, and its category if it is about one."""
    match = _CATEGORY.fullmatch(task)
    return plain(f"{match[1]}({match[2]})") if match else task.partition("(")[0]


@contextmanager
def shown(logger: logging.Logger, console: logging.StreamHandler[Any], *, wanted: bool) -> Iterator[None]:
    """Show the progress that the logger reports, if wanted and on a terminal; lines of `console` stand above it."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    command = [sys.executable, "-m", "pipeline.cli.bar"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0, cwd=root) as bar:  # noqa: S603  # this program
        assert bar.stdin is not None  # noqa: S101  # PIPE
        progress = Progress(bar.stdin)
        stream = console.setStream(progress)
        logger.addHandler(progress)
        try:
            yield
        finally:
            logger.removeHandler(progress)
            console.setStream(stream)
            bar.stdin.close()
            bar.wait()
