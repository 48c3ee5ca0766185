"""The log file of an environment: one line per event, as text or JSON, rotated when it is large.

Several processes write to one file: parallel runs, and their workers. So it is rotated only when a process opens it, under a
lock; a process that still has the old file opens the new one at its next line.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import luigi
from luigi.rpc import RPCError

from pipeline.config.environment import Config
from pipeline.errors import PipelineError, SettingsError
from pipeline.records import runs
from pipeline.storage import locks
from pipeline.wording import plain
from pipeline.wording.variables import hidden

_luigi_log = logging.getLogger("luigi-interface")  # our loggers are below it, so that they reach the same console
_MEGABYTE = 1_000_000

_opened: dict[Path, logging.Handler] = {}


def open_log(config: Config) -> None:
    """Append to the environment's log file, and log our own errors in one line.

    Raises
    ------
    SettingsError
        The file cannot be written.
    """
    settings = config.settings.logging
    path = config.home / settings.folder / f"clustering_{config.env}.log"
    if path in _opened:
        return
    try:
        with locks.held(path.with_name(f".{path.name}.lock")):
            put_aside(path, int(settings.max_size_mb * _MEGABYTE), settings.keep)
        handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"logging.folder: {error.filename or path}: {error.strerror}; name a folder that can be written"
        ) from None
    handler.setLevel(settings.level)
    handler.setFormatter(FORMATS[settings.format](config.env))
    _luigi_log.addHandler(handler)
    _luigi_log.addFilter(_one_line)
    _opened[path] = handler


def close() -> None:
    """Close every log file."""
    while _opened:
        _, handler = _opened.popitem()
        _luigi_log.removeHandler(handler)
        handler.close()


def put_aside(path: Path, max_size: int, keep: int) -> None:
    """Rename a log of at least `max_size` bytes to `<name>.1`, and older logs to the next number; `keep` of them stay."""
    if not path.exists() or path.stat().st_size < max_size:
        return
    path.with_name(f"{path.name}.{keep}").unlink(missing_ok=True)
    for number in range(keep - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    if keep:
        path.replace(path.with_name(f"{path.name}.1"))
    else:
        path.unlink()


class Text(logging.Formatter):
    """An event as one line: time, level, run, process, message; several lines are joined by " | "."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = " | ".join(line for line in super().format(record).splitlines() if line.strip())
        return f"{self.formatTime(record)} {record.levelname} {runs.current()} {record.process} {message}"


class Json(logging.Formatter):
    """An event as a JSON object on one line: time, level, run_id, env, pid, message, and the traceback if there is one."""

    def __init__(self, env: str) -> None:
        super().__init__()
        self._env = env

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname,
            "run_id": runs.current(),
            "env": self._env,
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = hidden(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)


FORMATS: dict[str, Callable[[str], logging.Formatter]] = {"text": lambda _env: Text(), "json": Json}


def _one_line(record: logging.LogRecord) -> bool:
    """Log errors that a user can act on, such as a missing scheduler, as one line per fault; others keep their traceback."""
    if str(record.msg).startswith("Data for %s does not exist"):
        return False  # our own line names the missing file and the next step
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PipelineError):
        tasks = [task for task in record.args or () if isinstance(task, luigi.Task)]
        name = "".join(f"{plain(getattr(task, 'name', task.task_family))}: " for task in tasks)
        message = "\n".join(f"{name}{line}" for line in error.lines)
        record.msg, record.args, record.exc_info = message, (), None
    elif isinstance(error, RPCError):
        message = f"{error.args[0]}: start luigid there, or give --local-scheduler"
        record.msg, record.args, record.exc_info = message, (), None
    elif record.exc_info and str(record.msg).startswith("Failed connecting to remote scheduler"):
        record.exc_info = None  # Luigi tries again, and reports the final failure
    return True
