"""A worker process ends with the run that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """In a worker process forked by Luigi: let the kernel kill it when the run's process ends.

    Otherwise a worker of a killed run would still publish its result seconds later.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    leave_orphaned(parent.pid)


def leave_orphaned(parent: int | None) -> None:
    """End this process if its parent died before the kernel was asked to watch it."""
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def check_parent() -> None:
    """End a worker process without a run, before it publishes."""
    parent = multiprocessing.parent_process()
    leave_orphaned(parent.pid if parent else None)
