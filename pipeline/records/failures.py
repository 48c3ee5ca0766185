"""Record the failure of a task, and word errors of the disk for users."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

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
    return OutputError(
        f"{error.filename2 or error.filename or folder}: {error.strerror or error}; the last good outputs stay; "
        f"{_NEXT.get(error.errno or 0, 'check the disk')}, and run again"
    )
