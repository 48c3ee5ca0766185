"""A Ctrl-C is never lost.

Python ignores an exception in fork handlers, in finalisers and during garbage collection, and Luigi's worker catches every
exception in some places: a `KeyboardInterrupt` there would be lost, and the run would go on. So it is raised again while
Luigi's worker is working; a process that finishes anyway ends by the signal.
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
    """In the leading process of a run: handle Ctrl-C, unless the process was started with it ignored."""
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt_again)


def end_by_it() -> None:
    """If this run was interrupted, end the process by the signal itself, and its workers with it."""
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
    """Raise the interrupt again if the worker is still working; not if the stack is unwinding already."""
    while frame is not None:
        if frame.f_code in _AT_WORK:
            raise KeyboardInterrupt
        frame = frame.f_back
