"""Sync files and folders to the disk, and read regular files only."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Write a file's content, or a folder's names, to the disk before returning.

    Raises
    ------
    OSError : it does not exist, or the disk reports an error
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def opened(path: Path | str) -> int:
    """A descriptor for reading a regular file.

    Raises
    ------
    OSError : it does not exist, or is not a regular file: reading a pipe or a device might never end
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
    OSError : as for `opened`
    """
    with open(opened(path), "rb", buffering=0) as file:  # a descriptor
        return file.read()


def append(path: Path, line: str) -> None:
    """Append a line to a file, whole, and sync it; a missing file and its folder are created.

    Raises
    ------
    OSError : it cannot be written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        with naming(path):
            os.write(descriptor, f"{line}\n".encode(errors="replace"))
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file name to an OSError of the block that has none."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
