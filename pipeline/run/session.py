"""What a process keeps for the length of a run: what it knows of files, and the libraries it will need.

Luigi forks a worker process per task where there are several workers. What the leading process has looked up and
imported before, its workers have too.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import environment as configs
from pipeline.config.environment import Config
from pipeline.freshness import fingerprints
from pipeline.freshness.memory import Memory
from pipeline.records import runs
from pipeline.run import log_file

_memories: dict[Path, Memory] = {}
_code: dict[tuple[str, ...], dict[str, str]] = {}
_modules: dict[str, fingerprints.Module] = {}
_announced: set[Path] = set()
_complete: set[str] = set()
_fresh: set[str] = set()
_problems: dict[str, tuple[str, dict[str, str]]] = {}
_depth = 0


def memory(config: Config) -> Memory:
    """What is remembered of files in this environment; the leading process keeps it when it ends."""
    path = config.outputs / ".trace" / ".memory.json"
    if path not in _memories:
        _memories[path] = Memory(path, fingerprints.rules())
        _memories[path].stats = {} if _depth else None
        atexit.unregister(_save)  # once, however often a process begins anew: what it forgets must not be held by this
        atexit.register(_save, os.getpid())
    return _memories[path]


def _save(leader: int) -> None:
    if os.getpid() == leader:
        for known in _memories.values():
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
        _code[modules] = fingerprints.code(modules, memory(config), _modules)
    return _code[modules]


@contextmanager
def traversal() -> Iterator[set[str]]:
    """The tasks found complete since the outermost look began; only "complete" is ever remembered."""
    global _depth
    _depth += 1
    for known in _memories.values():
        known.stats = known.stats or {}
    try:
        yield _complete
    finally:
        _depth -= 1
        if not _depth:
            _complete.clear()
            for known in _memories.values():
                known.stats = None


def found_fresh(name: str) -> None:
    """Note that a task was found fresh."""
    _fresh.add(name)


def fresh() -> set[str]:
    """The tasks that were found fresh, or were once they had run."""
    return _fresh


def met(problem: str, task: str, tags: dict[str, str]) -> bool:
    """Note what keeps a task of this run from being built, such as a raw file that is missing; false where that is known."""
    if problem in _problems:
        return False
    _problems[problem] = (task, tags)
    return True


def problems() -> dict[str, tuple[str, dict[str, str]]]:
    """What keeps tasks of this run from being built, beside those that failed: the task and its tags by what it is."""
    return _problems


def prepare(modules: Iterable[str]) -> None:
    """Import the modules that will compute, once, before Luigi forks: imports only, no thread or connection is made."""
    gc.enable()  # a process that had nothing to build so far did without
    missing = [name for name in modules if name not in sys.modules]
    if missing and "numpy" not in sys.modules:
        from pipeline.run import process

        process.set_up()
    for name in missing:
        importlib.import_module(name)
    if missing:
        gc.freeze()  # what was imported stays: it is not searched for garbage, here or in a worker


def forget() -> None:
    """Begin anew, as a fresh process would: for a process that runs the pipeline more than once."""
    from luigi.task_register import Register

    _save(os.getpid())
    configs.forget()
    _memories.clear()
    _code.clear()
    _modules.clear()
    _complete.clear()
    _fresh.clear()
    _problems.clear()
    Register.clear_instance_cache()
    log_file.close()
    runs.renew()
