"""The need-state map -> the need states that each SKU serves, with weights."""

from __future__ import annotations

import duckdb

from pipeline.engine.connections import create, row, rows, sql, view
from pipeline.engine.reading.keys import is_number, text
from pipeline.engine.reading.raw import Source, require, require_keys, scans
from pipeline.engine.reading.scan import Scan, union
from pipeline.errors import RawDataError
from pipeline.schema import UNMAPPED
from pipeline.settings import NeedStateColumns
from pipeline.wording import counted, listed, quoted


def load(connection: duckdb.DuckDBPyConnection, source: Source, columns: NeedStateColumns) -> None:
    """Make `weights`: sku_id, map_category, need_state, weight, total_weight, need_states.

    One row per need state that a SKU serves with a positive weight; weights are 1 where there is no weight column.
    `map_category` is '' where the map has no category: the SKU then serves the same need states in every one.

    Raises
    ------
    RawDataError : a file cannot be read; keys are missing; a weight is missing, negative, not finite or sums to zero;
        one (SKU, category, need state) has two weights; a need state is called UNMAPPED
    """
    names = {"sku_id": columns.sku_id, "need_state": columns.need_state}
    if columns.category is not None:
        names["category"] = columns.category
    needed = names if columns.weight is None else {**names, "weight": columns.weight}
    found = scans(connection, source)
    require(source, found, {f"columns.{use}": name for use, name in needed.items()})
    require_keys(source, found, names)
    selects = [_select(source, scan, names, columns.weight) for scan in found]
    create(connection, "map_rows", union(found, selects))
    _check_keys(connection, source, names)
    if columns.weight is not None:
        _check_weights(connection, source, columns.weight)
    view(connection, "need_state_map", "SELECT DISTINCT sku_id, map_category, need_state, weight FROM map_rows")
    create(connection, "weights", sql("weights.sql"))


def _select(source: Source, scan: Scan, names: dict[str, str], weight: str | None) -> str:
    category = scan[names["category"]].key if "category" in names else "''"
    amount, written = "CAST(1 AS DOUBLE)", "CAST(NULL AS VARCHAR)"
    if weight is not None:
        column = scan[weight]
        if column.written is None and not is_number(column.type):
            raise RawDataError(
                f"{scan.files[0]}: column '{weight}' is of type {column.type}, where a weight must be a number; write it as "
                f"one, or set columns.weight in [{source.setting}]"
            )
        amount, written = column.number, text(column.sql)
    return (
        f"{scan[names['sku_id']].key} AS sku_id, {category} AS map_category, {scan[names['need_state']].key} AS need_state, "
        f"{amount} AS weight, {written} AS weight_text"
    )


def _check_keys(connection: duckdb.DuckDBPyConnection, source: Source, names: dict[str, str]) -> None:
    inside = {use: "map_category" if use == "category" else use for use in names}
    total, reserved, *counts = row(
        connection,
        f"SELECT COUNT(*), COUNT(*) FILTER (WHERE need_state = '{UNMAPPED}'), "
        + ", ".join(f"COUNT(*) - COUNT({column})" for column in inside.values())
        + " FROM map_rows",
    )
    if not total:
        raise RawDataError(f"{source.title}: no rows; write the file again, or change path in [{source.setting}]")
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
        said = "missing" if written is None else quoted(written)
        raise RawDataError(
            f"{source.title}: column '{name}' is not a weight in {counted(count, 'row', 'rows')}: SKU {quoted(sku)} has {said}; a "
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
