"""The number of a run at luigid: 1, unless another run of the project is under way.

luigid keeps the tasks of a run for ten minutes. Runs that have the same number have the same tasks there, so that a page shows them once,
in the state of the latest run. Two runs at once must not share tasks (docs/decisions/0002-freshness-within-a-run.md), and nor may a run
and one that was killed, whose tasks luigid takes for running, or one that ended just now, whose tasks luigid takes for done by default.
So a number is held as long as its process lives, and is free again some time after that.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

_ENDED = b"ended"
_AFTER_END = 15  # seconds; luigid's `stable_done_cooldown_secs` is 10
_AFTER_KILL = 1200  # seconds; its `worker_disconnect_delay` and `remove_delay` are 60 and 600
_MOST = 100

_held: dict[Path, tuple[int, int]] = {}  # by the project's root, the number and the descriptor of its file, for good


def take(root: Path) -> int | None:
    """The lowest free number of a project, for this process and those that it forks; None if there is none, or none can be held."""
    if root in _held:
        return _held[root][0]
    folder = root / "outputs" / ".luigid"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST):
            descriptor, is_new = _opened(folder / str(number))
            if _is_free(descriptor, is_new=is_new):
                os.ftruncate(descriptor, 0)
                os.utime(descriptor)
                _held[root] = number, descriptor
                return number
            os.close(descriptor)
    except OSError:
        return None
    return None


def _opened(path: Path) -> tuple[int, bool]:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, os.O_RDWR), False


def _is_free(descriptor: int, *, is_new: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    wait = _AFTER_END if os.pread(descriptor, len(_ENDED), 0) == _ENDED else _AFTER_KILL
    return is_new or time.time() - os.fstat(descriptor).st_mtime >= wait


def release() -> None:
    """At the end of a run that nobody interrupted: let its numbers be taken soon."""
    for _, descriptor in _held.values():
        with suppress(OSError):  # a full disk: then the number is free again later, as after a kill
            os.pwrite(descriptor, _ENDED, 0)
