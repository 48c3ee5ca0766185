"""Check the categories: the share of sales with a need state, the number of stores, and the settings that name them."""

from __future__ import annotations

import duckdb
import msgspec
import pandas as pd

from pipeline.config.faults import dotted
from pipeline.core.clustering.rules import smallest_size
from pipeline.core.internal.preprocessing import UNMAPPED_SALES, preprocess
from pipeline.engine.checks import mapping, sales
from pipeline.engine.checks.findings import Findings, some
from pipeline.engine.checks.mapping import MapSeen
from pipeline.engine.checks.sales import SalesSeen
from pipeline.engine.chosen_sales import is_total_publishable
from pipeline.engine.connections import rows
from pipeline.schema import UNMAPPED
from pipeline.settings import InternalPreprocessing, Settings
from pipeline.settings.keys import normal
from pipeline.settings.per_category import SECTIONS, for_category, section_of, unknown
from pipeline.wording import counted, listed, nearest, quoted

_SHOWN = 5
_MAPPED = "mapped"


def say_coverage(
    connection: duckdb.DuckDBPyConnection,
    sold: SalesSeen,
    mapped: MapSeen,
    settings: InternalPreprocessing,
    findings: Findings,
) -> None:
    """Report the share of sales of SKUs without a need state, per category; too large a share is an error."""
    if not (sold.has("sku_id", "category", "sales_value") and mapped.has("sku_id", "category")):
        findings.skip("need_states", "how much of the sales they cover, until both sources can be read")
        return
    if not is_total_publishable(connection) or (frame := _cents(connection)).empty:
        return
    failed: list[str] = []
    with findings.attempt(mapping.NAME, failed):
        coverage = _coverage(frame, settings)
    if failed:
        limitless = msgspec.structs.replace(settings, unmapped="keep", max_unmapped_share=1.0, category={})
        coverage = _coverage(frame, limitless)
    nothing = [str(name) for name in coverage.loc[coverage["sales_cents"] <= 0, "category"]]
    if nothing:
        findings.doubt(
            sales.NAME,
            f"{sold.seen.files[0]}: the sales of {counted(len(nothing), 'category', 'categories')} are not above zero: "
            f"{listed(nothing, _SHOWN)}; most of their stores will be excluded: see whether the sign is right",
        )
    uncovered = coverage[coverage["unmapped_sales_cents"] != 0].sort_values(
        ["unmapped_share", "category"], ascending=[False, True]
    )
    within = [
        f"{name} ({share:.1%})"
        for name, share in zip(uncovered["category"], uncovered["unmapped_share"], strict=True)
        if share <= for_category(settings, name).max_unmapped_share
        and not UNMAPPED_SALES[for_category(settings, name).unmapped].refused
    ]
    if within:
        skus = _unmapped_skus(connection)
        findings.doubt(
            mapping.NAME,
            f"{mapped.seen.files[0]}: SKUs without a need state have sales in {counted(len(within), 'category', 'categories')}: "
            f"{listed(within, _SHOWN)}; most are of {skus}; add them to the need states",
        )


def _coverage(frame: pd.DataFrame, settings: InternalPreprocessing) -> pd.DataFrame:
    tables = preprocess(sales=frame, unchosen_stores=frame[["store_id"]].iloc[:0], settings=settings)
    return tables["need_state_coverage"]


_SERVED = "chosen_sales s LEFT JOIN mapped m ON m.sku_id = s.sku_id AND m.map_category = s.map_category WHERE s.sku_id IS NOT NULL"


def _cents(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The sales of each category with and without a need state, as if of a single store: the input of the coverage."""
    return connection.sql(
        f"SELECT 'all' AS store_id, s.category, CASE WHEN m.sku_id IS NULL THEN '{UNMAPPED}' ELSE '{_MAPPED}' END AS need_state, "
        f"CAST(SUM(s.sales_cents) AS BIGINT) AS sales_cents FROM {_SERVED} GROUP BY 1, 2, 3"
    ).df()


def _unmapped_skus(connection: duckdb.DuckDBPyConnection) -> str:
    skus = rows(
        connection,
        f"SELECT s.sku_id FROM {_SERVED} AND m.sku_id IS NULL GROUP BY 1 ORDER BY SUM(s.sales_cents) DESC, 1 LIMIT 3",
    )
    return f"SKU {some([sku for (sku,) in skus])}"


def say_categories(
    connection: duckdb.DuckDBPyConnection, sold: SalesSeen, settings: Settings, findings: Findings
) -> None:
    """Report, as doubts, categories that are too small to split, and settings for missing categories."""
    if not sold.has("category"):
        findings.skip("categories", "how many stores sell them, until the sales can be read")
        return
    stores = sales.stores_by_category(connection)
    _say_unknown(settings, list(stores), findings)
    if not sold.has("store_id"):
        return
    small = []
    for name, count in stores.items():
        smallest = smallest_size(for_category(settings.internal.clustering, name), count)
        if count < 2 * smallest:
            small.append(f"{quoted(name)} ({count}, needs {2 * smallest})")
    if small:
        findings.doubt(
            sales.NAME,
            f"{counted(len(small), 'category is', 'categories are')} sold by too few stores to be split, and will have one cluster: "
            f"{listed(small, _SHOWN)}; set min_cluster_size and min_cluster_share in [internal.clustering], or exclude them in "
            "[internal.preprocessing]",
        )


def _say_unknown(settings: Settings, categories: list[str], findings: Findings) -> None:
    for section in SECTIONS:
        for name in unknown(section_of(settings, section), categories):
            findings.doubt(
                sales.NAME,
                f"{dotted((*section.split('.'), 'category', name))}: has no effect: the data has no such category"
                f"{nearest(normal(name), categories)}; correct the name, or remove it",
            )
