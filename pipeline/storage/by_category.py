"""Published tables, category by category: on disk, and no more than a category in memory.

The tables of all categories are in order of the store. They are read once, a part at a time, and each part is written to disk by category.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.schema import Table
from pipeline.storage import parquet
from pipeline.storage.rows import to_frame
from pipeline.storage.spool import Spool

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class PerFile:
    """The rows of a table that is a file per category."""

    def __init__(self, paths: Mapping[str, Path], table: Table) -> None:
        """Name the file of each category."""
        self._paths, self._table = paths, table

    @property
    def categories(self) -> list[str]:
        """The categories with a file, sorted."""
        return sorted(self._paths)

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category; none if it has no file.

        Raises
        ------
        OutputError : its file does not exist, or is not as it was written
        """
        return parquet.read([self._paths[category]] if category in self._paths else [], self._table)


class OnDisk:
    """The rows of a table by category; its files are read at the first use."""

    def __init__(
        self, paths: Sequence[Path], table: Table, folder: str | None = None, columns: Sequence[str] | None = None
    ) -> None:
        """Name the files.

        Parameters
        ----------
        paths : the files
        table : the declaration of the table, which has the column category
        folder : for the parts; None is the system's temporary folder
        columns : the only columns that are read, category among them; None for all

        Raises
        ------
        OutputError : at the first use, a file does not exist, or is not as it was written
        """
        self._paths, self._table, self._folder, self._columns = paths, table, folder, columns

    @property
    def categories(self) -> list[str]:
        """The categories with a row, sorted."""
        return sorted(self._written[1])

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category in the order of the files, as `parquet.read` gives them; none if it has none."""
        import pyarrow as pa

        spool, parts = self._written
        if spool is None or category not in parts:
            return parquet.read([], self._table, self._columns)
        batches = [spool.batch(number) for number in parts[category]]
        return to_frame(pa.Table.from_batches(batches), self._table)

    @functools.cached_property
    def _written(self) -> tuple[Spool | None, dict[str, list[int]]]:
        """The parts on disk, None without rows, and their numbers by category."""
        spool, parts = None, dict[str, list[int]]()
        for part in parquet.parts(self._paths, self._table, self._columns):
            spool = spool or Spool(part.schema, self._folder)
            for category, rows in _split(part):
                parts.setdefault(category, []).append(spool.add(rows))
        return spool, parts


def _split(part: pa.RecordBatch) -> list[tuple[str, pa.RecordBatch]]:
    """The rows of each category, in their order."""
    import pyarrow.compute as pc

    categories = part.column("category")
    part = part.take(pc.array_sort_indices(categories))  # which is stable
    counts = sorted((str(count["values"]), int(count["counts"])) for count in pc.value_counts(categories).to_pylist())
    split, first = [], 0
    for category, count in sorted(counts, key=lambda pair: pair[0].encode()):
        split.append((category, part.slice(first, count)))
        first += count
    return split
