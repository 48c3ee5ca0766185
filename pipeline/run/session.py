"""What a process keeps for the length of a run, in one object: what it knows of files, of code, and of its tasks.

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

import luigi.worker
from luigi.task_register import Register

from pipeline.config import environment
from pipeline.config.environment import Config
from pipeline.freshness import fingerprints
from pipeline.freshness.memory import Memory
from pipeline.records import runs
from pipeline.run import log_file, process


class Session:
    """The state of a run in this process; `renew` begins another run."""

    def __init__(self) -> None:
        self._saved_by = 0
        self._reset()

    def _reset(self) -> None:
        self.begun: dict[Path, Config] = {}  # the environments whose run has begun here, by their outputs
        self.over = False
        self.interrupted = False
        self.owns_process = False  # whether the process is there for the run, and not a program of the user's
        self.worker: luigi.worker.Worker | None = None
        self.references_checked: set[tuple[Path, str]] = set()
        self.fresh: set[str] = set()  # names of the tasks that were found fresh, or were once they had run
        self.problems: dict[str, tuple[str, dict[str, str]]] = {}  # what keeps tasks from being built: task and tags
        self.noticed: set[Path] = set()  # outputs of the environments whose settings are to be remarked on at exit
        self._announcements: dict[Path, Callable[[], None]] = {}
        self._memories: dict[Path, Memory] = {}
        self._code: dict[tuple[str, ...], dict[str, str]] = {}
        self._modules: dict[str, fingerprints.Module] = {}
        self._complete: set[str] = set()
        self._depth = 0

    def renew(self) -> None:
        """Begin anew, as a fresh process would: for a process that runs the pipeline more than once."""
        self._save(os.getpid())
        environment.forget()
        self._reset()
        Register.clear_instance_cache()
        log_file.close()
        runs.renew()

    # ---------------------------------------------------------------- what is known of files and code

    def memory(self, config: Config) -> Memory:
        """What is remembered of files in this environment; the leading process saves it when it ends."""
        path = config.outputs / ".trace" / ".memory.json"
        if path not in self._memories:
            self._memories[path] = Memory(path, fingerprints.version())
            self._memories[path].stats = {} if self._depth else None
            if self._saved_by != os.getpid():
                self._saved_by = os.getpid()
                atexit.register(self._save, os.getpid())
        return self._memories[path]

    def _save(self, leader: int) -> None:
        if os.getpid() == leader:
            for memory in self._memories.values():
                memory.save()

    def code(self, modules: tuple[str, ...], config: Config) -> dict[str, str]:
        """The fingerprints of these modules as this process first saw them, which is before it imported them.

        An edit after that is no part of what this process runs; the next process sees it.
        """
        if modules not in self._code:
            self._code[modules] = fingerprints.code(modules, self.memory(config), self._modules)
        return self._code[modules]

    @contextmanager
    def traversal(self) -> Iterator[set[str]]:
        """The tasks found complete since the outermost look began; only "complete" is ever remembered."""
        self._depth += 1
        for memory in self._memories.values():
            memory.stats = memory.stats or {}
        try:
            yield self._complete
        finally:
            self._depth -= 1
            if not self._depth:
                self._complete.clear()
                for memory in self._memories.values():
                    memory.stats = None

    # ---------------------------------------------------------------- what happened

    def note_problem(self, problem: str, task: str, tags: dict[str, str]) -> bool:
        """Note what keeps a task of this run from being built, such as a missing raw file; false where it is noted already."""
        if problem in self.problems:
            return False
        self.problems[problem] = (task, tags)
        return True

    def announce_at_end(self, file: Path, say: Callable[[], None]) -> None:
        """Have `say` called when the run ends; once per file that it is about."""
        self._announcements.setdefault(file, say)

    def announce(self) -> None:
        """Call what is to be said at the end, once."""
        announcements = list(reversed(self._announcements.values()))  # what was asked for first is said last
        self._announcements.clear()
        for say in announcements:
            say()

    # ---------------------------------------------------------------- before Luigi forks

    def prepare(self, modules: Iterable[str]) -> None:
        """Import the modules that will compute, once, before Luigi forks: imports only, no thread or connection is made."""
        gc.enable()  # a process that had nothing to build so far did without
        missing = [name for name in modules if name not in sys.modules]
        if missing and "numpy" not in sys.modules:
            process.set_up()
        for name in missing:
            importlib.import_module(name)
        if missing:
            gc.freeze()  # what was imported stays: it is not searched for garbage, here or in a worker


session = Session()
