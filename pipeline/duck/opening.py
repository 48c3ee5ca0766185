"""Open a published database to read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipeline.duck import safe_settings


def for_reading(
    path: Path | str, limits: Mapping[str, str | bool | int | float | list[str]] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that can read the database, and nothing else; to close, or to use in `with`.

    DuckDB opens the file twice, for its headers and for its blocks. A run may replace the file in between: then it is opened again.

    Parameters
    ----------
    path : the database
    limits : further settings of DuckDB, such as `memory_limit`

    Raises
    ------
    duckdb.Error : it cannot be opened, though nobody replaced it
    """
    config = {**(limits or {}), **safe_settings.READER}
    while True:  # each round needs another replacement
        before = _identity(path)
        try:
            connection = duckdb.connect(str(path), read_only=True, config=config)
        except duckdb.Error:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return connection
            connection.close()


def _identity(path: Path | str) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116  # a path or a text
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns
