"""With several workers, tasks that share a process run one after the other in it; Luigi forks a process for each other task.

A forked process copies each page of its parent's memory that it touches, and its caches are cold: a tenth of a second of the processor,
of the half that a small category takes. A process that goes on to the next task pays it once.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any
from weakref import WeakKeyDictionary

import luigi
import luigi.worker
from luigi.task_register import load_task

from pipeline.run.parent_process import end_with_parent

_ENDS = 5  # seconds

Make = Callable[[luigi.worker.Worker, luigi.Task], luigi.worker.TaskProcess]

_shared: WeakKeyDictionary[luigi.worker.Worker, list[_SharedProcess]] = WeakKeyDictionary()


class _SharedProcess:
    """A forked process and the task that it has now, or had last."""

    def __init__(self, worker: luigi.worker.Worker, make: Make) -> None:
        receiver, self._sender = multiprocessing.Pipe(duplex=False)
        self.task_id = ""
        self.process = multiprocessing.Process(target=_serve, args=(worker, make, receiver), daemon=True)
        self.process.start()
        receiver.close()

    def give(self, task: luigi.Task) -> None:
        """Let it run this task. If it was killed since it was looked at, Luigi sees that the task's process is dead."""
        self.task_id = task.task_id
        with contextlib.suppress(BrokenPipeError):
            self._sender.send((task.task_module, task.task_family, task.to_str_params()))

    def end(self) -> None:
        """Let it end after its task; never waits."""
        with contextlib.suppress(BrokenPipeError):  # it is dead already
            self._sender.send(None)
        self._sender.close()


def _serve(worker: luigi.worker.Worker, make: Make, receiver: Connection) -> None:
    """In the forked process: run task after task as Luigi's own process of each would, until there is none.

    An interrupt between two tasks ends it with code 1: the next task may be on its way, and Luigi waits for ever for a process that ended with 0.
    """
    end_with_parent()
    while (named := _next(receiver)) is not None:
        make(worker, load_task(*named)).run()


def _next(receiver: Connection) -> tuple[str, str, dict[str, str]] | None:
    try:
        named: tuple[str, str, dict[str, str]] | None = receiver.recv()
    except EOFError:
        return None
    except KeyboardInterrupt:
        sys.exit(1)
    return named


class _SharedTask(luigi.worker.TaskProcess):
    """What Luigi's worker knows of a task: it starts in a shared process, and lives as long as that."""

    _of: _SharedProcess | None = None
    find: Callable[[], _SharedProcess]

    def start(self) -> None:
        self._of = self.find()
        self._of.give(self.task)

    def is_alive(self) -> bool:
        return self._of is not None and self._of.process.is_alive()

    @property
    def exitcode(self) -> int | None:
        return None if self._of is None else self._of.process.exitcode

    @property
    def pid(self) -> int | None:
        return None if self._of is None else self._of.process.pid

    def terminate(self) -> None:
        if self._of is not None:
            self._of.process.terminate()
            self._of.process.join(_ENDS)
            self._of.process.kill()  # else the next task might be given to it
            self._of.process.join()


def install() -> None:
    """Let Luigi's worker run tasks with `shares_process` in shared processes, where it would fork one for each."""
    make, leave = luigi.worker.Worker._create_task_process, luigi.worker.Worker.__exit__

    @functools.wraps(make)
    def make_or_share(worker: luigi.worker.Worker, task: luigi.Task) -> luigi.worker.TaskProcess:
        process: luigi.worker.TaskProcess = make(worker, task)
        if not process.use_multiprocessing:
            return process
        if not getattr(task, "shares_process", False):
            _end_idle(worker)  # they hold memory
            return process
        shared = _SharedTask(
            task,
            worker._id,
            worker._task_result_queue,
            process.status_reporter,
            use_multiprocessing=True,
            worker_timeout=worker._config.timeout,
        )
        shared.find = functools.partial(_idle_or_new, worker, make)
        return shared

    @functools.wraps(leave)
    def leave_and_end(worker: luigi.worker.Worker, *args: Any) -> Any:
        left = leave(worker, *args)
        for process in _shared.pop(worker, []):
            process.end()
        return left

    luigi.worker.Worker._create_task_process = make_or_share  # type: ignore[method-assign]  # Luigi has no event for either
    luigi.worker.Worker.__exit__ = leave_and_end  # type: ignore[method-assign]


def _idle(worker: luigi.worker.Worker, process: _SharedProcess) -> bool:
    """Whether Luigi has the result of its task."""
    of = worker._running_tasks.get(process.task_id)
    return not (isinstance(of, _SharedTask) and of._of is process)


def _idle_or_new(worker: luigi.worker.Worker, make: Make) -> _SharedProcess:
    processes = _shared.setdefault(worker, [])
    processes[:] = [process for process in processes if process.process.is_alive()]
    for process in processes:
        if _idle(worker, process):
            return process
    processes.append(_SharedProcess(worker, make))
    return processes[-1]


def _end_idle(worker: luigi.worker.Worker) -> None:
    processes = _shared.get(worker, [])
    for process in [process for process in processes if _idle(worker, process)]:
        processes.remove(process)
        process.end()
