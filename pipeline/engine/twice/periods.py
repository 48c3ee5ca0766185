"""What two rows are compared by: the file or sheet that they are from, their keys and their period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import rows
from pipeline.engine.reading import folders, week_recognition
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.engine.reading.source import Source
from pipeline.engine.reading.week_formats import WeekFormatError

_PERIODS = 2_000  # distinct texts of a column that may be one of weeks
_PERIOD_NAME = re.compile(
    r"week|wk|woche|kw|semaine|semana|date|datum|fecha|day|tag|period|month|monat|mois|year", re.IGNORECASE
)


def are_alike(raw_scans: Sequence[Scan], names: Sequence[str]) -> bool:
    """Return whether all scans have values of these columns in one way, so that the values themselves can be compared."""
    return len({tuple(replace(scan[name], sql="") for name in names) for scan in raw_scans}) == 1


def as_key(column: RawColumn) -> str:
    """Return the SQL of a value in the way in which all types of files have it."""
    text = (
        column.key
        if column.type not in ("DATE",) and not column.type.startswith("TIMESTAMP")
        else f"CAST({column.sql} AS VARCHAR)"
    )
    return f"REGEXP_REPLACE({text}, '[.]0+$| 00:00:00.*$', '')"


def unit_of(scan: Scan) -> str:
    """Return the SQL of what a row is from: its file, or its sheet."""
    if len(scan.files) == 1:
        return literal(scan.title)
    cases = " ".join(
        f"WHEN ENDS_WITH({identifier(folders.FILE)}, {literal(path)}) THEN {literal(path)}" for path in scan.files
    )
    return f"CASE {cases} END"


def period_of(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan]) -> str:
    """Return the column that tells weeks apart: the one that the config names, else a column whose texts are weeks; "" if there is none."""
    if "week" in source.names and all(scan.has(source.names["week"]) for scan in raw_scans):
        return source.names["week"]
    used = {nfc(part) for name in source.names.values() for part in source.parts(name)}
    for name in raw_scans[0].names:
        if name in used or not all(scan.has(name) for scan in raw_scans[1:]):
            continue
        texts = [
            str(text)
            for (text,) in rows(
                connection,
                f"SELECT DISTINCT CAST(v AS VARCHAR) FROM (SELECT {raw_scans[0][name].sql} AS v FROM {raw_scans[0].sql} LIMIT 100000) t "
                f"WHERE v IS NOT NULL LIMIT {_PERIODS + 1}",
            )
        ]
        if 1 <= len(texts) <= _PERIODS and (_PERIOD_NAME.search(name) or _are_weeks(texts)):
            return name
    return ""


def _are_weeks(texts: Sequence[str]) -> bool:
    try:
        return week_recognition.recognise(dict.fromkeys(texts, 1)).format.name not in ("index", "excel", "YYWW", "WWYY")
    except WeekFormatError:
        return False
