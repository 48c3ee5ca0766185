"""Where report and workbook read from: published tables by name, each read when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.schema import TABLES
from pipeline.storage import parquet


@dataclass(frozen=True)
class Source:
    """What there is to show.

    Attributes
    ----------
    files : Parquet files by the name of the table that they are parts of
    env : the environment's name
    sample : whether a raw file is sample data
    settings : values by key of every section that is shown, by its dotted name
    contents : content hashes of `files`, in their order
    libraries : version by name of the libraries that this is written with
    spill : the folder for what does not fit in memory; None is the system's temporary folder
    """

    files: Mapping[str, Sequence[Path]]
    env: str
    sample: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    spill: str | None = None
    _read: dict[str, pd.DataFrame] = field(default_factory=dict)
    _by_category: dict[str, dict[Any, pd.DataFrame]] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """A table as `pipeline.schema` says, sorted by its key; without rows where this program does not publish it yet.

        Money is in whole cents, as everywhere in frames.
        """
        if name not in self._read:
            self._read[name] = parquet.read(list(self.files.get(name, ())), TABLES[name])
        return self._read[name]

    def of_category(self, name: str, category: str) -> pd.DataFrame:
        """The rows of a category, in the order of the key; found once for all categories."""
        if name not in self._by_category:
            self._by_category[name] = dict(iter(self.table(name).groupby("category", sort=False)))
        found = self._by_category[name].get(category)
        return self.table(name).head(0) if found is None else found

    def has(self, name: str) -> bool:
        """Whether there is such a table, and a row in it."""
        return name in TABLES and bool(self.files.get(name)) and not self.table(name).empty

    def part(self, name: str, file: str) -> pd.DataFrame:
        """One file, by its name without suffix, of a table that is a file per category: these are never held together."""
        return parquet.read([path for path in self.files.get(name, ()) if path.stem == file], TABLES[name])
