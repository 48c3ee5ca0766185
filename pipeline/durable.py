"""Making what was written survive: the one place that asks the disk for it."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk hold a file's content, or a folder's names, before this returns.

    Raises
    ------
    OSError : it is not there, or the disk says that it could not
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
