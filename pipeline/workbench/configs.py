"""The settings of all environments, as their files are now."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pipeline.config import environment
from pipeline.config.environment import Config
from pipeline.errors import PipelineError

Signature = tuple[int, int, int] | None


def signature(path: str | os.PathLike[str]) -> Signature:
    """What changes when a file or a folder changes; None if it does not exist."""
    try:
        status = os.stat(path)  # noqa: PTH116  # for many files, twice a second
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class Configs:
    """The settings of the environments of a project. They are read again when a file in `configs` changes."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "configs"
        self._signatures: tuple[Signature, ...] = ()

    def signatures(self) -> tuple[Signature, ...]:
        """What changes when the settings of any environment may have changed."""
        return (signature(self._folder), *(signature(path) for path in sorted(self._folder.glob("*.toml"))))

    def learn(self) -> None:
        """Read what changed. All environments are read, since the values of variables that one of them names are hidden on all pages."""
        signatures = self.signatures()
        if signatures == self._signatures:
            return
        self._signatures = signatures
        environment.forget()
        for env in environment.environments():
            with contextlib.suppress(PipelineError, OSError):  # whoever needs this environment is told
                environment.load(env)

    def of(self, env: str) -> Config:
        """The settings of an environment.

        Raises
        ------
        SettingsError : they cannot be used
        """
        self.learn()
        return environment.load(env)
