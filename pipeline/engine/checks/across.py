"""What the sources have in common, and what they should: stores, SKUs, categories, and how their keys are written."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.duck.quoting import identifier, literal
from pipeline.engine.checks import mapping, sales
from pipeline.engine.checks.findings import Findings, some
from pipeline.engine.checks.mapping import MapSeen
from pipeline.engine.checks.outside import OutsideSeen
from pipeline.engine.checks.sales import SalesSeen
from pipeline.engine.connections import create, row, rows
from pipeline.engine.reading.keys import normal
from pipeline.settings import Stores
from pipeline.wording import counted, listed, with_nearest

ALL = "all sources"
_SHOWN = 3
_PLURAL = {"store": "stores", "SKU": "SKUs", "category": "categories", "need state": "need states"}
_EXTERNAL = "external"


def collect(
    connection: duckdb.DuckDBPyConnection, sold: SalesSeen, mapped: MapSeen, outside: Sequence[OutsideSeen]
) -> None:
    """Make `keys_seen` (kind, source, key): every key of every source whose column can be read."""
    connection.execute("CREATE TEMP TABLE keys_seen (kind VARCHAR, source VARCHAR, key VARCHAR)")
    given = []
    for use, kind in (("store_id", "store"), ("sku_id", "SKU"), ("category", "category")):
        if sold.has(use) and not (use == "sku_id" and sold.keyed is not None and sold.keyed.attributes):
            given.append((kind, sales.NAME, "sums", use))
    if sold.keyed is not None and len(sold.keyed.attributes) == 1 and sold.has("need_state"):
        given.append(("need state", sales.NAME, "sums", "sku_id"))
    for use, kind in (("sku_id", "SKU"), ("category", "category")):
        if mapped.has(use):
            given.append((kind, mapping.NAME, "mapped", "map_category" if use == "category" else use))
    if mapped.has("need_state"):
        given.append(("need state", mapping.NAME, "map_rows", "need_state"))
    given += [("store", each.name, each.table, "store_id") for each in outside if each.table]
    for kind, source, table, column in given:
        connection.execute(
            f"INSERT INTO keys_seen SELECT DISTINCT {literal(kind)}, {literal(source)}, {column} FROM {identifier(table)} "
            f"WHERE {column} <> ''"
        )


def say_spellings(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """Doubt keys that differ only in leading zeros, upper and lower case, or white space inside."""
    folded = "REGEXP_REPLACE(REGEXP_REPLACE(LOWER(key), '\\s+', ' ', 'g'), '^0+(.)', '\\1')"
    create(
        connection,
        "spellings",
        f"SELECT kind, {folded} AS folded, MIN(key) AS one, MAX(key) AS other, MIN(source || ' ' || key) AS first_source "
        "FROM keys_seen GROUP BY 1, 2 HAVING COUNT(DISTINCT key) > 1",
    )
    for kind, count in rows(connection, "SELECT kind, COUNT(*) FROM spellings GROUP BY 1 ORDER BY 1"):
        pairs = rows(
            connection,
            "SELECT s.one, s.other, (SELECT MIN(k.source) FROM keys_seen k WHERE k.kind = s.kind AND k.key = s.one), "
            "(SELECT MIN(k.source) FROM keys_seen k WHERE k.kind = s.kind AND k.key = s.other) FROM spellings s "
            f"WHERE s.kind = ? ORDER BY 1, 2 LIMIT {_SHOWN}",
            [kind],
        )
        spellings = [
            f"{some([each])} in {where} beside {some([other])} in {there}" for each, other, where, there in pairs
        ]
        findings.doubt(
            ALL,
            f"{counted(count, kind, _PLURAL[kind])} written in ways that differ only in leading zeros, case or spaces, and taken for "
            f"different ones: {listed(spellings, count=count, between='; ')}; where they are the same, write them alike",
        )


def say_stores(
    connection: duckdb.DuckDBPyConnection, sold: SalesSeen, outside: Sequence[OutsideSeen], findings: Findings
) -> None:
    """Say which stores only the sales know, and which only the outside data; none in common is an error."""
    if not sold.has("store_id") or not any(each.table for each in outside):
        findings.skip(ALL, "which stores the sales and the outside data have in common, until both have stores")
        return
    create(
        connection,
        "stores_seen",
        f"SELECT key, BOOL_OR(source = '{sales.NAME}') AS is_sold, BOOL_OR(source <> '{sales.NAME}') AS is_outside FROM keys_seen "
        "WHERE kind = 'store' GROUP BY key",
    )
    common, total = row(connection, "SELECT COUNT(*) FILTER (WHERE is_sold AND is_outside), COUNT(*) FROM stores_seen")
    only_sold, only_outside = _only(connection, "is_outside"), _only(connection, "is_sold")
    if not common and total:
        findings.error(
            ALL,
            f"no store of the sales ({some(*only_sold)}) is in the outside data ({some(*only_outside)}); check columns.store_id of "
            "[sources.internal_sales] and of [[sources.external]], or write the stores alike",
        )
        return
    if only_sold[1]:
        findings.doubt(
            ALL,
            f"{counted(only_sold[1], 'store', 'stores')} of the sales not in the outside data: {some(*only_sold)}; clustered on sales "
            "alone; add their rows, if they exist",
        )
    if only_outside[1]:
        findings.doubt(
            ALL,
            f"{counted(only_outside[1], 'store', 'stores')} of the outside data without sales: {some(*only_outside)}; clustered on "
            "the outside data alone; check that the sales are complete",
        )


def say_named(
    connection: duckdb.DuckDBPyConnection,
    sold: SalesSeen,
    outside: Sequence[OutsideSeen],
    named: Stores,
    findings: Findings,
) -> None:
    """Doubt stores that `[stores]` names and no source has."""
    wanted = {"closed": named.closed, "held_out": named.held_out}
    if (
        not any(wanted.values())
        or not (sold.has("store_id") or not sold.seen.files)
        or not all(each.table for each in outside)
    ):
        return
    stores = {str(store) for (store,) in rows(connection, "SELECT DISTINCT key FROM keys_seen WHERE kind = 'store'")}
    for setting, names in wanted.items():
        for name in names:
            if normal(name) not in stores:
                name_shown = with_nearest(normal(name), stores)
                findings.doubt(
                    ALL, f"stores.{setting}: no source has the store {name_shown}; correct the name, or remove it"
                )


def _only(connection: duckdb.DuckDBPyConnection, lacking: str) -> tuple[list[str], int]:
    """The first few stores for which this does not hold, and how many they are."""
    counts = rows(
        connection,
        f"SELECT key, COUNT(*) OVER () FROM stores_seen WHERE NOT {lacking} ORDER BY LENGTH(key), key LIMIT 5",
    )
    return [key for key, _ in counts], counts[0][1] if counts else 0
