"""Read pins: their tables, and the description in `pin.toml`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline import schema
from pipeline.config.environment import Config
from pipeline.errors import OutputError
from pipeline.freshness import fingerprints
from pipeline.storage import parquet

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


LARGEST = 1_000_000  # cluster number allowed in a pin: later numbers continue from it
_ADDED = ("overridden",)  # columns that pins of older versions lack: they are left out then
_NUMBERS = {"cluster": 1, "internal_cluster": 1, "external_cluster": 1, "highest_number": 0, "k": 0}


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `pin.toml`.

    Attributes
    ----------
    name, env : the pin's name and the environment whose result it is
    created_at : when it was created, UTC
    run_id : the run that built the final clusters; empty if unknown
    who : user@host who created it
    stale : why the result was stale when it was pinned with --anyway; empty if it was fresh
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
    """A result that a command line names: the latest one of an environment, or one of its pins."""

    env: str
    pin: str = ""

    def __str__(self) -> str:
        return f"{self.env}/{self.pin}" if self.pin else self.env


def folder(home: Path, reference: Reference) -> Path:
    """The folder of a pin, which may not exist."""
    return home / "pins" / reference.env / reference.pin


def every(home: Path) -> list[Reference]:
    """All pins, by environment and name; including those of deleted environments."""
    return [
        Reference(path.parent.name, path.name)
        for path in sorted((home / "pins").glob("*/*"))
        if path.is_dir() and not path.name.startswith(".")
    ]


def read(home: Path, reference: Reference) -> Pin:
    """The description of a pin.

    Raises
    ------
    OutputError
        Its `pin.toml` cannot be read.
    """
    path = folder(home, reference) / "pin.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Pin)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({what}); restore the pin, or delete its folder") from None


def path(home: Path, reference: Reference, table: str) -> Path:
    """The path of a pin's copy of a table, which may not exist."""
    return folder(home, reference) / f"{table}.parquet"


def file(home: Path, reference: Reference, table: str) -> Path:
    """A pin's copy of a table, after comparing its content with the pinned hash.

    Raises
    ------
    OutputError
        It does not exist, or differs from what was pinned.
    """
    copy, files = path(home, reference, table), read(home, reference).files
    try:
        same = fingerprints.content(copy) == files.get(copy.name)
    except OSError as error:
        raise OutputError(f"{copy}: {error.strerror}; restore the pin, or delete its folder") from None
    if not same:
        raise OutputError(f"{copy}: differs from what was pinned; restore the pin, or delete its folder")
    return copy


def table(
    config: Config, reference: Reference, name: str, columns: Sequence[str], categories: Collection[str] | None = None
) -> pd.DataFrame:
    """Columns of a pin's table, after comparing its content with the pinned hash.

    Parameters
    ----------
    config : any environment of the project
    name : the table
    columns : the columns to read; empty for all. A pin outlives versions of this program, so other columns are ignored
    categories : the categories whose rows are read; None for all

    Raises
    ------
    OutputError
        The table does not exist, differs from what was pinned, lacks a column, or has a cluster number out of range.
    """
    path = file(config.home, reference, name)
    columns = [column for column in columns if column not in _ADDED or column in parquet.names(path)]
    frame = parquet.read(path, schema.TABLES[name], columns or None, categories)
    for column in frame.columns.intersection(_NUMBERS):
        numbers = frame[column].dropna()
        outside = numbers[~numbers.between(_NUMBERS[column], LARGEST)]
        if len(outside):
            raise OutputError(
                f"{path}: {column} is {outside.iloc[0]}, where it must be from {_NUMBERS[column]} to {LARGEST:,}; "
                "restore the pin, or delete its folder"
            )
    return frame
