"""Where DuckDB may spill: a folder of its own per connection, removed when the connection closes.

Connections that share a spill folder would overwrite each other's files. A folder is held by a lock (`flock`) while it
is in use, so that what a killed process left is told from what another process uses, and removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "duckdb-"


@contextmanager
def spill_folder(parent: str) -> Iterator[Path]:
    """A new, empty folder under `parent`, which is made where it is missing.

    Parameters
    ----------
    parent : the `[engine] spill_folder` setting; a relative path starts at the working folder

    Raises
    ------
    OSError : the folder cannot be made
    """
    root = Path(parent).absolute()
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):  # or another process could take the new folder for a left one, until it is held
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


@contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        # held by a living process, or removed by it just now
        with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
