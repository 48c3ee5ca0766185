"""A Ctrl-C is never lost.

Python drops an exception that is raised in what runs around a fork, in a finaliser, or while garbage is collected, and
Luigi's worker catches all of them in places: a `KeyboardInterrupt` that arrives there leaves no trace, and the run would
go on. So it is raised again while Luigi's worker is at work; and a process that finished all the same ends by the signal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

import luigi.worker

from pipeline.run.session import session

_AGAIN = 0.1  # seconds
_AT_WORK = (luigi.worker.Worker.run.__code__, luigi.worker.Worker.add.__code__)


def heed() -> None:
    """In the process that leads a run: take care of Ctrl-C, unless whoever started it has it ignored."""
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt_again)


def end_by_it() -> None:
    """Where this run was interrupted, end the process as the signal does by itself, its workers with it."""
    if session.interrupted:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    session.interrupted = True
    signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
    raise KeyboardInterrupt


def _interrupt_again(_number: int, frame: FrameType | None) -> None:
    """Raise it anew where the worker is still at work; what unwinds already is left to do so."""
    while frame is not None:
        if frame.f_code in _AT_WORK:
            raise KeyboardInterrupt
        frame = frame.f_back
