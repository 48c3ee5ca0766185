"""InternalClustering: one category's stores, clustered on their sales mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.features import long_table, mix, positive_sales, transform
from pipeline.core.profiles import need_state_profiles
from pipeline.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.settings import InternalClustering


def cluster_category(*, sales_by_need_state: pd.DataFrame, settings: InternalClustering) -> dict[str, pd.DataFrame]:
    """Cluster the stores of one category.

    A store that sold no mapped need state has no mix to cluster on: it is given the chain's, left out of the fit and
    marked as an outlier, so that it is not lost. Excluded stores have no row.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of one category
    settings : `[internal.clustering]` as it holds for this category

    Returns
    -------
    internal_clusters, internal_k_selection, internal_verdicts, internal_profiles and internal_features, as in pipeline.schema.
    Where all stores are excluded they have no rows but for the verdict `no structure` with k = 0; where the table itself
    is empty there is no category to give a verdict on.

    Raises
    ------
    DataError : the table holds more than one category.
    """
    category = _category(sales_by_need_state)
    sales = positive_sales(sales_by_need_state)
    shares, unknown = mix(sales, settings.min_need_state_share)
    features = transform(shares, settings.transform)
    clustering = cluster_stores(features, settings, left_out=unknown)
    return {
        "internal_clusters": _named(clustering.clusters, category),
        "internal_k_selection": _named(clustering.k_selection, category),
        "internal_verdicts": _named(clustering.verdict, category),
        "internal_profiles": _named(need_state_profiles(sales, clustering.clusters), category),
        "internal_features": _named(long_table(features), category),
    }


def _category(sales_by_need_state: pd.DataFrame) -> str | None:
    """The one category of the table; None where the table is empty."""
    categories = sorted(sales_by_need_state["category"].unique())
    if len(categories) > 1:
        raise DataError(
            f"the sales hold {len(categories)} categories, {categories[0]!r} and {categories[1]!r} among them, where one "
            "is clustered at a time; pass the rows of one category"
        )
    return str(categories[0]) if categories else None


def _named(table: pd.DataFrame, category: str | None) -> pd.DataFrame:
    """The table with its category; without rows where there is none."""
    if category is None:
        table = table.iloc[:0]
    return table.assign(category=category or "").astype({"category": "str"})
