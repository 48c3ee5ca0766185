"""What a process keeps for the length of a run: what it knows of files, its log, and the libraries it will need.

Luigi forks a worker process per task where there are several workers. What the leading process has looked up and
imported before, its workers have too.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import runs
from pipeline.config import Config
from pipeline.errors import PipelineError, SettingsError
from pipeline.freshness import fingerprints
from pipeline.freshness.memory import Memory

_luigi_log = logging.getLogger("luigi-interface")  # ours is below it, so that it reaches the same console

_memories: dict[Path, Memory] = {}
_code: dict[tuple[str, ...], dict[str, str]] = {}
_opened: set[Path] = set()
_announced: set[Path] = set()
_handlers: list[logging.Handler] = []
_complete: set[str] = set()
_depth = 0


def memory(config: Config) -> Memory:
    """What is remembered of files in this environment; the leading process keeps it when it ends."""
    path = config.outputs / ".trace" / ".memory.json"
    if path not in _memories:
        _memories[path] = Memory(path)
        atexit.register(_save, _memories[path], os.getpid())
    return _memories[path]


def _save(known: Memory, leader: int) -> None:
    if os.getpid() == leader:
        known.save()


def at_exit(key: Path, say: Callable[[], None]) -> None:
    """Have the leading process say this when it ends; once per key."""
    if key not in _announced:
        _announced.add(key)
        leader = os.getpid()
        atexit.register(lambda: say() if os.getpid() == leader else None)


def code(modules: tuple[str, ...], config: Config) -> dict[str, str]:
    """The fingerprints of these modules as this process first saw them, which is before it imported them.

    An edit after that is none of what this process runs; the next process sees it.
    """
    if modules not in _code:
        _code[modules] = fingerprints.code(modules, memory(config))
    return _code[modules]


@contextmanager
def traversal() -> Iterator[set[str]]:
    """The tasks found complete since the outermost look began; only "complete" is ever remembered."""
    global _depth
    _depth += 1
    try:
        yield _complete
    finally:
        _depth -= 1
        if not _depth:
            _complete.clear()


def prepare(libraries: Iterable[str]) -> None:
    """Import what a stage needs, once, before Luigi forks: imports only, no thread or connection is made."""
    for name in libraries:
        if name not in sys.modules:
            importlib.import_module(name)


def open_log(config: Config) -> None:
    """Append to the environment's log file, and say our own errors in one line.

    Raises
    ------
    SettingsError
        The file cannot be written.
    """
    path = config.home / config.settings.logging.folder / f"clustering_{config.env}.log"
    if path in _opened:
        return
    _opened.add(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"logging.folder: {error.filename or path}: {error.strerror}; name a folder that can be written"
        ) from None
    handler.setLevel(config.settings.logging.level)
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {runs.current()} %(process)d %(message)s"))
    _luigi_log.addHandler(handler)
    _luigi_log.addFilter(_one_line)
    _handlers.append(handler)


def _one_line(record: logging.LogRecord) -> bool:
    """Errors that a user can act on are one line; others keep their traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PipelineError):
        record.msg, record.args, record.exc_info = f"{record.getMessage()}: {error}", (), None
    return True


def forget() -> None:
    """Begin anew, as a fresh process would: for a process that runs the pipeline more than once."""
    for known in _memories.values():
        known.save()
    _memories.clear()
    _code.clear()
    _complete.clear()
    while _handlers:
        handler = _handlers.pop()
        _luigi_log.removeHandler(handler)
        handler.close()
    _opened.clear()
    runs.renew()
