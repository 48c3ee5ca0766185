"""Replace files as a whole: write under a hidden name beside the file, sync, and rename.

So at every moment a file is old and complete, or new and complete. A killed process leaves only hidden files, which `sweep`
removes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.storage.durable import sync

_SUFFIX = ".tmp"
_OURS = re.compile(r"\.\d+\.tmp(\.|$)")  # the number of a process; DuckDB puts further files beside its own


def beside(target: Path) -> Path:
    """The hidden path beside a target to which this process writes the new content."""
    return target.with_name(f".{target.name}.{os.getpid()}{_SUFFIX}")


def sweep(folder: Path, target: str = "*") -> None:
    """Remove leftovers of killed processes beside a target of this folder. Only for the holder of the target's lock."""
    for leftover in folder.glob(f".{target}.*{_SUFFIX}*"):
        if not _OURS.search(leftover.name):
            continue
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


@contextmanager
def replacement(target: Path, *, survives: bool = True) -> Iterator[Path]:
    """A path for a file's new content, which replaces the file when the block ends. After an error the file stays unchanged.

    Parameters
    ----------
    target : the file; a missing folder is created
    survives : whether the new content must survive a power loss; if not, it is not synced

    Raises
    ------
    OSError : the file cannot be written or replaced
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(target)
    try:
        with _named_after(target, temporary):
            yield temporary
            if survives:
                sync(temporary)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if survives:
        sync(target.parent)


@contextmanager
def addition(target: Path) -> Iterator[Path]:
    """A path for a new file, which gets its name when the block ends. The name must be free: no file is ever replaced.

    Raises
    ------
    FileExistsError : the name was taken in the meantime
    OutputError : the file system has no hard links
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(target)
    try:
        with _named_after(target, temporary):
            yield temporary
            sync(temporary)
            _link(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    sync(target.parent)


@contextmanager
def _named_after(target: Path, temporary: Path) -> Iterator[None]:
    """Make an error of the block name the target instead of the hidden file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from error
        raise


def _link(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be put in place by a hard link ({error.strerror}), which never replaces a file; choose a path "
            "on a file system that has them"
        ) from None


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """An empty folder for new files, which gets its name when the block ends; its files are synced and made read-only.

    Raises
    ------
    OSError : the name is taken, or the folder cannot be written
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.iterdir():
            path.chmod(0o444)
            sync(path)
        sync(temporary)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(target.parent)
