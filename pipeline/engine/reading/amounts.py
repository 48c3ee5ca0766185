"""Columns of amounts: whether their texts can be read with certainty, and which settings would make numbers of those that are none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import duckdb

from pipeline.engine.connections import rows
from pipeline.engine.reading import keys, number_formats
from pipeline.engine.reading.scan import RawColumn, Scan
from pipeline.engine.reading.source import Source
from pipeline.errors import RawDataError
from pipeline.wording import quoted

_SAMPLE = 20_000  # rows; where they leave nothing open, no others can
_TEXTS = 300  # distinct ones that advice is tried on


def check_certain(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], name: str) -> None:
    """Check that a column's numbers mean one thing.

    Raises
    ------
    RawDataError : its texts may have points between thousands as well as decimal points
    """
    for scan in raw_scans:
        for column in _columns(source, scan, name):
            if texts := undecided(connection, scan, column):
                point, whole = (
                    next(text for text in texts if "." in text),
                    next(text for text in texts if "." not in text),
                )
                raise RawDataError(
                    f"{scan.title}: column '{name}' has texts such as {quoted(point)} beside {quoted(whole)}: the point may stand between "
                    f'thousands or be the decimal mark; set thousands = "." or decimal = "." in {_section(source, scan)}'
                )


def _columns(source: Source, scan: Scan, name: str) -> list[RawColumn]:
    """Return the columns behind a name, which are several where it is a product."""
    parts = source.parts(name)
    return [scan[part] for part in parts] if len(parts) > 1 and scan[name].computed else [scan[name]]


def undecided(connection: duckdb.DuckDBPyConnection, scan: Scan, column: RawColumn) -> list[str]:
    """Return the distinct texts of a column where they leave open what their point is, at least one with a point and one without; else none."""
    if column.written is None or column.computed or not keys.is_text(column.type):
        return []
    for limit in (f"LIMIT {_SAMPLE}", ""):
        texts = _distinct(connection, scan, column, limit)
        if not number_formats.could_be_thousands(texts, column.written):
            return []
    return texts


def _distinct(connection: duckdb.DuckDBPyConnection, scan: Scan, column: RawColumn, limit: str) -> list[str]:
    texts = f"NOT {column.where_number}" if column.where_number else "TRUE"
    query = f"SELECT DISTINCT v FROM (SELECT {column.sql} AS v FROM {scan.sql} WHERE {texts} {limit}) t WHERE v IS NOT NULL ORDER BY v"
    return [text for (text,) in rows(connection, query)]


def what_to_set(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], name: str) -> str:
    """Return what to do where a column has texts that are no numbers: the settings that make numbers of them, if any do."""
    for scan in raw_scans:
        column = scan[name]
        if column.written is None:
            continue
        others = f"{column.number} IS NULL"
        if not rows(
            connection, f"SELECT 1 FROM {scan.sql} WHERE {others} AND {keys.text(column.sql)} IS NOT NULL LIMIT 1"
        ):
            continue
        bad, good = (
            rows(
                connection,
                f"SELECT DISTINCT CAST({column.sql} AS VARCHAR) FROM {scan.sql} WHERE {which} AND {keys.text(column.sql)} IS NOT NULL "
                f"ORDER BY 1 LIMIT {_TEXTS}",
            )
            for which in (
                others,
                f"{column.number} IS NOT NULL{f' AND NOT {column.where_number}' if column.where_number else ''}",
            )
        )
        ways = number_formats.advice([text for (text,) in (*bad, *good)], column.written)
        if ways and not column.computed:
            return f"set {either(ways)} in {_section(source, scan)}, or correct them"
    return f"correct them, or set how numbers are written (decimal, thousands, currency, signs, zero, missing) in {_section(source, raw_scans[0])}"


def either(ways: Sequence[Mapping[str, object]]) -> str:
    """Return settings as a config has them; where there are several ways, each."""
    written = [" and ".join(f"{name} = {_toml(value)}" for name, value in way.items()) for way in ways]
    return written[0] if len(written) == 1 else f"{' or '.join(written)}, whichever it means,"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {number}" for name, number in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _section(source: Source, scan: Scan) -> str:
    return f"[{source.setting}] {'excel' if scan.sheet else 'csv'}"
