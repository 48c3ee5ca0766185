"""Rows of published tables in memory: as Arrow, typed and in order as they are published, and as frames, as core takes them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import OutputError
from pipeline.schema import CENT_PARTS, MONEY, Column, Table
from pipeline.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DECIMALS = 10  # of published floats; further decimals differ between libraries and processors


def to_frame(arrow: pa.Table, table: Table) -> pd.DataFrame:
    """Rows of a table as `parquet.read` gives them."""
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
        As for `parquet.write`.
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
