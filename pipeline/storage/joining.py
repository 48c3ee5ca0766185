"""The rows of all categories in one file, in the order of the key, with hardly more than a row group of the file in memory.

Each part is in the order of the key, and has keys of its own. The first column of the key has few values (stores, or categories), with
several rows each: these values are cut into ranges of about equal size, the rows of each range are collected on disk, and sorted in memory.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import OutputError
from pipeline.schema import Table
from pipeline.storage import parquet
from pipeline.storage.rows import in_order, schema_of, to_arrow
from pipeline.storage.spool import Spool
from pipeline.wording import first_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_IN_A_RANGE = 262_144  # rows that are sorted at once

Parts = Callable[[Sequence[str]], Iterable["pa.RecordBatch"]]  # of these columns at least


def join(paths: Sequence[Path], table: Table, path: Path, folder: str | None = None) -> None:
    """Write the rows of the files, which all have the table's columns, to `path`: the bytes of `parquet.write` of what `parquet.read` gives.

    Parameters
    ----------
    paths : the files, each in the order of the key
    table : the declaration of the table
    path : the temporary path of the target
    folder : for data that does not fit in memory; None is the system's temporary folder

    Raises
    ------
    OutputError
        A file does not exist, or is not as it was written; a key is in two of them.
    """
    _write(_of_files(paths, table), parquet.row_count(paths), table, path, folder)


def in_key_order(paths: Sequence[Path], table: Table, folder: str | None = None) -> Iterator[pa.Table]:
    """The rows of the files in the order of the key, many at a time; arguments and errors are those of `join`."""
    rows = parquet.row_count(paths)
    return _ordered(_of_files(paths, table), rows, table, folder) if rows else iter(())


def _of_files(paths: Sequence[Path], table: Table) -> Parts:
    def parts(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = schema_of([table.column(name) for name in columns])
        try:
            yield from (part.cast(schema) for part in parquet.parts(paths, table, columns))
        except ValueError as error:  # also that of Arrow: a null where none may be
            raise OutputError(
                f"table {table.name}: a part of it cannot be read ({first_line(error)}); run again to rebuild it"
            ) from error

    return parts


def write(frames: Iterable[pd.DataFrame], table: Table, path: Path, folder: str | None = None) -> None:
    """Write a table that comes in parts with keys of their own: the bytes of `parquet.write` of all of them. The rest is as for `join`.

    Raises
    ------
    OutputError
        As for `parquet.write`.
    """
    spool, rows = Spool(schema_of(table.columns), folder), []
    for frame in frames:
        for batch in to_arrow(frame, table).to_batches():
            spool.add(batch)
            rows.append(len(batch))
    _write(lambda _: map(spool.batch, range(len(rows))), sum(rows), table, path, folder)


def _write(parts: Parts, rows: int, table: Table, path: Path, folder: str | None) -> None:
    import pyarrow as pa

    schema = schema_of(table.columns)
    if rows <= parquet.ROW_GROUP:
        parquet.write_arrow(in_order(pa.Table.from_batches(parts(schema.names), schema), table), table, path)
        return
    spool = Spool(schema, folder)

    def groups() -> Iterator[pa.Table]:
        for group in _row_groups(_ordered(parts, rows, table, folder)):
            (batch,) = group.to_batches()
            spool.add(batch)
            yield group

    def written(number: int) -> pa.Table:
        return pa.Table.from_batches([spool.batch(number)])

    parquet.write_row_groups(schema, groups(), written, table, path)


def _ordered(parts: Parts, rows: int, table: Table, folder: str | None) -> Iterator[pa.Table]:
    """The rows in the order of the key, a range of its first column at a time."""
    import pyarrow as pa

    schema, first = schema_of(table.columns), table.key[0]
    bounds = _bounds(parts, rows, first)
    spool, numbers = Spool(schema, folder), [list[int]() for _ in range(len(bounds) + 1)]
    for part in parts(schema.names):
        for number, cut in _cut(part, first, bounds):
            numbers[number].append(spool.add(cut))
    last = None
    for in_range in numbers:
        ordered = in_order(pa.Table.from_batches(map(spool.batch, in_range), schema), table)
        if not len(ordered) or (last is not None and ordered[first][0].as_py() <= last):
            raise OutputError(f"table {table.name}: a part of it is not in the order of its key; please report this")
        last = ordered[first][-1].as_py()
        yield ordered


def _bounds(parts: Parts, rows: int, column: str) -> list[str]:
    """The last value of each range but the last one."""
    import pyarrow as pa

    counts = None
    for part in parts([column]):
        own = pa.Table.from_struct_array(part.column(column).value_counts())
        both = own if counts is None else pa.concat_tables([counts, own])
        counts = both.group_by("values").aggregate([("counts", "sum")]).rename_columns({"counts_sum": "counts"})
    bounds, in_range, left = list[str](), 0, rows
    assert counts is not None  # noqa: S101  # there are rows
    for value, count in zip(
        *(counts.sort_by("values")[name].to_pylist() for name in ("values", "counts")), strict=True
    ):
        in_range, left = in_range + count, left - count
        if in_range >= _IN_A_RANGE and left:
            bounds.append(value)
            in_range = 0
    return bounds


def _cut(part: pa.RecordBatch, column: str, bounds: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each range, with its number, of a part that is in the order of the column."""
    values, begin = part.column(column), 0
    for number, bound in enumerate([*bounds, None]):
        end = len(part) if bound is None else bisect.bisect_right(_Texts(values), bound, begin)
        if end > begin:
            yield number, part.slice(begin, end - begin)
        begin = end


class _Texts(Sequence[str]):
    """An Arrow array of texts, for `bisect`."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: Any) -> Any:
        return self._values[at].as_py()


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in tables of `ROW_GROUP` rows, and a last one of fewer."""
    import pyarrow as pa

    waiting = list[pa.Table]()
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= parquet.ROW_GROUP:
            rows = pa.concat_tables(waiting)
            yield rows.slice(0, parquet.ROW_GROUP).combine_chunks()
            waiting = [rows.slice(parquet.ROW_GROUP)]
    if rest := [table for table in waiting if len(table)]:
        yield pa.concat_tables(rest).combine_chunks()
