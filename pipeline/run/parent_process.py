"""A worker process is forked from the run that started it, and ends with it."""

from __future__ import annotations

import multiprocessing

from pipeline.errors import MachineError
from pipeline.machine import processes


def fork_workers() -> None:
    """Let this process fork its workers: they take over what it has read and imported, and Luigi's tasks cannot be pickled.

    The default is another on macOS, and on Linux from Python 3.14 on.

    Raises
    ------
    MachineError : the machine has no semaphores, with which processes share a queue
    """
    multiprocessing.set_start_method("fork", force=True)
    try:
        multiprocessing.Lock()
    except (ImportError, OSError) as error:
        cause = getattr(error, "strerror", None) or error
        raise MachineError(
            f"processes cannot share a queue ({cause}): /dev/shm is not there, or cannot be written; mount it, or start the container with "
            "--shm-size"
        ) from None


def end_with_parent() -> None:
    """In a worker process forked by Luigi: end it when the run's process ends.

    Otherwise a worker of a killed run would still publish its result seconds later.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        processes.end_with(parent.pid)


def check_parent() -> None:
    """End a worker process without a run, before it publishes."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        processes.leave_orphaned(parent.pid)
