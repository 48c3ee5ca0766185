"""Columns that no file has: a key of several, a week of year and week, a product of two, a sale and week for each column of a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from pipeline.duck.quoting import identifier, literal
from pipeline.engine.reading import keys
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.engine.reading.source import Source, name_of
from pipeline.errors import RawDataError
from pipeline.wording import listed, with_nearest

_BETWEEN = " / "  # the parts of a key; a slash of a part's own is doubled, so that no two keys are written alike
_WEEK, _VALUE, _IS_NUMBER = "(week)", "(sales)", "(is a number)"


def with_made(scan: Scan, source: Source) -> Scan:
    """Return the scan with the columns that the config derives from others, and without the rows that it excludes.

    Raises
    ------
    RawDataError : no column is one of `week_columns`, or `exclude_rows` names a column that is not there
    """
    derived: dict[str, RawColumn] = {}
    behind: dict[str, tuple[str, ...]] = {}
    if source.week_columns:
        scan = _unpivoted(scan, source)
        derived, behind = dict(scan.derived), dict(scan.behind)
    for name, parts in source.joined.items():
        if all(scan.has(part) for part in parts):
            derived[nfc(name)] = RawColumn(_joined([scan[part] for part in parts]), "VARCHAR")
            behind[nfc(name)] = tuple(map(nfc, parts))
    if (weeks := source.year_and_week) and all(scan.has(part) for part in weeks):
        derived[nfc(name_of(weeks))] = RawColumn(_year_and_week([scan[part].key for part in weeks]), "VARCHAR")
        behind[nfc(name_of(weeks))] = tuple(map(nfc, weeks))
    factors = source.factors
    if factors and not scan.has(source.names["sales_value"]) and all(scan.has(part) for part in factors):
        derived[nfc(source.names["sales_value"])] = _product(*(scan[part] for part in factors))
        behind[nfc(source.names["sales_value"])] = tuple(map(nfc, factors))
    return _without_excluded(replace(scan, derived=tuple(derived.items()), behind=behind), source)


def _joined(parts: Sequence[RawColumn]) -> str:
    """Return the SQL of a key of several columns; null if a column is missing."""
    return f" || {literal(_BETWEEN)} || ".join(f"REPLACE({part.key}, '/', '//')" for part in parts)


def _year_and_week(parts: Sequence[str]) -> str:
    """Return the SQL of a week as ISO writes it; of parts that are no numbers as they are, for the error that shows them."""
    year, week = parts[0], parts[-1]
    number = f"REGEXP_EXTRACT({week}, '([0-9]{{1,2}})$', 1)"
    return f"CASE WHEN {number} <> '' THEN {year} || '-W' || LPAD({number}, 2, '0') ELSE {year} || ' ' || {week} END"


def _product(factor: RawColumn, other: RawColumn) -> RawColumn:
    written = factor.written or other.written
    text = (
        f"CASE WHEN {factor.sql} IS NOT NULL AND {other.sql} IS NOT NULL THEN {factor.sql} || ' * ' || {other.sql} END"
    )
    return RawColumn(text, "VARCHAR" if written else "DOUBLE", written, computed=f"({factor.number} * {other.number})")


def _unpivoted(scan: Scan, source: Source) -> Scan:
    """One row per row and week column with a value."""
    patterns = [nfc(pattern) for pattern in source.week_columns]
    weeks = [(name, column) for name, column in scan.columns if name and any(_matches(name, each) for each in patterns)]
    if not weeks:
        raise RawDataError(
            f"{scan.title}: no column is one of week_columns ({listed(patterns)}); found: {listed(scan.names)}; correct "
            f"week_columns in [{source.setting}]"
        )
    columns = [column for _, column in weeks]
    types = {column.type for column in columns}
    cast = "{}" if len(types) == 1 else "CAST({} AS DOUBLE)"
    values = ", ".join(cast.format(column.sql) for column in columns)
    unnested = {_WEEK: ", ".join(literal(name) for name, _ in weeks), _VALUE: values}
    if columns[0].where_number:
        unnested[_IS_NUMBER] = ", ".join(column.where_number for column in columns)
    parts = ", ".join(f"UNNEST([{items}]) AS {identifier(name)}" for name, items in unnested.items())
    filled = f"TRIM(CAST({identifier(_VALUE)} AS VARCHAR)) <> ''"
    value = replace(
        columns[0],
        sql=identifier(_VALUE),
        type=types.pop() if len(types) == 1 else "DOUBLE",
        where_number=identifier(_IS_NUMBER) if columns[0].where_number else "",
    )
    names = [name for name, _ in weeks]
    week = RawColumn(identifier(_WEEK), "VARCHAR", columns[0].written)
    derived = ((nfc(source.names["sales_value"]), value), (nfc(source.names["week"]), week))
    return replace(
        scan,
        sql=f"(SELECT * FROM (SELECT *, {parts} FROM {scan.sql}) w WHERE {filled})",
        columns=tuple((name, column) for name, column in scan.columns if name not in names),
        derived=derived,
        behind={name: () for name, _ in derived},
    )


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _without_excluded(scan: Scan, source: Source) -> Scan:
    conditions = []
    for name, texts in source.section.exclude_rows.items():
        if not scan.has(name):
            raise RawDataError(
                f"{scan.title}: exclude_rows: no column {with_nearest(name, scan.all_names)}; found: {listed(scan.all_names)}; "
                f"correct exclude_rows in [{source.setting}]"
            )
        excluded = ", ".join(literal(keys.normal(text)) for text in texts)
        if excluded:
            conditions.append(f"COALESCE({_as_text(scan[name])}, '') NOT IN ({excluded})")
    return replace(scan, sql=f"(SELECT * FROM {scan.sql} WHERE {' AND '.join(conditions)})") if conditions else scan


def _as_text(column: RawColumn) -> str:
    return column.key if keys.is_text(column.type) or keys.is_number(column.type) else keys.text(column.sql)
