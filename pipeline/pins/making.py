"""Create pins: copies of an environment's tables."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from pipeline.config.environment import PLAIN_NAME, Config
from pipeline.errors import InputChangedError, MissingDataError, UsageError
from pipeline.freshness import fingerprints
from pipeline.pins.archive import Pin, Reference, folder
from pipeline.records.runs import who
from pipeline.storage import locks
from pipeline.storage.replacement import new_folder, sweep
from pipeline.wording import first_of


def create(config: Config, name: str, files: Mapping[str, Path], *, run_id: str, stale: str = "") -> Pin:
    """Create a pin from an environment's tables.

    Parameters
    ----------
    config : the environment
    name : the pin's name
    files : the published file of each table of `TABLES`
    run_id, stale : as in `Pin`

    Raises
    ------
    UsageError
        The name is not allowed, is an environment's, or is taken.
    MissingDataError
        A table does not exist.
    InputChangedError
        A table changed while it was copied, in two attempts.
    """
    with locks.held(config.outputs / ".locks" / "pin"):
        check_name(config, name)
        require(config, files)
        return _create(config, name, files, run_id, stale)


def require(config: Config, files: Mapping[str, Path]) -> None:
    """Check that all tables exist.

    Raises
    ------
    MissingDataError
        A table does not exist.
    """
    absent = [str(_relative(config, path)) for path in files.values() if not path.is_file()]
    if absent:
        raise MissingDataError(
            f"{first_of(absent)} does not exist: run `store-clustering run Merging --env {config.env}` first"
        )


def check_name(config: Config, name: str) -> None:
    """Check the name of a new pin.

    Raises
    ------
    UsageError
        It is not a plain name, is an environment's, or is taken.
    """
    if wrong := unusable(config.home, name):
        raise UsageError(f"pin {name[:80]!r}: {wrong}")
    if folder(config.home, Reference(config.env, name)).exists():
        raise UsageError(f"pin {config.env}/{name} exists already, and pins are never overwritten; choose another name")


def unusable(home: Path, name: str) -> str:
    """Why no pin can have this name, and what to do; empty if one can."""
    if not PLAIN_NAME.fullmatch(name):
        return "expected a plain name of at most 64 letters, digits, '_' and '-' that begins with a letter or a digit, such as 2026-spring"
    if (home / "configs" / f"{name}.toml").exists():
        return "is the name of an environment; choose another name"
    return ""


def _create(config: Config, name: str, files: Mapping[str, Path], run_id: str, stale: str) -> Pin:
    final = folder(config.home, Reference(config.env, name))
    sweep(final.parent)  # of a process that was killed: we hold the lock
    with new_folder(final) as temporary:
        pin = Pin(
            name=name,
            env=config.env,
            created_at=datetime.now(timezone.utc).replace(microsecond=0),
            run_id=run_id,
            who=f"{who()}@{socket.gethostname()}",
            stale=stale,
            files=_copied(files, temporary),
        )
        (temporary / "pin.toml").write_bytes(msgspec.toml.encode(pin))
    return pin


def _copied(files: Mapping[str, Path], into: Path) -> dict[str, str]:
    """Copy all files as they were at one moment; returns the content hash by file name."""
    for _ in range(2):
        copies = {into / f"{table}.parquet": path for table, path in files.items()}
        for copy, path in copies.items():
            shutil.copyfile(path, copy)
        contents = {copy: fingerprints.content(copy) for copy in copies}
        if all(fingerprints.content(path) == contents[copy] for copy, path in copies.items()):
            return {copy.name: content for copy, content in sorted(contents.items())}
    raise InputChangedError("a table changed while it was copied, twice: let the run that writes it finish, then pin")


def _relative(config: Config, path: Path) -> Path:
    return path.relative_to(config.home) if path.is_relative_to(config.home) else path
