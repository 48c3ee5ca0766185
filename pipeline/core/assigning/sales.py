"""Preprocess the raw sales of new stores like the sales of the clustered stores."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from pipeline.core.frames import empty
from pipeline.core.internal.preprocessing import preprocess
from pipeline.schema import TABLES
from pipeline.settings import InternalPreprocessing


class NewSales(NamedTuple):
    """The new stores' sales after internal preprocessing, and their categories that the model does not have."""

    sales_by_need_state: pd.DataFrame
    excluded_stores: pd.DataFrame
    unknown_categories: list[str]


def new_sales(
    sales: pd.DataFrame, unchosen_stores: pd.DataFrame, categories: Collection[str], settings: InternalPreprocessing
) -> NewSales:
    """Preprocess the sales in the categories of the model (`internal.preprocessing.preprocess`).

    Parameters
    ----------
    sales, unchosen_stores : as the engine gathers them; both may be empty
    categories : the categories of the model
    settings : `[internal.preprocessing]`

    Raises
    ------
    RawDataError : too much of a category's sales has no need state
    """
    in_model = sales["category"].isin(list(categories))
    others = sales.loc[~in_model, "store_id"]
    stores = pd.DataFrame(
        {"store_id": sorted({*others, *unchosen_stores["store_id"]} - set(sales.loc[in_model, "store_id"]))}
    )
    # preprocessing refuses input without any category
    tables = (
        preprocess(sales=sales[in_model], unchosen_stores=stores, settings=settings)
        if in_model.any()
        else _nothing(stores)
    )
    unknown = sorted({str(name) for name in sales.loc[~in_model, "category"]})
    return NewSales(tables["sales_by_need_state"], tables["excluded_stores"], unknown)


def _nothing(stores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "sales_by_need_state": empty(TABLES["sales_by_need_state"]),
        "excluded_stores": stores.assign(category="", source="", reason=""),
    }
