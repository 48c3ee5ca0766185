"""Where DuckDB may spill: a folder of its own per connection, removed when the connection closes.

Connections that share a spill folder would overwrite each other's files. A folder is locked while it is in use, so that what
a killed process left can be distinguished from what another process uses, and is removed. The folder that the settings name
may hold anything of the user's: we write into one subfolder of it, and remove only what carries our mark.
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
    """The subfolder of `parent` that spill folders are made in: one per user, since others may not write into it."""
    return Path(parent).absolute() / f"store-clustering-spill-{os.getuid()}"


@contextmanager
def spill_folder(parent: str) -> Iterator[Path]:
    """A new folder, empty but for our mark, below `parent`, which is made where it is missing.

    Parameters
    ----------
    parent : the `[engine] spill_folder` setting; a relative path starts at the working folder

    Raises
    ------
    OSError : the folder cannot be made, or our subfolder of `parent` is a symbolic link
    """
    root = subfolder(parent)
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with held_folder(root):  # or another process could take the new folder for a left one, until it is locked
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            (folder / MARK).touch()
            stack.enter_context(held_folder(folder))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _sweep(root: Path) -> None:
    """Remove the spill folders that carry our mark and that no process holds."""
    for folder in root.glob(f"{_PREFIX}*"):
        # held by a living process, removed by it just now, or a link, which is never ours
        with suppress(OSError), held_folder(folder, wait=False):
            if (folder / MARK).is_file():
                shutil.rmtree(folder, ignore_errors=True)
