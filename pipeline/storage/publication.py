"""Publish the targets of a stage, one after the other, after all of them are written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.storage.durable import naming, sync
from pipeline.storage.replacement import beside


class Publication:
    """New contents of targets: written under hidden names, then renamed by `publish`, one after the other.

    If the content of a target is unchanged, the target is not replaced and keeps its stat.
    """

    def __init__(self, content: Callable[[Path], str]) -> None:
        self._content = content
        self._staged: dict[Path, Path] = {}
        self._same: dict[Path, str] = {}

    def keep(self, target: Path, content: str) -> None:
        """Publish a target as it is, whose content hash is known."""
        self._same[target] = content

    @contextmanager
    def staged(self, target: Path) -> Iterator[Path]:
        """A path for the target's new content; it is synced when the block ends."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(target)
        self._staged[target] = temporary
        with naming(target):
            yield temporary
            sync(temporary)

    def publish(self, mode: int | None = None) -> dict[Path, str]:
        """Rename every staged file into place.

        Parameters
        ----------
        mode : a limit for the permissions that the process's umask gives the targets; None for no limit

        Returns
        -------
        Content hash by target.

        Raises
        ------
        OSError
            A target cannot be replaced. Earlier targets are replaced already; since no trace is written, the task is stale.
        """
        published = dict(self._same)
        for target, temporary in self._staged.items():
            published[target] = self._content(temporary)
            if target.is_file() and self._content(target) == published[target]:
                temporary.unlink()
                continue
            if mode is not None:
                temporary.chmod(temporary.stat().st_mode & mode)
            temporary.replace(target)
        for folder in sorted({target.parent for target in self._staged}):
            sync(folder)
        self._staged.clear()
        return published

    def discard(self) -> None:
        """Remove the staged files; the targets stay unchanged."""
        for temporary in self._staged.values():
            temporary.unlink(missing_ok=True)
        self._staged.clear()
        self._same.clear()


def names_in(folder: Path) -> list[str]:
    """The sorted names in a folder; empty if the folder does not exist."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  # faster than Path for hundreds of names in each check
    except (FileNotFoundError, NotADirectoryError):
        return []
