"""A published table, category by category, whatever the order of its rows: on disk, and no more than a category in memory.

The tables of all categories are in order of the store. They are read once, a part at a time, and each part is written by category into one
Arrow file without a name, which the system removes when it is closed, also if the process is killed.
"""

from __future__ import annotations

import functools
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.schema import Table
from pipeline.storage import parquet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class OnDisk:
    """The rows of a table by category; its files are read at the first use."""

    def __init__(self, paths: Sequence[Path], table: Table, folder: str | None = None) -> None:
        """Name the files.

        Parameters
        ----------
        paths : the files
        table : the declaration of the table, which has the column category
        folder : for the Arrow file; None is the system's temporary folder

        Raises
        ------
        OutputError : at the first use, a file does not exist, or is not as it was written
        """
        self._paths, self._table, self._folder = paths, table, folder

    @property
    def categories(self) -> list[str]:
        """The categories with a row, sorted."""
        return sorted(self._written[1])

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category in the order of the files, as `parquet.read` gives them; none if it has none."""
        import pyarrow as pa

        file, parts = self._written
        if file is None or category not in parts:
            return parquet.read([], self._table)
        batches = [file.get_batch(number) for number in parts[category]]
        return parquet.to_frame(pa.Table.from_batches(batches), self._table)

    @functools.cached_property
    def _written(self) -> tuple[pa.RecordBatchFileReader | None, dict[str, list[int]]]:
        """The Arrow file, None without rows, and by category its parts there."""
        import pyarrow as pa

        if self._folder is not None:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed with this object
        self._close = weakref.finalize(self, file.close)
        writer, parts, count = None, dict[str, list[int]](), 0
        for part in parquet.parts(self._paths, self._table):
            writer = writer or pa.ipc.new_file(file, part.schema)
            for category, rows in _split(part):
                writer.write_batch(rows)
                parts.setdefault(category, []).append(count)
                count += 1
        if writer is None:
            return None, parts
        writer.close()
        return pa.ipc.open_file(file), parts


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
