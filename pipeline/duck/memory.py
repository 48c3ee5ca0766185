"""How much memory a DuckDB connection takes before it spills."""

from __future__ import annotations

import duckdb

from pipeline.duck.quoting import literal
from pipeline.machine import processes

_MEGABYTE = 1_000_000
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")  # in which DuckDB writes sizes
_LEAST = 320 * _MEGABYTE  # where no setting says how much: from here on more hardly makes sums faster
_PER_THREAD = 160 * _MEGABYTE


def bound(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Have the connection spill what is more than the limit.

    Parameters
    ----------
    connection : whose threads are set
    limit : a DuckDB size, as of `[engine] memory_limit`; "" is 160 MB per thread, at least 320 MB, at most a quarter of the machine's memory

    Raises
    ------
    duckdb.Error : DuckDB refuses the size
    """
    connection.execute(f"SET memory_limit = {literal(limit or _default(connection))}")


def unspillable(connection: duckdb.DuckDBPyConnection, size: int) -> None:
    """Raise the limit to what the connection needs for `size` bytes that it cannot spill, such as an index that it builds."""
    if size > limit_of(connection):
        connection.execute(f"SET memory_limit = '{size // _MEGABYTE + 1}MB'")


def limit_of(connection: duckdb.DuckDBPyConnection) -> int:
    """The connection's limit in bytes."""
    number, unit = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
    return in_bytes(number, unit)


def in_bytes(number: str, unit: str) -> int:
    """A size as DuckDB writes it, such as 2.5 GiB, in bytes."""
    return int(float(number) * 1024 ** _UNITS.index(unit))


def _default(connection: duckdb.DuckDBPyConnection) -> str:
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchall()[0]
    wanted = max(_LEAST, _PER_THREAD * int(threads))
    return f"{min(wanted, processes.quarter_of_memory()) // _MEGABYTE}MB"
