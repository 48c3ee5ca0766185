"""python -m benchmarks.aggregating ENGINE RAW: the sales, read or summed; says what that cost after the libraries were loaded.

ours: the function of `InternalPreprocessing`. scan: DuckDB reads the same columns, and does nothing else with them. pandas: the
same result by pandas, which holds all rows.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd

from pipeline.config.environment import load
from pipeline.engine import internal

COLUMNS = (
    "store_id",
    "category",
    "need_state",
    "sales_cents",
)  # what the sums of a script without blocks of weeks have, too
SCAN = "SELECT SUM(STORE_NBR), SUM(SKU_NBR), COUNT(CAT_DSC), SUM(TOTAL_SALES) FROM read_parquet(?)"


def ours(sales: str, need_states: str) -> pd.DataFrame:
    settings = load("dev").settings
    files = {"internal_sales": [sales], "need_states": [need_states]}
    found = internal.gather(files, settings.sources, settings.internal.preprocessing, settings.engine)
    return found["sales"][list(COLUMNS)]


def scan(sales: str, _: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute(SCAN, [sales]).df()


def by_pandas(sales: str, need_states: str) -> pd.DataFrame:
    read = pd.read_parquet(sales, columns=["STORE_NBR", "SKU_NBR", "CAT_DSC", "TOTAL_SALES"])
    read["cents"] = (read["TOTAL_SALES"] * 100).round().astype("int64")
    keys = ["STORE_NBR", "SKU_NBR", "CAT_DSC"]
    summed = read.groupby(keys, as_index=False)["cents"].sum()
    mapped = pd.read_csv(need_states).drop_duplicates().sort_values(["SKU_NBR", "CAT_DSC", "NEED_STATE"])
    one = mapped.groupby(["SKU_NBR", "CAT_DSC"])["NEED_STATE"]
    mapped = mapped.assign(parts=one.transform("size"), place=one.cumcount())
    split = summed.merge(mapped, on=["SKU_NBR", "CAT_DSC"], how="left")
    size = split["cents"].abs()
    split["cents"] = split["cents"].map(lambda cents: -1 if cents < 0 else 1) * (
        size // split["parts"] + (split["place"] < size % split["parts"])
    )
    found = split.groupby(["STORE_NBR", "CAT_DSC", "NEED_STATE"], as_index=False)["cents"].sum()
    found["STORE_NBR"] = found["STORE_NBR"].astype("str")
    found.columns = list(COLUMNS)
    return found.sort_values(["store_id", "category", "need_state"], ignore_index=True)


def main() -> None:
    engine, raw = sys.argv[1], Path(sys.argv[2])
    read = {"ours": ours, "scan": scan, "pandas": by_pandas}[engine]
    started = time.process_time()
    found = read(str(raw / "internal_sales.parquet"), str(raw / "need_state.csv"))
    cpu = time.process_time() - started
    digest = hashlib.sha256(found.to_csv(index=False).encode()).hexdigest()
    print(json.dumps({"cpu": cpu, "rows": len(found), "digest": digest}))


if __name__ == "__main__":
    main()
