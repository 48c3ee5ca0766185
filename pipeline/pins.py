"""Pins: results that were put aside under a name, to be compared with later ones.

A pin is the folder `pins/<env>/<name>/` below the project's root, outside `outputs/`, so that deleting outputs keeps it:
copies of the small published tables, and `pin.toml`, which says where they came from and what their content is. It
appears whole, by one rename, and is never overwritten.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline import schema, tables
from pipeline.config import PLAIN_NAME, Config
from pipeline.config_faults import nearest
from pipeline.durable import sync
from pipeline.errors import InputChangedError, MissingDataError, OutputError, SettingsError, UsageError
from pipeline.freshness import fingerprints, locks
from pipeline.runs import who

if TYPE_CHECKING:
    import pandas as pd

TABLES = (
    "store_clusters",
    "merged_clusters",
    "cluster_numbers",
    "internal_clusters",
    "internal_features",
    "internal_profiles",
    "internal_verdicts",
    "external_clusters",
    "external_features",
    "external_profiles",
    "external_verdicts",
)


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """What `pin.toml` says.

    Attributes
    ----------
    name, env : the pin's name and the environment whose result it is
    created_at : when it was made, UTC
    run_id : the run that built the final clusters; empty where that is not known
    who : user@host who made it
    stale : why the result was stale when it was pinned all the same; empty where it was fresh
    files : content hash by file name
    """

    name: str
    env: str
    created_at: datetime
    run_id: str
    who: str
    stale: str = ""
    files: dict[str, str]


@dataclass(frozen=True)
class Reference:
    """A result that a command line names: an environment's latest, or a pin of it."""

    env: str
    pin: str = ""

    def __str__(self) -> str:
        return f"{self.env}/{self.pin}" if self.pin else self.env


def create(config: Config, name: str, files: Mapping[str, Path], *, run_id: str, stale: str = "") -> Pin:
    """Put an environment's tables aside.

    Parameters
    ----------
    config : the environment
    name : the pin's name
    files : published file by table, of `TABLES`
    run_id, stale : as `Pin` says

    Raises
    ------
    UsageError
        The name is none, is an environment's, or is taken.
    MissingDataError
        A table is not there.
    InputChangedError
        A table changed while it was copied, twice.
    """
    with locks.held(config.outputs / ".locks" / "pin"):
        check_name(config, name)
        require(config, files)
        return _create(config, name, files, run_id, stale)


def require(config: Config, files: Mapping[str, Path]) -> None:
    """Say which tables are not there.

    Raises
    ------
    MissingDataError
        One is not.
    """
    absent = [str(_relative(config, path)) for path in files.values() if not path.is_file()]
    if absent:
        others = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise MissingDataError(
            f"{absent[0]}{others} is not there: `store-clustering run Merging --env {config.env}` builds it; then pin"
        )


def check_name(config: Config, name: str) -> None:
    """Say why an environment's pin cannot have this name.

    Raises
    ------
    UsageError
        It is no plain name, is an environment's, or is taken.
    """
    if not PLAIN_NAME.fullmatch(name):
        raise UsageError(
            f"pin {name[:80]!r}: expected a plain name of at most 64 letters, digits, '_' and '-' that begins with a letter or a "
            "digit, such as 2026-spring"
        )
    if (config.home / "configs" / f"{name}.toml").exists():
        raise UsageError(f"pin {name!r}: is the name of an environment; choose another name")
    if _folder(config.home, Reference(config.env, name)).exists():
        raise UsageError(
            f"pin {config.env}/{name} is there already, and pins are never overwritten; choose another name"
        )


def _create(config: Config, name: str, files: Mapping[str, Path], run_id: str, stale: str) -> Pin:
    final = _folder(config.home, Reference(config.env, name))
    final.parent.mkdir(parents=True, exist_ok=True)
    for leftover in final.parent.glob(".*.tmp"):  # of a process that was killed: we hold the lock
        shutil.rmtree(leftover)
    temporary = final.with_name(f".{name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
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
        for path in temporary.iterdir():
            path.chmod(0o444)
            sync(path)
        sync(temporary)
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(final.parent)
    return pin


def _copied(files: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Copy every file as they all were at one moment; content hash by file name."""
    for _ in range(2):
        copies = {folder / f"{table}.parquet": path for table, path in files.items()}
        for copy, path in copies.items():
            shutil.copyfile(path, copy)
        contents = {copy: fingerprints.content(copy) for copy in copies}
        if all(fingerprints.content(path) == contents[copy] for copy, path in copies.items()):
            return {copy.name: content for copy, content in sorted(contents.items())}
    raise InputChangedError("a table changed while it was copied, twice: let the run that writes it finish, then pin")


def _folder(home: Path, reference: Reference) -> Path:
    return home / "pins" / reference.env / reference.pin


def _relative(config: Config, path: Path) -> Path:
    return path.relative_to(config.home) if path.is_relative_to(config.home) else path


def every(home: Path) -> list[Reference]:
    """The pins there are, by environment and name; those of environments that are gone too."""
    return [
        Reference(path.parent.name, path.name)
        for path in sorted((home / "pins").glob("*/*"))
        if path.is_dir() and not path.name.startswith(".")
    ]


def read(home: Path, reference: Reference) -> Pin:
    """What a pin says of itself.

    Raises
    ------
    OutputError
        Its `pin.toml` cannot be read.
    """
    path = _folder(home, reference) / "pin.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Pin)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({what}); restore the pin, or delete its folder") from None


def path(home: Path, reference: Reference, table: str) -> Path:
    """Where a pin's copy of a table is, or would be."""
    return _folder(home, reference) / f"{table}.parquet"


def file(home: Path, reference: Reference, table: str) -> Path:
    """A pin's copy of a table, once its content is found to be what was pinned.

    Raises
    ------
    OutputError
        It is not there, or is not what was pinned.
    """
    found, files = path(home, reference, table), read(home, reference).files
    try:
        same = fingerprints.content(found) == files.get(found.name)
    except OSError as error:
        raise OutputError(f"{found}: {error.strerror}; restore the pin, or delete its folder") from None
    if not same:
        raise OutputError(f"{found}: is not what was pinned; restore the pin, or delete its folder")
    return found


def table(config: Config, reference: Reference, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of a pin's table, once its content is found to be what was pinned.

    Parameters
    ----------
    config : any environment of the project
    name : the table
    columns : what is needed of it; none needs all. A pin outlives versions of this program, and other columns do not matter

    Raises
    ------
    OutputError
        The table is not there, is not what was pinned, or lacks a column.
    """
    return tables.read(file(config.home, reference, name), schema.TABLES[name], columns or None)


def of_setting(config: Config, name: str) -> Reference:
    """The pin that a setting `reference` names: ENV/NAME, or NAME of the environment itself."""
    env, slash, pin = name.partition("/")
    return Reference(env, pin) if slash else Reference(config.env, name)


def check_references(config: Config) -> None:
    """Say which pins that the settings name as `reference` cannot be one.

    Raises
    ------
    SettingsError
        A pin is not there, or lacks a table that a reference needs: a line for each.
    """
    faults = []
    for setting, level in _REFERENCES.items():
        name = getattr(config.settings.references, level)
        if name and (fault := _fault(config, of_setting(config, name), _NEEDED[level])):
            faults.append(f"{setting}: {fault}")
    if faults:
        raise SettingsError(*faults)


_REFERENCES = {
    "internal.clustering.reference": "internal",
    "external.clustering.reference": "external",
    "merging.reference": "final",
}
_NEEDED = {
    "internal": ("internal_clusters", "internal_verdicts", "internal_features"),
    "external": ("external_clusters", "external_verdicts", "external_features"),
    "final": ("store_clusters", "cluster_numbers"),
}


def _fault(config: Config, reference: Reference, needed: Sequence[str]) -> str:
    pinned = every(config.home)
    if reference not in pinned:
        names = [one.pin if one.env == config.env else str(one) for one in pinned]
        name = reference.pin if reference.env == config.env else str(reference)
        known = (
            f"there are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}" if names else "there is none yet"
        )
        return (
            f"no pin {name!r}{nearest(name, names)}: {known}; `store-clustering pin` makes one, before it is named here"
        )
    try:
        files = read(config.home, reference).files
    except OutputError as error:
        return str(error)
    lacking = [name for name in needed if f"{name}.parquet" not in files]
    if lacking:
        return f"the pin {reference} has no {', '.join(lacking)}, and cannot be a reference: an older version made it; pin again"
    return ""


def resolve(home: Path, text: str, environments: Collection[str]) -> Reference:
    """The result that a text names: an environment, a pin as ENV/NAME, or a pin by its name where that is unique.

    Raises
    ------
    UsageError
        It names none, or pins of several environments.
    """
    if text in environments:
        return Reference(text)
    pinned = every(home)
    found = [one for one in pinned if text in (str(one), one.pin)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{text!r} is a pin of {len(found)} environments: say which, {' or '.join(str(one) for one in found)}"
        )
    names = [str(one) for one in pinned]
    near = nearest(text, [*environments, *names, *(one.pin for one in pinned)])
    pins = f"{', '.join(names[:10])}{', ...' if len(names) > 10 else ''}" if names else "none yet"
    raise UsageError(
        f"{text!r} is neither an environment nor a pin{near}; environments: {', '.join(sorted(environments))}; pins: {pins}"
    )
