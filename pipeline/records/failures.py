"""Record the failure of a task, and word errors of the disk for users."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.config.environment import Config
from pipeline.errors import OutputError, worded
from pipeline.records import runs


@contextlib.contextmanager
def recording(config: Config, tags: dict[str, str], task: str) -> Iterator[None]:
    """Write an error of the block into the run's record; if this fails too, the first error is raised.

    Parameters
    ----------
    config : of the environment
    tags : of the run
    task : the task's name for users

    Raises
    ------
    OutputError : instead of an error of the disk
    """
    try:
        yield
    except Exception as error:
        failure = unwritable(error, config.outputs) if isinstance(error, OSError) else error
        with contextlib.suppress(Exception):
            runs.record(config, tags, runs.FAILED, task, error=worded(failure))
        if failure is error:
            raise
        raise failure from error


_NEXT = {
    errno.ENOSPC: "free the disk",
    errno.EDQUOT: "free the disk",
    errno.EACCES: "correct the permissions",
    errno.EPERM: "correct the permissions",
    errno.EROFS: "correct the permissions",
    errno.ENOENT: "put it back",
    errno.EISDIR: "move away what is in its place",
    errno.ENOTDIR: "move away what is in its place",
}


def unwritable(error: OSError, folder: Path) -> OutputError:
    """An error of the disk with its file, the next step, and the assurance that the last good outputs stay."""
    file = Path(os.fsdecode(error.filename2 or error.filename or folder))
    return OutputError(
        f"{file}: {error.strerror or error}; the last good outputs stay; "
        f"{_of_another_user(file, error) or _NEXT.get(error.errno or 0, 'check the disk')}, and run again"
    )


def _of_another_user(file: Path, error: OSError) -> str:
    """The next step if the file or its folder belongs to another user; else empty."""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return ""
    for path in (file, file.parent):
        with contextlib.suppress(OSError):
            status = path.stat()
            if status.st_uid != os.geteuid():
                return (
                    f"{path} belongs to user {_name(pwd.getpwuid, status.st_uid)}, group {_name(grp.getgrgid, status.st_gid)}: put "
                    "all who run this into that group, make outputs and logs writable for it (chmod -R g+rwX), and set umask 002"
                )
    return ""


def _name(look_up: Callable[[int], Any], number: int) -> str:
    """The name of a user or a group; its number if there is no name."""
    with contextlib.suppress(KeyError):
        return str(look_up(number)[0])
    return str(number)
