"""Plain `luigi` with an unknown task: one line and exit code 2, instead of Luigi's traceback and exit code 1."""

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
    """Install the hook in this process: Luigi looks up the task outside its error handling, so only `sys.excepthook` sees the error."""

    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, TaskClassException):
            _otherwise(kind, error, trace)
            return
        named = re.match(r"No task (\S+)\.", str(error))
        asked = named[1] if named else ""
        names = [job.__name__ for job in jobs]
        sys.stderr.write(f"error: task {asked!r} is unknown{nearest(asked, names)}; allowed are {', '.join(names)}\n")
        sys.stderr.flush()
        os._exit(USAGE)  # a hook cannot set the exit code in another way; nothing has begun

    sys.excepthook = say
