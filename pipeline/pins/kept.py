"""Pins as they are kept: what one holds, and says of itself."""

from __future__ import annotations

from collections.abc import Sequence
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


LARGEST = 1_000_000  # number that a cluster of a pin may have: what follows it is counted on
_NUMBERS = {"cluster": 1, "internal_cluster": 1, "external_cluster": 1, "highest_number": 0, "k": 0}


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


def folder(home: Path, reference: Reference) -> Path:
    """Where a pin is, or would be."""
    return home / "pins" / reference.env / reference.pin


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
    path = folder(home, reference) / "pin.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Pin)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({what}); restore the pin, or delete its folder") from None


def path(home: Path, reference: Reference, table: str) -> Path:
    """Where a pin's copy of a table is, or would be."""
    return folder(home, reference) / f"{table}.parquet"


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
    path = file(config.home, reference, name)
    frame = parquet.read(path, schema.TABLES[name], columns or None)
    for column in frame.columns.intersection(_NUMBERS):
        known = frame[column].dropna()
        outside = known[~known.between(_NUMBERS[column], LARGEST)]
        if len(outside):
            raise OutputError(
                f"{path}: {column} is {outside.iloc[0]}, where a number of clusters is from {_NUMBERS[column]} to {LARGEST:,}; "
                "restore the pin, or delete its folder"
            )
    return frame
