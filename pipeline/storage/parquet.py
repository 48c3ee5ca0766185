"""Publish and read Parquet: atomic, deterministic, checked.

A target is written under a hidden name, synced, read back, and renamed, so that at every moment it is old and complete, or
new and complete. Equal tables give equal bytes: rows are sorted by the key, floats are rounded, and the file contains no
pandas metadata and no time. Pages have checksums, so that reading detects a flipped bit.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import OutputError
from pipeline.schema import CENT_PARTS, MONEY, TABLES, Column, Table
from pipeline.wording import counted, first_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 1_048_576  # rows
DECIMALS = 10  # of published floats; further decimals differ between libraries and processors


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
    """Write rows that are as `in_order` gives them; as `write`."""

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


def to_frame(arrow: pa.Table, table: Table) -> pd.DataFrame:
    """Rows of a table as `read` gives them."""
    import pandas as pd

    arrays: dict[str, Any] = {}  # without an index: series would have to be aligned
    for name in arrow.column_names:
        column, values = table.column(name), arrow.column(name).combine_chunks()
        if column.type == "money":
            arrays[column.frame_name] = _cents(values).to_numpy(zero_copy_only=False)
        elif column.type == "integer" and column.nullable:
            arrays[name] = pd.Int64Dtype().__from_arrow__(values)
        elif column.type == "text":
            arrays[name] = values.to_pandas().array
        else:
            arrays[name] = values.to_numpy(zero_copy_only=False)
    return pd.DataFrame(arrays)


def _cents(values: pa.Array) -> pa.Array:
    """Money as cents: int64 where all are whole, else float64 with up to four decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cents = pc.multiply(values, pa.scalar(100, pa.decimal128(3, 0)))
    whole = pc.trunc(cents)
    rest = pc.subtract(cents, whole)
    number = whole.cast(pa.int64())
    if not pc.any(pc.not_equal(rest, 0)).as_py():
        return number
    parts = pc.multiply(rest, pa.scalar(CENT_PARTS, pa.decimal128(5, 0))).cast(pa.int64())
    return pc.add(number.cast(pa.float64()), pc.divide(parts.cast(pa.float64()), float(CENT_PARTS)))


def _money(series: pd.Series[Any]) -> pa.Array:
    """Cents, whole numbers or floats, as money: floats to the ten-thousandth part of a cent."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def in_decimal(numbers: Any, unit: str) -> pa.Array:
        digits = len(unit.partition(".")[2])
        whole = pa.array(numbers, pa.int64()).cast(pa.decimal128(19, 0))
        return pc.multiply(whole, pa.scalar(unit).cast(pa.decimal128(digits + 1, digits)))

    if series.dtype.kind != "f":
        return in_decimal(series.to_numpy(dtype="int64"), "0.01").cast(pa.decimal128(*MONEY))
    cents = series.to_numpy(dtype="float64")
    whole = np.trunc(cents)
    parts = np.round((cents - whole) * CENT_PARTS)
    return pc.add(in_decimal(whole.astype("int64"), "0.01"), in_decimal(parts.astype("int64"), "0.000001")).cast(
        pa.decimal128(*MONEY)
    )


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """The frame as the declared table: columns in order, typed, rounded, sorted by the key.

    Raises
    ------
    OutputError
        As for `write`.
    """
    import pyarrow as pa

    columns = _columns(frame, table)
    arrays = [_array(frame[column.frame_name], column, table) for column in columns]
    return in_order(pa.Table.from_arrays(arrays, schema=schema_of(columns)), table)


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of published columns."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, arrow_type(column), nullable=column.nullable) for column in columns])


def in_order(arrow: pa.Table, table: Table) -> pa.Table:
    """The rows sorted by the key.

    Raises
    ------
    OutputError : a key is there twice
    """
    import pyarrow.compute as pc

    if not table.key:
        return arrow
    arrow = arrow.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
    keys = [arrow.column(name) for name in table.key]
    same = [pc.equal(key.slice(1), key.slice(0, max(len(key) - 1, 0))) for key in keys]
    if pc.any(functools.reduce(pc.and_, same)).as_py():
        raise OutputError(f"table {table.name}: its key ({', '.join(table.key)}) is not unique; please report this")
    return arrow


def _columns(frame: pd.DataFrame, table: Table) -> list[Column]:
    """The table's columns, then those that depend on the data, by name."""
    declared = [column.frame_name for column in table.columns]
    missing = [name for name in declared if name not in frame.columns]
    others = sorted(name for name in frame.columns if name not in declared)
    if missing or (others and table.more is None):
        raise OutputError(
            f"table {table.name}: columns missing: {missing or 'none'}, unknown: {others or 'none'}; please report this"
        )
    return [*table.columns, *(table.column(name) for name in others)]


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a published column."""
    import pyarrow as pa

    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "money": pa.decimal128(*MONEY),
        "timestamp": pa.timestamp("us"),
    }[column.type]


def _array(series: pd.Series[Any], column: Column, table: Table) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    if column.type == "float":
        values = series.to_numpy(dtype="float64", na_value=np.nan) + 0.0  # + 0.0: no -0.0, and a copy
        has_decimals = np.abs(values) < 2.0**53
        values[has_decimals] = np.round(values[has_decimals], DECIMALS) + 0.0
        if np.isinf(values).any():
            raise OutputError(f"table {table.name}: {column.name} is infinite somewhere; please report this")
        array = pa.array(values, pa.float64(), from_pandas=True)
    elif column.type == "money":
        array = _money(series)
    else:
        array = pa.array(series, arrow_type(column), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count and not column.nullable:
        raise OutputError(
            f"table {table.name}: {column.name} is null in {counted(array.null_count, 'row', 'rows')}; please report this"
        )
    return array
