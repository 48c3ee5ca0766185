"""The published tables that report and workbook read, each on its first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.core.frames import ByCategory, by_category
from pipeline.report.result import Result, result_of
from pipeline.schema import TABLES
from pipeline.storage import parquet
from pipeline.storage.by_category import OnDisk

_FEW = 65_536  # rows: such a table is split in memory


class _Held:
    """A table by category that holds the rows of the category that was read last."""

    def __init__(self, table: ByCategory) -> None:
        self._table = table
        self._category: str | None = None
        self._rows = pd.DataFrame()

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category."""
        if category != self._category:
            self._category, self._rows = category, self._table.rows(category)
        return self._rows


@dataclass(frozen=True)
class Source:
    """The tables and facts to show.

    Attributes
    ----------
    files : the Parquet files of each table, by its name
    env : the environment's name
    sample : whether a raw file is sample data
    currency : of amounts; empty where the settings do not say it
    settings : the values of every section that is shown, by key, by the dotted name of the section
    contents : content hashes of `files`, in the same order
    libraries : versions of the libraries that write the report, by name
    spill : the folder for data that does not fit in memory; None is the system's temporary folder
    frames : tables that are in no file, by name
    """

    files: Mapping[str, Sequence[Path]]
    env: str
    sample: bool = False
    currency: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    spill: str | None = None
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _read: dict[str, pd.DataFrame] = field(default_factory=dict)
    _by_category: dict[str, _Held] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """A table as declared in `pipeline.schema`, sorted by its key; without rows if no file of it exists.

        Money is in cents, as in all frames.
        """
        if name in self.frames:
            return self.frames[name]
        if name not in self._read:
            self._read[name] = parquet.read(list(self.files.get(name, ())), TABLES[name])
        return self._read[name]

    @cached_property
    def result(self) -> Result:
        """What the tables hold, in one row."""
        return result_of(
            self.env,
            self.contents,
            categories=self.table("categories"),
            store_clusters=self.columns("store_clusters", ["store_id", "category"]),
            merged_clusters=self.table("merged_clusters"),
            currency=self.currency,
        )

    @cached_property
    def stores(self) -> list[str]:
        """Every store with a cluster, sorted."""
        return sorted({str(store) for store in self.columns("store_clusters", ["store_id"])["store_id"].unique()})

    def columns(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of a table of many rows, read anew at each use."""
        return parquet.read(list(self.files.get(name, ())), TABLES[name], columns)

    def of_category(self, name: str, category: str) -> pd.DataFrame:
        """The rows of a category, in the order of the key; they must not be changed.

        The table is split once for all categories: on disk if it has many rows. The rows of the category before are held, because several parts
        of a page read them.
        """
        if name not in self._by_category:
            is_small = name in self._read or self._rows(name) <= _FEW
            self._by_category[name] = _Held(
                by_category(self.table(name))
                if is_small
                else OnDisk(list(self.files.get(name, ())), TABLES[name], self.spill)
            )
        return self._by_category[name].rows(category)

    def has(self, name: str) -> bool:
        """Whether the table exists and has a row."""
        return not self.table(name).empty if name in self.frames else name in TABLES and self._rows(name) > 0

    def _rows(self, name: str) -> int:
        if name not in self._counts:
            self._counts[name] = parquet.row_count(self.files.get(name, ()))
        return self._counts[name]

    @cached_property
    def external_features(self) -> pd.DataFrame:
        """The table of this name, by store."""
        return self.table("external_features").set_index("store_id")

    def part(self, name: str, file: str) -> pd.DataFrame:
        """One file, by its name without suffix, of a table that is a file per category: they are never all in memory."""
        return parquet.read([path for path in self.files.get(name, ()) if path.stem == file], TABLES[name])
