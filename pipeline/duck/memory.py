"""How much memory a DuckDB connection takes before it spills: of a limit for the whole process, what the rest of the process leaves."""

from __future__ import annotations

import re
from fractions import Fraction

import duckdb

from pipeline.errors import SettingsError
from pipeline.machine import processes

_MEGABYTE = 1_000_000
# Of a process: Python and its libraries, a batch of sales as frames, and what DuckDB takes beyond its own limit.
_BESIDE = 250 * _MEGABYTE
_LEAST_LIMIT = 400 * _MEGABYTE  # of a process; DuckDB refuses to sum with less than it leaves
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")  # in which DuckDB writes sizes
_LEAST = 320 * _MEGABYTE  # where no setting says how much: from here on more hardly makes sums faster
_PER_THREAD = 160 * _MEGABYTE


def bound(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Have the connection spill what is more than the limit.

    Parameters
    ----------
    connection : whose threads are set
    limit : of the process, as `[engine] memory_limit` allows it, at least 400 MB: DuckDB has 250 MB less. "": DuckDB has 160 MB per thread, at
        least 320 MB, at most a quarter of the machine's memory

    Raises
    ------
    SettingsError : the limit is less than a process needs
    duckdb.Error : DuckDB refuses the size
    """
    size = of_process(limit) - _BESIDE if limit else _default(connection)
    connection.execute(f"SET memory_limit = '{size // _MEGABYTE}MB'")


def of_process(limit: str) -> int:
    """The limit of the process in bytes, of a size such as 4GB or 1.5 GiB.

    Raises
    ------
    SettingsError : it is less than a process needs
    """
    number, power, binary = re.fullmatch(r"([\d.]+)\s?([KMGT])(i?)B\s?", limit).groups()  # type: ignore[union-attr]  # the setting's pattern
    size = int(Fraction(number) * (1024 if binary else 1000) ** _POWERS[power])
    if size < _LEAST_LIMIT:
        raise SettingsError(
            f"[engine] memory_limit = {limit}: Python, its libraries and a batch of sales alone take {_BESIDE // _MEGABYTE} MB of it; set "
            f"at least {_LEAST_LIMIT // _MEGABYTE}MB, or remove it"
        )
    return size


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


def _default(connection: duckdb.DuckDBPyConnection) -> int:
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchall()[0]
    wanted = max(_LEAST, _PER_THREAD * int(threads))
    return min(wanted, processes.quarter_of_memory())
