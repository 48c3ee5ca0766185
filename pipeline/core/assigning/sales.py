"""The raw sales of new stores, preprocessed as those of the clusters were."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from pipeline.core.internal.preprocessing import preprocess
from pipeline.settings import InternalPreprocessing


class NewSales(NamedTuple):
    """What internal preprocessing makes of the new stores' sales, and the categories of these that the model does not know."""

    sales_by_need_state: pd.DataFrame
    excluded_stores: pd.DataFrame
    unknown_categories: list[str]


def new_sales(
    sales: pd.DataFrame, unchosen_stores: pd.DataFrame, categories: Collection[str], settings: InternalPreprocessing
) -> NewSales:
    """Preprocess the sales in the categories that the model knows (`internal_preprocessing.preprocess`).

    Parameters
    ----------
    sales, unchosen_stores : as the engine gathers them; both may be without rows
    categories : those of the model
    settings : `[internal.preprocessing]`

    Raises
    ------
    RawDataError : too much of a category's sales has no need state
    """
    known = sales["category"].isin(list(categories))
    others = sales.loc[~known, "store_id"]
    stores = pd.DataFrame(
        {"store_id": sorted({*others, *unchosen_stores["store_id"]} - set(sales.loc[known, "store_id"]))}
    )
    # without a row there is no category to look at, and nothing for preprocessing to refuse
    made = (
        preprocess(sales=sales[known], unchosen_stores=stores, settings=settings) if known.any() else _nothing(stores)
    )
    unknown = sorted({str(name) for name in sales.loc[~known, "category"]})
    return NewSales(made["sales_by_need_state"], made["excluded_stores"], unknown)


def _nothing(stores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    columns = {
        "store_id": "object",
        "category": "object",
        "need_state": "object",
        "sales_cents": "int64",
        "is_excluded": "bool",
    }
    return {
        "sales_by_need_state": pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()}),
        "excluded_stores": stores.assign(category="", source="", reason=""),
    }
