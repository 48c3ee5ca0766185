"""Processes of the operating system: one that ends with its parent, and one that has limits of its own.

Linux tells a process of its parent's end. Elsewhere, as on macOS, a thread looks for it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_EVERY = 0.2  # seconds


def end_with(parent: int) -> None:
    """End this process, whatever it does, when its parent ends, also if the parent has ended already.

    Parameters
    ----------
    parent : the process id of the parent
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    leave_orphaned(parent)


def leave_orphaned(parent: int) -> None:
    """End this process if its parent is gone."""
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while True:
        leave_orphaned(parent)
        time.sleep(_EVERY)


def limit(memory: int, seconds: int) -> None:
    """Take at most so much of the machine, and leave no core file.

    Where the system does not know a limit, as macOS does not limit the address space, there is none.

    Parameters
    ----------
    memory : bytes of address space; what is more cannot be had
    seconds : of processor time; what takes longer is ended by SIGXCPU
    """
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        with suppress(OSError, ValueError):
            _, hard = resource.getrlimit(kind)
            soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (soft, hard))


def quarter_of_memory() -> int:
    """A quarter of the machine's memory, in bytes: what reading takes where no setting says how much."""
    return max(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4, 256_000_000)
