"""python -m benchmarks.data FOLDER [--stores N] ...: raw files of any size, made by DuckDB; equal arguments give equal rows.

Stores are in three clusters, inside and outside: a store sells more of the need states of its own. Every store sells every SKU in every week.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import duckdb

SALES = """
COPY (
    WITH numbered AS (SELECT range AS i, range // {pairs} AS week, {pair} AS pair FROM range({rows})),
    keyed AS (SELECT week, pair // {all_skus} AS store, pair % {all_skus} AS sku FROM numbered),
    sold AS (
        SELECT store, sku, week, (4 + 8 * (hash(sku, 0) % 1000) / 1000)
            * (CASE WHEN (sku % {need_states}) % 3 = store % 3 THEN 2.2 ELSE 1 END)
            * (0.7 + 0.6 * (hash(store, sku % {need_states}, 1) % 1000) / 1000)
            * (0.5 + (hash(store, sku, week) % 1000) / 1000)
            * (CASE WHEN sku // {skus} = 0 AND {changed_category} > 0 AND sku % 3 = 0
                THEN 1 + (hash(store, sku, {changed_category}) % 1000) / 1000 ELSE 1 END) AS amount
        FROM keyed
    )
    SELECT 1000 + store AS STORE_NBR, 100000 + sku AS SKU_NBR, 'Category ' || (sku // {skus} + 1) AS CAT_DSC,
        week + 1 AS WEEK, ROUND(amount, 2) AS TOTAL_SALES
    FROM sold
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
NEED_STATES = """
COPY (
    SELECT 100000 + range AS SKU_NBR, 'Category ' || (range // {skus} + 1) AS CAT_DSC, 'Need ' || (range % {need_states} + 1) AS NEED_STATE
    FROM range({all_skus})
    UNION ALL
    SELECT 100000 + range, 'Category ' || (range // {skus} + 1), 'Need ' || ((range + 3) % {need_states} + 1)
    FROM range({all_skus}) WHERE range % 10 = 0 AND {need_states} > 3
    ORDER BY ALL
) TO '{path}' (HEADER)
"""
EXTERNAL = """
COPY (
    SELECT 1000 + range AS STORE_NBR, {features}, 'Store ' || range AS STORE_NAME, 'Region ' || range % 4 AS REGION
    FROM range({stores})
) TO '{path}' (FORMAT parquet)
"""
FEATURE = "ROUND({at} * ((range // 3 + {changed}) % 3) + {noise}, 4) AS FEATURE_{number}"


def write(folder: Path, told: argparse.Namespace) -> None:
    """Write the three raw files."""
    folder.mkdir(parents=True, exist_ok=True)
    all_skus = told.categories * told.skus
    pairs = told.stores * all_skus
    # steps of the golden section run through all pairs of a week, and no row is near the one before
    step = next(step for step in range(int(0.618 * pairs) or 1, pairs + 1) if math.gcd(step, pairs) == 1)
    pair = "(range // {weeks}) % {pairs}" if told.sorted else "range % {pairs} * {step} % {pairs}"
    given = vars(told) | {"all_skus": all_skus, "pairs": pairs, "rows": pairs * told.weeks, "step": step}
    given["pair"] = pair.format_map(given)
    with duckdb.connect() as connection:
        sales = SALES.replace("range // {pairs} AS week", "range % {weeks} AS week") if told.sorted else SALES
        connection.execute(sales.format_map(given | {"path": folder / "internal_sales.parquet"}))
        connection.execute(NEED_STATES.format_map(given | {"path": folder / "need_state.csv"}))
    write_external(folder, told)


def write_external(folder: Path, told: argparse.Namespace) -> None:
    """Write the outside data alone; another `changed` gives other values."""
    noise = "((hash(range, {n}, 1) % 1000) + (hash(range, {n}, 2) % 1000) + (hash(range, {n}, 3) % 1000)) / 500"
    features = [
        FEATURE.format(at=round(1 + number / 10, 1), changed=told.changed, noise=noise.format(n=number), number=number)
        for number in range(1, told.features + 1)
    ]
    with duckdb.connect() as connection:
        connection.execute(
            EXTERNAL.format(features=", ".join(features), stores=told.stores, path=folder / "external_sales.parquet")
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.data", description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, value in {"stores": 120, "categories": 4, "skus": 60, "weeks": 8, "features": 8}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--need_states", type=int, default=9, help="of each category")
    parser.add_argument(
        "--sorted", type=int, default=0, help="1: rows in order of the stores; 0: of the weeks, in none within"
    )
    parser.add_argument("--changed", type=int, default=0, help="which values the outside data has")
    parser.add_argument("--changed_category", type=int, default=0, help="which sales the first category has")
    parser.add_argument("--external_only", type=int, default=0, help="1: write the outside data alone")
    told = parser.parse_args()
    (write_external if told.external_only else write)(told.folder, told)


if __name__ == "__main__":
    main()
