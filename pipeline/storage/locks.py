"""One process at a time builds a target, and none outlives the run that started it.

Locks are `flock`s: the kernel drops them when their holder ends, however it ends. They are opened after Luigi's fork,
so that no child holds its parent's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import AlreadyRunningError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@contextmanager
def held(path: Path, *, wait: bool = True, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock in this file for the time of the block.

    Parameters
    ----------
    path : the lock's file; it stays when the lock is dropped
    wait : whether to wait for another holder
    waiting : told who holds it, where it has to be waited for

    Raises
    ------
    AlreadyRunningError
        Another process holds it, and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            if not wait:
                raise AlreadyRunningError(
                    f"{holder} is already running here; wait for it, or give --wait ({path})"
                ) from None
            if waiting is not None:
                waiting(holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):  # on a full disk it is held all the same, and nobody is told by whom
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"process {os.getpid()}".encode())
        yield
