"""What the sales mix is over where no need-state map says it: columns of the sales, or else the SKUs.

The sales are then summed per value of these columns instead of per SKU, and a map is made of the sums: it names the need states, as a
map of the user's would, so that all that follows is the same. Of several columns each gets its part of every sale, by its weight: the
squared distance of two stores is then the weighted mean of their squared distances in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import create, sql
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.schema import RARE, UNMAPPED

LARGEST = 200  # SKUs of a category that are need states of their own; no more can have the 1 % that a feature needs, and many more slow all
COMBINED = "(attributes)"  # the name of the column that several are put together in
_BETWEEN = "CHR(1)"  # between the values of several columns; no key has it at its ends, where white space is trimmed


def combined(raw_scans: Sequence[Scan], names: Sequence[str]) -> list[Scan]:
    """The scans with a column `COMBINED`: the values of these columns as keys, an empty one where there is none."""
    scans = []
    for scan in raw_scans:
        values = ", ".join(f"COALESCE({scan[name].key}, '')" for name in names)
        scans.append(with_column(scan, COMBINED, RawColumn(f"CONCAT_WS({_BETWEEN}, {values})", "VARCHAR")))
    return scans


def with_column(scan: Scan, name: str, column: RawColumn) -> Scan:
    """The scan with a column that its files do not have."""
    return replace(scan, columns=(*scan.columns, (nfc(name), column)))


def rename(connection: duckdb.DuckDBPyConnection) -> None:
    """`sums` and `key_spellings`: what has no value in the column that stands for the SKU is unmapped, and its keys are no SKUs."""
    connection.execute(f"UPDATE sums SET sku_id = {literal(UNMAPPED)} WHERE sku_id IS NULL")
    connection.execute("UPDATE key_spellings SET kind = 'need state' WHERE kind = 'SKU'")


def load(connection: duckdb.DuckDBPyConnection, attributes: Mapping[str, float], *, amalgamate: bool) -> None:
    """Make `weights` of `chosen_sales`, as `need_states.load` makes it of a map.

    Parameters
    ----------
    attributes : the columns that stand for the SKU in the sales, with their weights; none: the SKUs are need states themselves
    amalgamate : whether the SKUs beyond the `LARGEST` of their category are one need state, `(rare)`
    """
    if not attributes:
        create(connection, "need_state_map", _skus(amalgamate=amalgamate))
    elif len(attributes) == 1:
        create(connection, "need_state_map", _single())
    else:
        create(connection, "need_state_map", blocks(f"({_several(attributes)}) a"))
    create(connection, "weights", sql("weights.sql"))


def of_block(attribute: str, value: str) -> str:
    """The SQL of the need state that a value is, in a block of several columns: `BRAND: Acme`; UNMAPPED where there is none."""
    return f"COALESCE({literal(f'{attribute}: ')} || {value}, {literal(UNMAPPED)})"


def blocks(rows: str) -> str:
    """The map of rows (sku_id, map_category, attribute, need_state, weight).

    An attribute that has several values for a SKU gives each as much.
    """
    parted = (
        "SELECT sku_id, map_category, need_state, weight / COUNT(*) OVER (PARTITION BY sku_id, map_category, attribute) AS weight "
        f"FROM (SELECT DISTINCT sku_id, map_category, attribute, need_state, weight FROM {rows}) d"
    )
    return f"SELECT sku_id, map_category, need_state, SUM(weight) AS weight FROM ({parted}) p GROUP BY sku_id, map_category, need_state"


def _skus(*, amalgamate: bool) -> str:
    rank = "ROW_NUMBER() OVER (PARTITION BY category ORDER BY sales DESC, sku_id)"
    state = f"CASE WHEN {rank} <= {LARGEST} THEN sku_id ELSE {literal(RARE)} END" if amalgamate else "sku_id"
    of_sku = "SELECT sku_id, category, SUM(ABS(sales_cents)) AS sales FROM chosen_sales GROUP BY sku_id, category"
    return (
        f"SELECT sku_id, category AS map_category, {state} AS need_state, CAST(1 AS DOUBLE) AS weight FROM ({of_sku}) s"
    )


def _single() -> str:
    return (
        "SELECT DISTINCT sku_id, '' AS map_category, sku_id AS need_state, CAST(1 AS DOUBLE) AS weight FROM chosen_sales "
        f"WHERE sku_id <> {literal(UNMAPPED)}"
    )


def _several(attributes: Mapping[str, float]) -> str:
    """The values of each combination, a row each."""
    selects = []
    for position, (name, weight) in enumerate(attributes.items(), start=1):
        value = f"NULLIF(SPLIT_PART(sku_id, {_BETWEEN}, {position}), '')"
        selects.append(
            f"SELECT sku_id, '' AS map_category, {literal(name)} AS attribute, {of_block(name, value)} AS need_state, "
            f"CAST({weight!r} AS DOUBLE) AS weight FROM (SELECT DISTINCT sku_id FROM chosen_sales) d"
        )
    return " UNION ALL ".join(selects)
