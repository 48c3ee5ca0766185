"""Making what was written survive, and reading back nothing but files: the one place that asks the disk for it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk hold a file's content, or a folder's names, before this returns.

    Raises
    ------
    OSError : it is not there, or the disk says that it could not
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def opened(path: Path | str) -> int:
    """A descriptor to read a regular file by.

    Raises
    ------
    OSError : it is not there, or is something else, such as a pipe or a device, whose reading might never end
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return descriptor


def read(path: Path | str) -> bytes:
    """The bytes of a regular file.

    Raises
    ------
    OSError : as of `opened`
    """
    with open(opened(path), "rb", buffering=0) as file:  # a descriptor
        return file.read()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an error of the block say which file it is about, where the system or a library left that out."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
