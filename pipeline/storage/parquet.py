"""Publish and read Parquet: atomic, deterministic, checked.

A target is written under a hidden name, synced, read back, and renamed, so that at every moment it is old and complete, or
new and complete. Equal tables give equal bytes: rows are sorted by the key, floats are rounded, and the file contains no
pandas metadata and no time. Pages have checksums, so that reading detects a flipped bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import OutputError
from pipeline.schema import TABLES, Table
from pipeline.storage.rows import arrow_type, to_arrow, to_frame
from pipeline.wording import first_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 1_048_576  # rows


def write(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Write a table to `path` and read it back.

    Parameters
    ----------
    frame : DataFrame with the table's columns by their `frame_name`, in any order, rows in any order
    table : the declaration of the table
    path : the temporary path of the target

    Raises
    ------
    OutputError
        A column is missing or unknown, a key is null or not unique, a non-nullable column has a null, a float is infinite, or
        the file does not read back equal.
    """
    write_arrow(to_arrow(frame, table), table, path)


def write_arrow(arrow: pa.Table, table: Table, path: Path) -> None:
    """Write rows that are as `rows.in_order` gives them; as `write`."""

    def group(number: int) -> pa.Table:
        return arrow.slice(number * ROW_GROUP, ROW_GROUP)

    groups = map(group, range(max(1, -(-len(arrow) // ROW_GROUP))))
    write_row_groups(arrow.schema, groups, group, table, path)


def write_row_groups(
    schema: pa.Schema, groups: Iterable[pa.Table], again: Callable[[int], pa.Table], table: Table, path: Path
) -> None:
    """Write a table by its row groups, and read it back.

    Parameters
    ----------
    schema : of the row groups
    groups : all with `ROW_GROUP` rows but the last one, which may have fewer
    again : a row group by its number, for the comparison
    table : the declaration of the table
    path : the temporary path of the target

    Raises
    ------
    OutputError : the file does not read back equal
    """
    import pyarrow.parquet as pq

    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True, write_statistics=True) as writer:
        for group in groups:
            writer.write_table(group, ROW_GROUP)
            written += 1
    with pq.ParquetFile(path, page_checksum_verification=True) as back:
        same = back.schema_arrow.equals(schema) and back.num_row_groups == written
        if not same or any(
            not back.read_row_group(number, use_threads=False).equals(again(number)) for number in range(written)
        ):
            raise OutputError(f"{path}: the table {table.name} does not read back as it was written; check the disk")


def as_json(frames: Mapping[str, pd.DataFrame]) -> str:
    """Tables as one JSON document with the same content as `write`: a line per row, money as numbers.

    `{"tables": {name: {"key": [...], "columns": [...], "rows": [[...], ...]}}}`, tables by name, rows sorted by the key; null
    for a missing value. Equal tables give equal texts.

    Raises
    ------
    OutputError
        As for `write`.
    """
    documents = []
    for name, frame in sorted(frames.items()):
        arrow = to_arrow(frame, TABLES[name])
        columns = [arrow.column(column).to_pylist() for column in arrow.column_names]
        lines = [json.dumps(row, ensure_ascii=False, default=float) for row in zip(*columns, strict=True)]
        head = f'"key": {json.dumps(TABLES[name].key)}, "columns": {json.dumps(arrow.column_names)}'
        documents.append(f'{json.dumps(name)}: {{{head}, "rows": [\n' + ",\n".join(lines) + "\n]}")
    return '{"tables": {\n' + ",\n".join(documents) + "\n}}\n"


def read(
    paths: Path | Sequence[Path],
    table: Table,
    columns: Sequence[str] | None = None,
    categories: Collection[str] | None = None,
) -> pd.DataFrame:
    """The table in these files, in their order.

    Parameters
    ----------
    paths : the files
    table : the declaration of the table
    columns : the columns to read; None for all
    categories : the categories whose rows are read, a part of a file at a time; None for all

    Returns
    -------
    DataFrame with the table's columns by their `frame_name`: text as str, money in cents, nullable integers as
    `Int64`. Empty without files.

    Raises
    ------
    OutputError
        A file does not exist, or is not as it was written.
    """
    import pyarrow as pa

    paths = [paths] if isinstance(paths, Path) else paths
    if categories is not None and not categories:
        paths = []
    parts = [_read(path, table, columns, categories) for path in paths]
    if not parts:
        empty = pa.schema([pa.field(column.name, arrow_type(column)) for column in table.columns]).empty_table()
        parts = [empty if columns is None else empty.select(list(columns))]
    return to_frame(pa.concat_tables(parts), table)


def parts(paths: Sequence[Path], table: Table, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of these files in their order, a part of a file at a time; of all columns, or of these.

    Raises
    ------
    OutputError
        A file does not exist, or is not as it was written.
    """
    for path in paths:
        with _opened(path) as file:
            _check_declared(path, file.schema_arrow, table)
            for part in file.iter_batches(
                65_536, columns=None if columns is None else list(columns), use_threads=False
            ):
                yield part if columns is None else part.select(list(columns))


def row_count(paths: Sequence[Path]) -> int:
    """The number of rows in these files.

    Raises
    ------
    OutputError
        A file cannot be read.
    """
    count = 0
    for path in paths:
        with _opened(path) as file:
            count += file.metadata.num_rows
    return count


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (OSError, KeyError, UnicodeDecodeError, pa.ArrowException) as error:
        raise OutputError(f"{path}: cannot be read ({first_line(error)}); run again to rebuild it") from error


def names(path: Path) -> list[str]:
    """The names of the columns in a file.

    Raises
    ------
    OutputError
        The file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [str(name) for name in pq.ParquetFile(path).schema_arrow.names]
    except (OSError, pa.ArrowException) as error:
        raise OutputError(f"{path}: cannot be read ({first_line(error)}); run again to rebuild it") from error


def _read(
    path: Path, table: Table, columns: Sequence[str] | None, categories: Collection[str] | None = None
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        wanted = None if columns is None else list(columns)
        arrow = (
            file.read(columns=wanted, use_threads=False) if categories is None else _rows_of(file, wanted, categories)
        )
        arrow = arrow if wanted is None else arrow.select(wanted)
    except (OSError, KeyError, UnicodeDecodeError, pa.ArrowException) as error:
        raise OutputError(f"{path}: cannot be read ({first_line(error)}); run again to rebuild it") from error
    _check_declared(path, arrow.schema, table)
    return arrow


def _check_declared(path: Path, schema: pa.Schema, table: Table) -> None:
    """The footer of a file, which declares the columns, has no checksum."""
    declared = {column.name for column in table.columns}
    for field in schema:
        if (field.name not in declared and table.more is None) or field.type != arrow_type(table.column(field.name)):
            raise OutputError(
                f"{path}: its column {field.name!r} is not in the table {table.name}, or has another type; run again to "
                "rebuild it"
            )


def _rows_of(file: pq.ParquetFile, columns: list[str] | None, categories: Collection[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(categories), pa.string())
    groups = (file.read_row_group(group, columns=columns, use_threads=False) for group in range(file.num_row_groups))
    return pa.concat_tables(group.filter(pc.is_in(group.column("category"), value_set=wanted)) for group in groups)
