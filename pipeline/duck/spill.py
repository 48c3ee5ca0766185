"""Spill folders for DuckDB: one per connection, removed when the connection closes.

Connections that share a spill folder would overwrite each other's files. A folder is locked while it is in use, so that
leftovers of killed processes can be recognised and removed. The folder in the settings may contain the user's own files: we
write only into one subfolder of it, and remove only folders with our mark.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pipeline.storage.locks import held_folder

MARK = ".made-by-store-clustering"  # a file in each spill folder
_PREFIX = "duckdb-"


def subfolder(parent: str) -> Path:
    """The subfolder of `parent` for spill folders: one per user, since others may not write into it."""
    return Path(parent).absolute() / f"store-clustering-spill-{os.getuid()}"


@contextmanager
def spill_folder(parent: str) -> Iterator[Path]:
    """A new folder below `parent` with only our mark in it; a missing `parent` is created.

    Parameters
    ----------
    parent : the `[engine] spill_folder` setting; a relative path starts at the working folder

    Raises
    ------
    OSError : the folder cannot be created, or our subfolder of `parent` is a symbolic link
    """
    root = subfolder(parent)
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with held_folder(root):  # until the new folder is locked, another process could take it for a leftover
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            (folder / MARK).touch()
            stack.enter_context(held_folder(folder))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _sweep(root: Path) -> None:
    """Remove spill folders with our mark that no process holds."""
    for folder in root.glob(f"{_PREFIX}*"):
        # an error means: held by a living process, just removed by it, or a link, which is never ours
        with suppress(OSError), held_folder(folder, wait=False):
            if (folder / MARK).is_file():
                shutil.rmtree(folder, ignore_errors=True)
