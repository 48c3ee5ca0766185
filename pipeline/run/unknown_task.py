"""Plain `luigi` with the name of no task: one line and exit code 2, where Luigi alone prints a traceback and exits 1."""

from __future__ import annotations

import os
import re
import sys
from types import TracebackType

import luigi
from luigi.task_register import TaskClassException

from pipeline.errors import USAGE
from pipeline.wording import nearest

_otherwise = sys.excepthook


def install(jobs: tuple[type[luigi.Task], ...]) -> None:
    """Say it for this process: Luigi looks the task up before it catches anything, so only the last hook sees it."""

    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, TaskClassException):
            _otherwise(kind, error, trace)
            return
        named = re.match(r"No task (\S+)\.", str(error))
        asked = named[1] if named else ""
        names = [job.__name__ for job in jobs]
        sys.stderr.write(f"error: task {asked!r} is unknown{nearest(asked, names)}; allowed are {', '.join(names)}\n")
        sys.stderr.flush()
        os._exit(USAGE)  # a hook cannot change the exit code otherwise; nothing was begun

    sys.excepthook = say
