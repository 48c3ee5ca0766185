"""Sales that are there twice, found by their content: in two files, or as the total of others. Each is a doubt, never an error.

Both are looked for in sums, so that it costs little; a file or a store that is the same by chance in a few sums is none.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb

from pipeline.duck.quoting import identifier, literal
from pipeline.engine.connections import create, row, rows
from pipeline.engine.reading import folders, week_formats
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.engine.reading.source import Source
from pipeline.engine.reading.week_formats import WeekFormatError
from pipeline.wording import quoted

_SAMPLE = 50_000  # sums that are compared; of more, those of some keys
_FEWEST = 10  # sums in both, below which they may be alike by chance
_SAME = 0.8  # of the sums in both files are equal where the same weeks stand in both
_SAME_WITHOUT_WEEKS = 0.95
_SHOWN = 3  # pairs of files
_PERIODS = 2_000  # distinct texts of a column that may be one of weeks
_PERIOD_NAME = re.compile(
    r"week|wk|woche|kw|semaine|semana|date|datum|fecha|day|tag|period|month|monat|mois|year", re.IGNORECASE
)
_ROUNDING = 1e-6  # of a total; sums of rounded amounts are a little off
_CELLS = 3  # sums that a total must agree with, at least
_AGREE = 0.99
_LEVELS = 3  # a grand total beside subtotals is a third of all sales, or a quarter
_LEAST = 10_000  # cents, from which a total that agrees as a whole alone is no chance


# ------------------------------------------------------------------------------------------------ in two files


def in_two_files(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], row_count: int
) -> list[str]:
    """Doubts of files, or sheets, that hold the same sales: as a copy in another format, or because exports overlap.

    Compared are sums per store, SKU, category and week: in a file of the same weeks nearly all are equal; in one of other weeks, or of
    other days of a week, few are. Without weeks they are the sums per store, SKU and category.
    """
    units = [(scan, path) for scan in raw_scans for path in scan.files]
    if len(units) < 2:
        return []
    period = _period(connection, source, raw_scans)
    if period and row_count > _SAMPLE and not _share_weeks(connection, raw_scans, period):
        return []
    _make_unit_sums(connection, source, raw_scans, period, max(1, row_count // _SAMPLE))
    pairs = rows(
        connection,
        "SELECT a.unit, b.unit, COUNT(*), COUNT(*) FILTER (WHERE ABS(a.amount - b.amount) < 0.005), MIN(a.example) "
        "FROM unit_sums a JOIN unit_sums b ON a.key = b.key AND a.unit < b.unit "
        "WHERE a.amount <> 0 OR b.amount <> 0 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    )
    sizes = dict(rows(connection, "SELECT unit, COUNT(*) FROM unit_sums GROUP BY 1"))
    total = _total_unit(connection, len(units))
    connection.execute("DROP TABLE unit_sums")
    limit = _SAME if period else _SAME_WITHOUT_WEEKS
    what = "store, SKU, category and week" if period else "store, SKU and category"
    alike = [
        f"{first} and {second}: the same sales stand in both: {same:,} of the {common:,} sums per {what} that are in both are equal, such as "
        f"{example}: they count twice; remove one of them, or narrow path in [{source.setting}]"
        for first, second, common, same, example in pairs
        if same >= limit * common
        and common >= min(_FEWEST, sizes[first], sizes[second])
        and not _is_copy(first, second)
    ]
    more = (
        [f"{source.title}: {len(alike) - _SHOWN} more pairs of files hold the same sales"]
        if len(alike) > _SHOWN
        else []
    )
    return [
        *alike[:_SHOWN],
        *more,
        *(
            f"{unit}: its sales are those of all the others together: they count twice; remove it, or narrow path in [{source.setting}]"
            for unit in total
        ),
    ]


def _is_copy(first: str, second: str) -> bool:
    """Whether two files are equal byte for byte, which another check reports."""
    return os.path.isfile(first) and os.path.isfile(second) and filecmp.cmp(first, second, shallow=False)  # noqa: PTH113


def _make_unit_sums(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], period: str, every: int
) -> None:
    """Make `unit_sums`: unit, key, amount, example; for one in `every` keys."""
    names = [source.names[use] for use in ("store_id", "sku_id", "category")] + ([period] if period else [])
    named = [name for name in names if all(scan.has(name) for scan in raw_scans)]
    alike = _are_alike(raw_scans, named)
    selects = []
    for scan in raw_scans:
        parts = [scan[name].sql if alike else _as_key(scan[name]) for name in named]
        texts = [f"COALESCE(CAST(MIN({part}) AS VARCHAR), '')" for part in parts]
        hashed = f"HASH({', '.join(parts)})"
        example = " || ', ' || ".join(
            f"{literal(label)} || {text}"
            for label, text in zip(("store ", "SKU ", "category ", "week "), texts, strict=False)
        )
        where = f" WHERE {hashed} % {every} = 0" if every > 1 else ""
        value = scan[source.names["sales_value"]].number
        selects.append(
            f"SELECT {_unit(scan)} AS unit, {hashed} AS key, SUM({value}) AS amount, {example} AS example FROM {scan.sql}"
            f"{where} GROUP BY 1, 2"
        )
    create(
        connection,
        "unit_sums",
        "SELECT unit, key, SUM(amount) AS amount, MIN(example) AS example FROM "
        f"({' UNION ALL '.join(selects)}) u GROUP BY 1, 2",
    )


def _are_alike(raw_scans: Sequence[Scan], names: Sequence[str]) -> bool:
    """Whether all scans have values of these columns in one way, so that the values themselves can be compared."""
    return len({tuple(replace(scan[name], sql="") for name in names) for scan in raw_scans}) == 1


def _share_weeks(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], period: str) -> bool:
    """Whether two files, or sheets, have a week in common."""
    alike = _are_alike(raw_scans, [period])
    selects = [
        f"SELECT {_unit(scan)} AS unit, {scan[period].sql if alike else _as_key(scan[period])} AS week FROM {scan.sql} GROUP BY 1, 2"
        for scan in raw_scans
    ]
    query = f"SELECT 1 FROM ({' UNION ALL '.join(selects)}) u GROUP BY week HAVING COUNT(DISTINCT unit) > 1 LIMIT 1"
    return bool(rows(connection, query))


def _as_key(column: RawColumn) -> str:
    """The SQL of a value in the way in which all types of files have it."""
    text = (
        column.key
        if column.type not in ("DATE",) and not column.type.startswith("TIMESTAMP")
        else f"CAST({column.sql} AS VARCHAR)"
    )
    return f"REGEXP_REPLACE({text}, '[.]0+$| 00:00:00.*$', '')"


def _unit(scan: Scan) -> str:
    """The SQL of what a row is from: its file, or its sheet."""
    if len(scan.files) == 1:
        return literal(scan.title)
    cases = " ".join(
        f"WHEN ENDS_WITH({identifier(folders.FILE)}, {literal(path)}) THEN {literal(path)}" for path in scan.files
    )
    return f"CASE {cases} END"


def _period(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan]) -> str:
    """The column that tells weeks apart: the one that the config names, else a column whose texts are weeks; "" if there is none."""
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
        return week_formats.recognise(dict.fromkeys(texts, 1)).format.name not in ("index", "excel", "YYWW", "WWYY")
    except WeekFormatError:
        return False


def _total_unit(connection: duckdb.DuckDBPyConnection, units: int) -> list[str]:
    """The file or sheet that is the total of all others, if there is one."""
    if units < 3:
        return []
    sums = rows(connection, "SELECT unit, SUM(amount) FROM unit_sums GROUP BY 1")
    total = sum(amount for _, amount in sums)
    return [
        unit for unit, amount in sums if total and len(sums) > 2 and abs(2 * amount - total) <= _ROUNDING * abs(total)
    ]


# ------------------------------------------------------------------------------------------------ as the total of others


@dataclass(frozen=True)
class _Kind:
    """What may be a total: its column, its word, what its sums are compared by, and what it is a total within."""

    column: str
    word: str
    plural: str
    by: tuple[str, ...]
    table: str
    within: str = ""


_KINDS = (
    _Kind("category", "category", "categories", ("store_id",), "store_sums"),
    _Kind("store_id", "store", "stores", ("sku_id", "category"), "store_sums"),
    _Kind("sku_id", "SKU", "SKUs", ("store_id",), "sku_sums"),
    _Kind("sku_id", "SKU", "SKUs", ("store_id",), "sku_sums", "category"),
)
_SUMS = {"sku_sums": "category, map_category, sku_id", "store_sums": "category, store_id"}


def totals(connection: duckdb.DuckDBPyConnection, source: Source) -> list[str]:
    """Doubts of a store, a SKU or a category of `chosen_sales` that is the total of the others, whatever it is called.

    Makes `sku_sums` (category, map_category, sku_id, cents) and `store_sums` (category, store_id, cents) on the way.
    """
    for table, keys_ in _SUMS.items():
        create(
            connection,
            table,
            f"SELECT {keys_}, SUM(cents) AS cents FROM chosen_sales GROUP BY ALL",
        )
    doubts: list[str] = []
    total_keys: set[tuple[str, str]] = set()
    for kind in _KINDS:
        for name, within, cents in _candidates(connection, kind):
            if (kind.column, name) in total_keys or _goes_with(connection, name, kind, total_keys):
                continue
            total_keys.add((kind.column, name))
            raw = source.names[kind.column]
            others = f"all other {kind.plural}{f' of category {quoted(within)}' if within else ''} together"
            if kind.column == "store_id":
                others = "all others together"
            columns = source.parts(raw)
            how = (
                f"set exclude_rows = {{ {_toml_key(columns[0])} = [{_toml(name)}] }}"
                if len(columns) == 1
                else "set exclude_rows"
            )
            doubts.append(
                f"{source.title}: {kind.word} {quoted(name)} sold as much as {others} ({cents / 100:,.2f}): it looks like their total, "
                f"and counts every sale twice; {how} in [{source.setting}], or remove its rows"
            )
    return doubts


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml_key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _toml(name)


def _candidates(connection: duckdb.DuckDBPyConnection, kind: _Kind) -> Iterator[tuple[str, str, int]]:
    """The members of a kind that are totals: name, what they are a total within, cents."""
    within = kind.within or "''"
    sums = (
        f"SELECT {kind.column} AS member, {within} AS within, SUM(cents) AS cents FROM {kind.table} "
        f"WHERE {kind.column} IS NOT NULL GROUP BY 1, 2"
    )
    candidates = rows(
        connection,
        f"SELECT member, within, cents, total, level FROM (SELECT *, SUM(cents) OVER (PARTITION BY within) AS total, "
        f"COUNT(*) OVER (PARTITION BY within) AS members FROM ({sums}) s) t, (SELECT UNNEST(RANGE(1, {_LEVELS + 1})) AS level) l "
        f"WHERE members > level + 1 AND total <> 0 AND ABS(cents * (level + 1) - total) <= GREATEST(2.0, {_ROUNDING} * ABS(total)) "
        "ORDER BY within, level, member",
    )
    counts: dict[tuple[str, int], int] = {}
    for _, inside, _, _, level in candidates:
        counts[inside, level] = counts.get((inside, level), 0) + 1
    for member, inside, cents, total, level in candidates:
        if counts[inside, level] == 1 and _agrees(connection, kind, member, inside, level, total):
            yield member, inside, int(cents)


def _agrees(
    connection: duckdb.DuckDBPyConnection, kind: _Kind, member: str, within: str, level: int, total: float
) -> bool:
    """Whether a member is the total of the others in nearly all sums too; or as a whole, where it is of products of its own."""
    where = "WHERE category = ?" if kind.within else ""
    agreeing, cells, others, members = row(
        connection,
        f"SELECT COUNT(*) FILTER (WHERE ABS(own * {level + 1} - total) <= 2 * members), COUNT(*) FILTER (WHERE own <> 0 OR total <> own), "
        "COUNT(*) FILTER (WHERE own <> 0 AND total <> own), MAX(members) FROM "
        f"(SELECT {', '.join(kind.by)}, SUM(cents) AS total, SUM(CASE WHEN {kind.column} = ? THEN cents ELSE 0 END) AS own, "
        f"COUNT(DISTINCT {kind.column}) AS members FROM chosen_sales {where} GROUP BY {', '.join(kind.by)}) c WHERE own <> 0 OR total <> 0",
        [member, *([within] if kind.within else [])],
    )
    if cells >= _CELLS and agreeing >= _AGREE * cells and members > 2:
        return True
    alone = kind.column == "store_id" and others == 0  # a total with a product of its own, such as "all"
    return alone and level == 1 and abs(total) >= _LEAST and _member_count(connection, kind) > _CELLS


def _member_count(connection: duckdb.DuckDBPyConnection, kind: _Kind) -> int:
    return int(row(connection, f"SELECT COUNT(DISTINCT {kind.column}) FROM {kind.table}")[0])


def _goes_with(connection: duckdb.DuckDBPyConnection, name: str, kind: _Kind, total_keys: set[tuple[str, str]]) -> bool:
    """Whether a SKU occurs only in categories that are totals."""
    categories = [category for column, category in total_keys if column == "category"]
    if kind.column != "sku_id" or not categories:
        return False
    places = ", ".join("?" for _ in categories)
    query = f"SELECT COUNT(*) FROM sku_sums WHERE sku_id = ? AND category NOT IN ({places})"
    return not row(connection, query, [name, *categories])[0]
