"""The targets of a stage, put in place one after the other once all of them are written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.storage.durable import naming, sync
from pipeline.storage.replacement import beside


class Publication:
    """Files on their way to be targets: written under dotted names, put in place by `publish`, one after the other.

    A file whose content is what the target already holds is not put in place: its target keeps its stat.
    """

    def __init__(self, content: Callable[[Path], str]) -> None:
        self._content = content
        self._staged: dict[Path, Path] = {}

    @contextmanager
    def staged(self, target: Path) -> Iterator[Path]:
        """A path to write the target's new content to; it is synced when the block ends."""
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
        mode : the most permissions that the targets get, of those that the process's umask leaves; None takes none away

        Returns
        -------
        Content hash by target.

        Raises
        ------
        OSError
            One cannot be put in place: those before it are, and the trace, which is not written, tells.
        """
        published = {}
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
        """Remove what was staged: the targets stay as they are."""
        for temporary in self._staged.values():
            temporary.unlink(missing_ok=True)
        self._staged.clear()


def listed(folder: Path) -> list[str]:
    """The names in a folder, in order; none where there is no such folder."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  # names, hundreds of them, in each look
    except (FileNotFoundError, NotADirectoryError):
        return []
