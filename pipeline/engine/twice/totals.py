"""A store, a SKU or a category that is the total of the others, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from pipeline.engine.connections import create, row, rows
from pipeline.engine.reading.source import Source
from pipeline.engine.twice.subtotals import subtotals
from pipeline.wording import counted, listed, quoted

_ROUNDING = 1e-6  # of a total; sums of rounded amounts are a little off
_CELLS = 3  # sums that a total must agree with, at least
_AGREE = 0.99
_SHOWN = 3  # members of a subtotal
_LEVELS = 3  # a grand total beside subtotals is a third of all sales, or a quarter
_LEAST = 10_000  # cents, from which a total that agrees as a whole alone is no chance


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
    """Return doubts of a store, a SKU or a category of `chosen_sales` that is the total of the others, whatever it is called.

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
            doubts.append(
                f"{source.title}: {kind.word} {quoted(name)} sold as much as {others} ({cents / 100:,.2f}): it looks like their total, "
                f"and counts every sale twice; {_how(source, raw, name)}"
            )
    return doubts + _subtotals(connection, source, total_keys)


def _subtotals(connection: duckdb.DuckDBPyConnection, source: Source, total_keys: set[tuple[str, str]]) -> list[str]:
    """Return the doubts about stores and categories that are the total of some others; `total_keys`: those of all others."""
    doubts = []
    for kind in _KINDS[:2]:
        left_out = {name for column, name in total_keys if column == kind.column}
        for each in subtotals(connection, kind.column, left_out):
            members = listed([quoted(name) for name in each.members], _SHOWN)
            doubts.append(
                f"{source.title}: {kind.word} {quoted(each.name)} sold as much of each as {counted(len(each.members), 'other', 'others')} "
                f"together, {members}: it looks like their total, and counts their sales twice; "
                f"{_how(source, source.names[kind.column], each.name)}"
            )
    return doubts


def _how(source: Source, raw: str, name: str) -> str:
    """Return the next step: the setting that leaves out the rows of a key."""
    columns = source.parts(raw)
    how = (
        f"set exclude_rows = {{ {_toml_key(columns[0])} = [{_toml(name)}] }}"
        if len(columns) == 1
        else "set exclude_rows"
    )
    return f"{how} in [{source.setting}], or remove its rows"


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml_key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _toml(name)


def _candidates(connection: duckdb.DuckDBPyConnection, kind: _Kind) -> Iterator[tuple[str, str, int]]:
    """Return the members of a kind that are totals: name, what they are a total within, cents."""
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
    """Return whether a member is the total of the others in nearly all sums too; or as a whole, where it is of products of its own."""
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
    """Return whether a SKU occurs only in categories that are totals."""
    categories = [category for column, category in total_keys if column == "category"]
    if kind.column != "sku_id" or not categories:
        return False
    places = ", ".join("?" for _ in categories)
    query = f"SELECT COUNT(*) FROM sku_sums WHERE sku_id = ? AND category NOT IN ({places})"
    return not row(connection, query, [name, *categories])[0]
