"""The sales, summed exactly per store, SKU and category: one pass over the rows, whatever their number.

Keys are named only once the rows are summed: naming costs per key, not per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from pipeline.engine import passes
from pipeline.engine.connections import create, row, rows, sql, view
from pipeline.engine.reading.scan import SUMS, Scan, union
from pipeline.schema import BLOCKS
from pipeline.settings import SalesColumns

# Where the names of stores and SKUs stand once `sums` is made, each once: the table and its column.
NAMES = {"store_id": ("store_names", "name"), "sku_id": ("sku_names", "name")}
LARGEST_LOSS = 0.05  # of a category's absolute sales, by rounding the sum of each store and SKU to cents
MOST_DECIMALS = 6  # of an amount
BLOCK_MICROS = tuple(f"block_{block}_micros" for block in range(1, BLOCKS + 1))
_EXACT = 2**52  # up to here a float holds every whole number, and half of it
LARGEST_TOTAL = 10**16  # units of the currency, of all amounts; what is published has 18 digits, two of them decimals
# Of one amount, in millionths of a unit, as the sums have it: of one from 9e9 on a binary number holds no more than cents.
_MICROS = (
    "CASE WHEN amount < 0 THEN -1 ELSE 1 END * CASE WHEN ABS(amount) < 9e9 THEN TRY_CAST(micros AS HUGEINT) "
    "ELSE TRY_CAST(absolute_cents AS HUGEINT) * 10000 END"
)
_MICROS_OF_SUMS = "CAST(cents AS HUGEINT) * 10000 + rest"
# Of one amount, as sales_sums.sql has them.
_CENTS = "CASE WHEN {0} < 0 THEN -1 ELSE 1 END * FLOOR(FLOOR(ABS({0}) * 1e6 + 0.5) / 1e4 + 0.5)"
_FLOAT_SUM, _WHOLE_SUM, _OTHER_SUMS = (
    16,
    32,
    240,
)  # bytes that DuckDB takes for a sum of a key; for those of sales_sums.sql besides blocks
_KIND = {"store": "store", "sku": "SKU", "category": "category"}
_SPELLINGS = """SELECT '{kind}' AS kind, name AS key, COUNT(*) AS spellings FROM {use}_names
    WHERE name IS NOT NULL GROUP BY name HAVING COUNT(*) > 1"""
# amounts -> raw_sums: nothing was left out, and nothing is wrong
_ALL_WELL = """SELECT store_key, sku_key, category_key, CAST(micros AS BIGINT) // 10000 AS sales_cents, CAST(micros AS BIGINT) % 10000 AS rest_micros,
    0 AS earlier_cents, ABS(CAST(micros AS BIGINT) // 10000) AS window_cents, 1 AS row_count,
    1 AS rows_in_window, 0 AS bad_values, 0 AS bad_texts, CAST(NULL AS VARCHAR) AS bad_text{blocks} FROM amounts"""
_BAD = f"SELECT COUNT(*), COUNT(*) FILTER (WHERE NOT absolute_micros < {2**53}) FROM amounts"


def make(
    connection: duckdb.DuckDBPyConnection,
    raw_scans: Sequence[Scan],
    columns: SalesColumns,
    in_window: Sequence[str] | None,
    blocks: Sequence[str] | None = None,
    positions: Sequence[str] | None = None,
) -> bool:
    """Make `sums`: store_id, sku_id, category, sales_cents, rest_micros, rows_in_window; and `key_spellings`, the keys written in several ways.

    Amounts are summed exactly, to a millionth of a unit: sales_cents and the millionths beside them, 0 where amounts have two decimals.

    Where every row counts, the rows are summed in the quick way first, which sees that something is wrong and not what: then they
    are summed again, and `sums` says what is wrong with the rows behind each sum.

    Parameters
    ----------
    raw_scans : the sales
    columns : what their columns are called
    in_window : per scan, the SQL of whether a row counts; None where every row does
    blocks : per scan, the SQL of a row's block of weeks; `sums` then has the columns `BLOCK_MICROS` besides, in millionths of a unit
    positions : per scan, the SQL of a row's week, for whoever reads `raw_sales` afterwards

    Returns
    -------
    Whether all is well with every row; else `sums` is to be looked into.
    """
    keys = {"store": columns.store_id, "sku": columns.sku_id, "category": columns.category}
    alike = len({tuple(replace(scan[name], sql="") for name in keys.values()) for scan in raw_scans}) == 1
    names = {use: replace(raw_scans[0][name], sql="raw_key").key if alike else "raw_key" for use, name in keys.items()}
    selects = []
    every = len(raw_scans)
    nulls = ["NULL"] * every
    for scan, chosen, block, position in zip(
        raw_scans, in_window or ["TRUE"] * every, blocks or nulls, positions or nulls, strict=True
    ):
        named = [f"{scan[name].sql if alike else scan[name].key} AS {use}_key" for use, name in keys.items()]
        value = scan[columns.sales_value]
        text = "CAST(NULL AS VARCHAR)" if value.written is None else value.sql
        amount = f"{value.number} AS sales_value, {text} AS sales_text, {_CENTS.format(value.number)} AS cents"
        if scan.has_sums:
            amount = ", ".join(f"{written} AS {name}" for name, written in SUMS.items())
        selects.append(
            f"{', '.join(named)}, {amount}, {chosen} AS in_window, {block} AS block, CAST({position} AS BIGINT) AS position"
        )
    view(connection, "raw_sales", union(raw_scans, selects))
    by_block = BLOCK_MICROS if blocks else ()
    has_sums = raw_scans[0].has_sums
    well = in_window is None and not has_sums and _quickly(connection, raw_scans, names, by_block)
    if not well:
        text, micros = ("extracted_sums.sql", _MICROS_OF_SUMS) if has_sums else ("sales_sums.sql", _MICROS)
        blocks, size = _per_block(by_block, micros), _OTHER_SUMS + _WHOLE_SUM * len(by_block)
        passes.make(connection, raw_scans, "raw_sums", lambda of_pass: sql(text, blocks=blocks, of_pass=of_pass), size)
        _name(connection, names, by_block)
        _drop(connection, "TABLE", "raw_sums")
    return well


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `sums` exact at the decimals of each category, and `precision`: category, decimals, kept, unit_micros, per_cent.

    Called when the keys and categories of `sums` are final. `rest_micros` is then within 0 to 9999, and a multiple of `unit_micros`, the
    last decimal of the category that is kept (`kept_decimals`); a cent has `per_cent` of them. `decimals` is what the amounts have.
    """
    has_parts = row(connection, "SELECT COUNT(*) FROM sums WHERE rest_micros <> 0")[0]
    if has_parts:
        _replace_sums(connection, "carried_sums.sql")
    totals = [(name, int(number), int(cents)) for name, number, cents in rows(connection, sql("decimals.sql"))]
    largest = max((cents for _, _, cents in totals), default=0)
    kept = {name: kept_decimals(number, cents, largest) for name, number, cents in totals}
    connection.execute(
        "CREATE TEMP TABLE precision (category VARCHAR, decimals INTEGER, kept INTEGER, unit_micros BIGINT, per_cent BIGINT)"
    )
    if totals:
        connection.executemany(
            "INSERT INTO precision VALUES (?, ?, ?, ?, ?)",
            [
                [name, number, kept[name], 10 ** (MOST_DECIMALS - kept[name]), 10 ** (kept[name] - 2)]
                for name, number, _ in totals
            ],
        )
    if any(kept[name] < number for name, number, _ in totals):
        _replace_sums(connection, "rounded_sums.sql")
        _replace_sums(connection, "carried_sums.sql")


def kept_decimals(decimals: int, cents: int, largest: int) -> int:
    """The decimals that a category is published with: those of its amounts, as far as 53 bits hold its sales in them.

    Parameters
    ----------
    decimals : of its amounts, 2 to `MOST_DECIMALS`
    cents : the sum of the absolute sales of its stores and SKUs
    largest : of all categories, the largest such sum; where whole cents fill the bits, nothing has more than two decimals
    """
    kept = decimals
    while kept > 2 and max(cents * 10 ** (kept - 2), largest) > _EXACT:
        kept -= 1
    return kept


def _replace_sums(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Replace `sums` by what this SQL makes of its amounts; all other columns stay."""
    columns = [column for (column, *_) in rows(connection, "DESCRIBE sums")]
    others = "".join(f"{column}, " for column in columns if column not in ("sales_cents", "rest_micros"))
    create(connection, "settled_sums", sql(name, others=others))
    _drop(connection, "TABLE", "sums")
    connection.execute("ALTER TABLE settled_sums RENAME TO sums")


def _per_block(by_block: Sequence[str], signed: str) -> str:
    """The SQL of the sum of each block, in millionths of a unit: a HUGEINT."""
    return "".join(
        f",\n    COALESCE(SUM({signed}) FILTER (block = {number}), 0) AS {name}"
        for number, name in enumerate(by_block, 1)
    )


def _listed(by_block: Sequence[str], written: str = "{}") -> str:
    return "".join(f", {written.format(name)}" for name in by_block)


def _quickly(
    connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], names: dict[str, str], by_block: Sequence[str]
) -> bool:
    """Make `sums` if all rows are valid; otherwise make nothing, and return False."""
    blocks = "".join(
        f",\n    COALESCE(SUM(micros) FILTER (block = {number}), 0) AS {name}"
        for number, name in enumerate(by_block, 1)
    )
    size = _FLOAT_SUM * (2 + len(by_block))
    passes.make(
        connection, raw_scans, "amounts", lambda of_pass: sql("amounts.sql", blocks=blocks, of_pass=of_pass), size
    )
    count, bad = row(connection, _BAD)
    done = False
    if count and not bad:
        view(connection, "raw_sums", _ALL_WELL.format(blocks=_listed(by_block, "CAST({0} AS BIGINT) AS {0}")))
        _name(
            connection,
            names,
            by_block,
            f"store_id, sku_id, category, sales_cents, rest_micros, rows_in_window{_listed(by_block)}",
        )
        lost = "SELECT COUNT(*) FROM sums WHERE store_id IS NULL OR sku_id IS NULL OR category IS NULL"
        done = not row(connection, lost)[0]
        _drop(connection, "VIEW", "raw_sums")
        if not done:
            _drop(connection, "TABLE", "sums", "key_spellings", *(f"{use}_names" for use in names))
            _drop(connection, "VIEW", "named_sums")
    _drop(connection, "TABLE", "amounts")
    return done


def _name(
    connection: duckdb.DuckDBPyConnection, names: dict[str, str], by_block: Sequence[str], selected: str = "*"
) -> None:
    """`raw_sums` -> `sums`, under the names of the keys, and `key_spellings`."""
    one_to_one = True
    for use, name in names.items():
        distinct = f"SELECT DISTINCT {use}_key AS raw_key FROM raw_sums"
        create(connection, f"{use}_names", f"SELECT raw_key, {name} AS name FROM ({distinct}) d")
        one_to_one &= row(connection, f"SELECT COUNT(*) = COUNT(DISTINCT name) FROM {use}_names")[0]
    spellings = [_SPELLINGS.format(use=use, kind=kind) for use, kind in _KIND.items()]
    create(connection, "key_spellings", " UNION ALL ".join(spellings))
    view(connection, "named_sums", sql("named_sums.sql", blocks=_listed(by_block, "r.{}")))
    keyed = sql("keyed_sums.sql", blocks=_listed(by_block, "SUM({0}) AS {0}"))
    create(connection, "sums", f"SELECT {selected} FROM ({'SELECT * FROM named_sums' if one_to_one else keyed}) s")


def _drop(connection: duckdb.DuckDBPyConnection, kind: str, *names: str) -> None:
    for name in names:
        connection.execute(f"DROP {kind} {name}")
