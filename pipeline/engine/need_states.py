"""The need-state map -> the need states that each SKU serves, with weights."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.attributes import blocks, of_block
from pipeline.engine.connections import create, row, rows, sql, view
from pipeline.engine.reading import keys
from pipeline.engine.reading.keys import is_number, text
from pipeline.engine.reading.raw import Source, require, require_keys, scans
from pipeline.engine.reading.scan import Scan, union
from pipeline.errors import RawDataError
from pipeline.schema import UNMAPPED
from pipeline.settings import NeedStateColumns
from pipeline.wording import counted, listed, quoted


def load(connection: duckdb.DuckDBPyConnection, source: Source, columns: NeedStateColumns) -> list[str]:
    """Make `weights`: sku_id, map_category, need_state, weight, total_weight, need_states.

    One row per need state that a SKU serves with a positive weight; weights are 1 where there is no weight column.
    `map_category` is '' where the map has no category: the SKU then serves the same need states in every one.
    Of several attributes each value is a need state, `BRAND: Acme`, and has its part of the attribute's weight; UNMAPPED has that of
    an attribute without a value. Returned is what should be looked at, a line each.

    Raises
    ------
    RawDataError : a file cannot be read; keys are missing; a weight is missing, negative, not finite or sums to zero;
        one (SKU, category, need state) has two weights; a need state is called UNMAPPED
    """
    names = keys_of(columns)
    needed = names if columns.weight is None else {**names, "weight": columns.weight}
    raw_scans = scans(connection, source)
    require(source, raw_scans, {f"columns.{use}": name for use, name in needed.items()})
    require_keys(source, raw_scans, names)
    load_rows(connection, source, raw_scans, columns)
    keys.check_precise(connection, source, {("map_rows", "sku_id"): columns.sku_id})
    _check_keys(connection, source, columns)
    if columns.weight is not None:
        _check_weights(connection, source, columns.weight)
    several = isinstance(columns.need_state, dict)
    distinct = "SELECT DISTINCT sku_id, map_category, need_state, weight FROM map_rows"
    view(connection, "need_state_map", blocks("map_rows") if several else distinct)
    create(connection, "weights", sql("weights.sql"))
    return [doubt for scan in raw_scans for doubt in scan.doubts]


def keys_of(columns: NeedStateColumns) -> dict[str, str]:
    """The raw names of the map's keys by their use; several attributes are told apart by position."""
    names = {"sku_id": columns.sku_id}
    if isinstance(columns.need_state, str):
        names["need_state"] = columns.need_state
    else:
        names |= {f"need_state {number}": name for number, name in enumerate(columns.need_state, start=1)}
    if columns.category is not None:
        names["category"] = columns.category
    return names


def load_rows(
    connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], columns: NeedStateColumns
) -> None:
    """Make `map_rows`: sku_id, map_category, attribute, need_state, weight, weight_text; a row per row and attribute."""
    named = {columns.need_state: 1.0} if isinstance(columns.need_state, str) else columns.need_state
    scans_of = [scan for scan in raw_scans for _ in named]
    selects = [_select(source, scan, columns, name, weight) for scan in raw_scans for name, weight in named.items()]
    create(connection, "map_rows", union(scans_of, selects))


def take_category(connection: duckdb.DuckDBPyConnection, sales: Source, mapped: str) -> None:
    """Give every row of `sums` the category of its SKU in the map, UNMAPPED if the map does not have the SKU.

    `mapped` is the table of the map, with sku_id and map_category.

    Raises
    ------
    RawDataError : the map has a SKU in several categories, and only the sales could tell which
    """
    several = rows(
        connection,
        "SELECT sku_id, MIN(map_category), MAX(map_category), COUNT(*) OVER () FROM "
        f"{mapped} GROUP BY sku_id HAVING COUNT(DISTINCT map_category) > 1 ORDER BY sku_id LIMIT 1",
    )
    if several:
        sku, category, other, count = several[0]
        raise RawDataError(
            f"{sales.title}: the sales have no category, and the need states have {counted(count, 'SKU', 'SKUs')} in several: SKU "
            f"{quoted(sku)} in {quoted(category)} and {quoted(other)}; leave one category per SKU, or name the sales' column in "
            f"columns.category of [{sales.setting}]"
        )
    connection.execute(
        f"UPDATE sums SET category = c.map_category FROM (SELECT DISTINCT sku_id, map_category FROM {mapped}) c "
        "WHERE c.sku_id = sums.sku_id"
    )


def _select(source: Source, scan: Scan, columns: NeedStateColumns, attribute: str, weight: float) -> str:
    category = scan[columns.category].key if columns.category is not None else "''"
    state = scan[attribute].key
    if not isinstance(columns.need_state, str):
        state = of_block(attribute, state)
    amount, written = f"CAST({weight!r} AS DOUBLE)", "CAST(NULL AS VARCHAR)"
    if columns.weight is not None:
        column = scan[columns.weight]
        if column.written is None and not is_number(column.type):
            raise RawDataError(
                f"{scan.files[0]}: column '{columns.weight}' is of type {column.type}, where a weight must be a number; write it as "
                f"one, or set columns.weight in [{source.setting}]"
            )
        amount, written = column.number, text(column.sql)
    return (
        f"{scan[columns.sku_id].key} AS sku_id, {category} AS map_category, {literal(attribute)} AS attribute, {state} AS need_state, "
        f"{amount} AS weight, {written} AS weight_text"
    )


def only_ones(connection: duckdb.DuckDBPyConnection, source: Source) -> list[str]:
    """A doubt if at least half of the chosen categories have a single need state, and so cannot be clustered.

    `sku_sums` (`twice.totals`) and `map_rows` are there. A category or two without need states of their own are usual; most of them are not: then a column is taken for another.
    """
    categories = rows(
        connection,
        "SELECT k.category FROM sku_sums k JOIN map_rows m "
        "ON m.sku_id = k.sku_id AND m.map_category = k.map_category GROUP BY 1 HAVING COUNT(DISTINCT m.need_state) = 1 ORDER BY 1",
    )
    (every,) = row(connection, "SELECT COUNT(DISTINCT category) FROM sku_sums")
    if 2 * len(categories) < every or not categories:
        return []
    names = listed([quoted(name) for (name,) in categories], 5)
    return [
        f"{source.title}: {len(categories)} of {counted(every, 'category has', 'categories have')} one need state, and will have one cluster: {names}; see "
        "whether columns.category and columns.need_state are the right columns, or exclude them in [internal.preprocessing]"
    ]


def _check_keys(connection: duckdb.DuckDBPyConnection, source: Source, columns: NeedStateColumns) -> None:
    names = {use: name for use, name in keys_of(columns).items() if use in ("sku_id", "need_state", "category")}
    inside = {use: "map_category" if use == "category" else use for use in names}
    reserved_one = f"need_state = '{UNMAPPED}'" if "need_state" in names else "FALSE"  # in blocks, what has no value
    total, reserved, *counts = row(
        connection,
        f"SELECT COUNT(*), COUNT(*) FILTER (WHERE {reserved_one}), "
        + ", ".join(f"COUNT(*) - COUNT({column})" for column in inside.values())
        + " FROM map_rows",
    )
    if not total:
        raise RawDataError(f"{source.title}: no rows; {source.rewrite}")
    missing = [
        f"{counted(count, 'row', 'rows')} without {use} (column '{names[use]}')"
        for use, count in zip(inside, counts, strict=True)
        if count
    ]
    if missing:
        raise RawDataError(f"{source.title}: {listed(missing)} of {total:,}; fill them in, or remove the rows")
    if reserved:
        raise RawDataError(
            f"{source.title}: {counted(reserved, 'row', 'rows')} with the need state {UNMAPPED}, which stands for SKUs that "
            "the map does not know; rename it, or remove the rows"
        )


def _check_weights(connection: duckdb.DuckDBPyConnection, source: Source, name: str) -> None:
    bad = rows(
        connection,
        "SELECT sku_id, weight_text, COUNT(*) OVER () FROM map_rows WHERE weight IS NULL OR NOT ISFINITE(weight) OR "
        "weight < 0 OR weight > 1e15 ORDER BY sku_id, map_category, need_state, weight_text LIMIT 1",
    )
    if bad:
        sku, written, count = bad[0]
        text = "missing" if written is None else quoted(written)
        raise RawDataError(
            f"{source.title}: column '{name}' is not a weight in {counted(count, 'row', 'rows')}: SKU {quoted(sku)} has {text}; a "
            "weight is a number from 0 to 1e15; correct them"
        )
    twice = rows(
        connection,
        "SELECT sku_id, need_state, MIN(weight), MAX(weight), COUNT(*) OVER () FROM map_rows GROUP BY sku_id, map_category, "
        "need_state HAVING MIN(weight) <> MAX(weight) ORDER BY sku_id, map_category, need_state LIMIT 1",
    )
    if twice:
        sku, need_state, low, high, count = twice[0]
        raise RawDataError(
            f"{source.title}: {counted(count, 'need state of a SKU has', 'need states of SKUs have')} two weights: SKU {quoted(sku)} "
            f"serves {quoted(need_state)} with {low:g} and {high:g}; leave one of them"
        )
    zero = rows(
        connection,
        "SELECT sku_id, COUNT(*) OVER () FROM map_rows GROUP BY sku_id, map_category HAVING MAX(weight) = 0 "
        "ORDER BY sku_id, map_category LIMIT 1",
    )
    if zero:
        sku, count = zero[0]
        raise RawDataError(
            f"{source.title}: the weights of {counted(count, 'SKU', 'SKUs')} sum to zero: SKU {quoted(sku)}; give one of its need "
            f"states a weight above zero in column '{name}', or remove the SKU"
        )
