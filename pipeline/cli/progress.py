"""The progress of a run on a terminal: one line that is rewritten, and removed when the run ends.

It reads what Luigi's leading process logs about each task, so no thread lives across Luigi's forks.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_INFORMED = "Informed scheduler"


class Progress(logging.Handler):
    """Counts the pending, done and failed tasks in Luigi's log, and shows the count."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        super().__init__(logging.INFO)
        self._leader = os.getpid()
        self._tasks: dict[str, str] = {}
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,  # it would be a thread
        )
        self._shown = self._bar.add_task("looking", total=None)

    def emit(self, record: logging.LogRecord) -> None:
        """Note a task's state."""
        if os.getpid() != self._leader or not str(record.msg).startswith(_INFORMED) or not record.args:
            return
        task, state = str(record.args[0]), str(record.args[-1])  # type: ignore[index]  # Luigi gives a tuple
        if state == "DONE" and task not in self._tasks:
            return  # fresh from the start
        self._tasks[task] = state
        over = [state for state in self._tasks.values() if state in ("DONE", "FAILED")]
        total = len(self._tasks)
        self._bar.update(self._shown, description=_family(task), completed=len(over), total=total, refresh=True)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()


def _family(task_id: str) -> str:
    return task_id.partition("_")[0]


@contextmanager
def shown(logger: logging.Logger, *, wanted: bool) -> Iterator[None]:
    """Show the progress that the logger reports, if wanted and on a terminal."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    with Progress() as progress:
        logger.addHandler(progress)
        try:
            yield
        finally:
            logger.removeHandler(progress)
