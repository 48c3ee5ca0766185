"""A worker process ends with the run that started it."""

from __future__ import annotations

import multiprocessing

from pipeline import processes


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
