"""Locks: only one process at a time builds a target.

Locks are `flock`s, which the kernel releases when their holder ends for any reason. They are opened after Luigi's fork, so
that no child holds the lock of its parent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import AlreadyRunningError


@contextmanager
def held(path: Path, *, wait: bool = True, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock on this file during the block.

    Parameters
    ----------
    path : the lock file; it stays after the release
    wait : whether to wait for another holder
    waiting : called with the name of the holder before waiting

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
        with contextlib.suppress(OSError):  # on a full disk the lock is held without naming its holder
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"process {os.getpid()}".encode())
        yield


@contextmanager
def held_folder(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock on a folder itself during the block; nothing is written into it.

    Raises
    ------
    BlockingIOError : another process holds it, and `wait` is false
    OSError : the folder cannot be opened, or its path is a symbolic link
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
