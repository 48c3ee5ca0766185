"""What the files of the sales hold, whatever the settings choose of it: so that one delivery can be compared with the next.

Amounts are rounded to cents row by row here, and summed exactly.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd

from pipeline.engine.connections import insert, sql
from pipeline.engine.reading.week_formats import Weeks
from pipeline.schema import ALL_CATEGORIES, ALL_WEEKS

NO_SALES = {
    "delivered_sales": {
        "category": "str", "week": "str", "unit": "str", "ordinal": "Int64", "sales_cents": "int64", "stores": "Int64",
    },
    "delivered_stores": {"store_id": "str", "last_week": "str", "sales_cents": "int64"},
}  # fmt: skip


def of_sales(
    connection: duckdb.DuckDBPyConnection, weeks: Weeks | None, *, has_categories: bool
) -> dict[str, pd.DataFrame]:
    """What `raw_sales` and `sums` hold; both must exist, and nothing be wrong with their rows.

    Parameters
    ----------
    weeks : the weeks whose positions `raw_sales` has; None where they are not known
    has_categories : whether `raw_sales` has the categories; else only `sums` has them

    Returns
    -------
    delivered_sales : category, week, unit, ordinal, sales_cents, stores, sorted by category and week. Where weeks are known, a row per
        category and week, and per week under `ALL_CATEGORIES`, which alone counts the stores with a row. `ordinal` orders the weeks;
        `unit` (day, week or period) says what it counts. Else, and where `raw_sales` has no categories, a row per category of
        `ALL_WEEKS`, without unit and ordinal.
    delivered_stores : store_id, last_week (None where weeks are not known), sales_cents; sorted
    """
    if weeks is None:
        sales = connection.sql(sql("delivered_in_all.sql"), params=[ALL_WEEKS]).df()
        stores = "SELECT store_id, CAST(NULL AS VARCHAR) AS last_week, CAST(SUM(sales_cents) + FLOOR(SUM(rest_micros) / 10000) AS BIGINT) AS sales_cents FROM sums"
        return _typed(sales, connection.sql(f"{stores} GROUP BY store_id ORDER BY store_id").df())
    connection.execute("CREATE TEMP TABLE week_names (position BIGINT, week VARCHAR)")
    insert(connection, "week_names", list(_names(weeks).items()))
    connection.execute(f"CREATE TEMP TABLE delivered AS {sql('delivered_sums.sql')}")
    sales = connection.sql(sql("delivered_by_week.sql"), params=[ALL_CATEGORIES, weeks.format.unit]).df()
    if not has_categories:
        in_all = connection.sql(sql("delivered_in_all.sql"), params=[ALL_WEEKS]).df()
        sales = pd.concat([sales[sales["category"] == ALL_CATEGORIES], in_all], ignore_index=True)
    return _typed(sales, connection.sql(sql("delivered_stores.sql")).df())


def _names(weeks: Weeks) -> dict[int, str]:
    """The week of each position as it is written; the first of several spellings, and a day as in ISO 8601."""
    if weeks.format.unit == "day":
        return {position: date.fromordinal(position).isoformat() for position in weeks.positions.values()}
    return {position: text for text, position in sorted(weeks.positions.items(), reverse=True)}


def _typed(sales: pd.DataFrame, stores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    frames = {"delivered_sales": sales, "delivered_stores": stores}
    return {
        name: frame[list(NO_SALES[name])].astype({key: kind for key, kind in NO_SALES[name].items() if kind != "str"})
        for name, frame in frames.items()
    }
