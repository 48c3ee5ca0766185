"""The state of a run in a process, in one object: facts about files and code, and the states of tasks.

With several workers, Luigi forks a worker process per task. Workers inherit the facts and imports of the leading process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import subprocess
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


def _say_nothing(_env: str, _error: Exception) -> None:
    """Nothing is called before `beginning` is imported."""


class Session:
    """The state of a run in this process; `renew` begins another run."""

    def __init__(self) -> None:
        self.is_own_command = False  # a command of ours: `run` alerts by itself, and others never do
        self.on_refused: Callable[[str, Exception], None] = (
            _say_nothing  # `beginning` sets what a run calls that cannot begin
        )
        self._saved_by = 0
        self._reset()

    def _reset(self) -> None:
        self.begun: dict[Path, Config] = {}  # environments whose run has begun here, by their outputs
        self.over = False
        self.interrupted = False
        self.inspecting = False  # whether targets are checked for people, and nothing will be built
        self.owns_process = False  # whether the process exists for the run; false in a user's program
        self.worker: luigi.worker.Worker | None = None
        self.has_succeeded: bool | None = None  # what Luigi's worker says at its end; None before
        self.tags: dict[str, str] = {}
        self.watcher: subprocess.Popen[bytes] | None = None  # the process that alerts of a run that takes too long
        self.references_checked: set[tuple[Path, str]] = set()
        self.fresh: set[str] = set()  # names of the tasks that are fresh, or became fresh by running
        self.problems: dict[str, tuple[str, dict[str, str]]] = {}  # problems that prevent builds, with task and tags
        self.noticed: set[Path] = set()  # outputs of environments with warnings about settings at exit
        self._announcements: dict[Path, Callable[[], None]] = {}
        self._memories: dict[Path, Memory] = {}
        self._code: dict[tuple[str, ...], dict[str, str]] = {}
        self._modules: dict[str, fingerprints.Module] = {}
        self._complete: set[str] = set()
        self._incomplete: set[str] = set()
        self._depth = 0

    def renew(self) -> None:
        """Begin again as in a new process: for a process that runs the pipeline more than once."""
        self._save(os.getpid())
        environment.forget()
        self._reset()
        Register.clear_instance_cache()
        log_file.close()
        runs.renew()

    # ---------------------------------------------------------------- facts about files and code

    def memory(self, config: Config) -> Memory:
        """The memory of this environment; the leading process saves it at its end."""
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
        """The fingerprints of these modules when this process first read them, before importing them.

        A later edit does not affect this process; the next process sees it.
        """
        if modules not in self._code:
            self._code[modules] = fingerprints.code(modules, self.memory(config), self._modules)
        return self._code[modules]

    @contextmanager
    def traversal(self) -> Iterator[set[str]]:
        """The tasks found complete since the outermost check began; incomplete tasks are checked again."""
        self._depth += 1
        for memory in self._memories.values():
            memory.stats = memory.stats or {}
        try:
            yield self._complete
        finally:
            self._depth -= 1
            if not self._depth:
                self._complete.clear()
                self._incomplete.clear()
                for memory in self._memories.values():
                    memory.stats = None

    @contextmanager
    def inspection(self) -> Iterator[None]:
        """A traversal after which nothing is built: a stale task imports nothing that computes."""
        before, self.inspecting = self.inspecting, True
        try:
            with self.traversal():
                yield
        finally:
            self.inspecting = before

    def is_incomplete(self, task_id: str) -> bool:
        """Whether this inspection found the task incomplete; nothing is built in between."""
        return self.inspecting and task_id in self._incomplete

    def note_incomplete(self, task_id: str) -> None:
        """Remember that a task is incomplete, until the outermost check ends."""
        self._incomplete.add(task_id)

    # ---------------------------------------------------------------- what happened

    def note_problem(self, problem: str, task: str, tags: dict[str, str]) -> bool:
        """Note a problem that prevents the build of a task, such as a missing raw file; false if it is noted already."""
        if problem in self.problems:
            return False
        self.problems[problem] = (task, tags)
        return True

    def announce_at_end(self, file: Path, say: Callable[[], None]) -> None:
        """Call `say` at the end of the run, once per file."""
        self._announcements.setdefault(file, say)

    @property
    def announces(self) -> bool:
        """Whether there is an announcement to make."""
        return bool(self._announcements)

    def announce(self) -> None:
        """Make the announcements at the end of the run, once."""
        announcements = list(reversed(self._announcements.values()))  # in reverse order of registration
        self._announcements.clear()
        for say in announcements:
            say()

    # ---------------------------------------------------------------- before Luigi forks

    def prepare(self, modules: Iterable[str]) -> None:
        """Import the modules that will compute, once, before Luigi forks; this makes no thread and no connection."""
        gc.enable()  # it was off while there was nothing to build
        missing = [name for name in modules if name not in sys.modules]
        if missing and "numpy" not in sys.modules:
            process.set_up()
        for name in missing:
            importlib.import_module(name)
        if missing:
            gc.freeze()  # imported modules stay, so no process needs to search them for garbage


session = Session()
