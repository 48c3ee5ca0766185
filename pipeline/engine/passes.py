"""Summing rows in several passes, if the sums of all keys do not fit into DuckDB's memory limit at once.

DuckDB spills sums that do not fit, and with the sums of a key over many columns it spills nearly every row. Reading Parquet again
costs a fraction of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import duckdb

from pipeline.config.raw_files import format_of
from pipeline.duck import memory
from pipeline.engine.connections import create, row
from pipeline.engine.reading.scan import Scan

_OF_KEY = 72  # bytes: three keys, their hash, and the place in a hash table
_SHARE = 0.5  # of the limit that the sums of a pass may take; the rest is for reading
_MOST = 32  # passes; more would cost as much as spilling
_PAIR = "hash(store_key, sku_key)"


def make(
    connection: duckdb.DuckDBPyConnection,
    raw_scans: Sequence[Scan],
    table: str,
    query: Callable[[str], str],
    bytes_of_sums: int,
) -> None:
    """Make a table of sums per (store_key, sku_key, category_key) of `raw_sales`.

    Parameters
    ----------
    raw_scans : the files behind `raw_sales`; only Parquet is read more than once
    table : its name
    query : the query, given the SQL of the condition on the rows of a pass
    bytes_of_sums : the size of the sums of a key
    """
    conditions = _conditions(connection, raw_scans, bytes_of_sums + _OF_KEY)
    create(connection, table, query(conditions[0]))
    for condition in conditions[1:]:
        connection.execute(f"INSERT INTO {table} {query(condition)}")


def _conditions(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], size: int) -> list[str]:
    """For each pass, the SQL of whether a row is in it; sums of this size (bytes per key) of a pass fit into the limit.

    All rows of a key are in one pass. There is one pass if more do not help.
    """
    if any(format_of(file) != "Parquet" for scan in raw_scans for file in scan.files):
        return ["TRUE"]
    (threads,) = row(connection, "SELECT current_setting('threads')")
    at_once = max(1, int(_SHARE * memory.limit_of(connection)) // (size * int(threads)))  # each thread sums by itself
    if row(connection, "SELECT COUNT(*) FROM raw_sales")[0] <= at_once:
        return ["TRUE"]
    (pairs,) = row(connection, f"SELECT APPROX_COUNT_DISTINCT({_PAIR}) FROM raw_sales")
    passes = math.ceil(pairs / at_once)
    if not 1 < passes <= _MOST:
        return ["TRUE"]
    return [f"{_PAIR} % {passes} = {number}" for number in range(passes)]
