"""InternalClustering: one category's stores, clustered on their sales mix."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from pipeline.core.between_runs.alignment import reference
from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.explain.clusters import explain
from pipeline.core.explain.profiles import need_state_profiles
from pipeline.core.explain.readings import of_shares
from pipeline.core.holding.halves import halves
from pipeline.core.holding.noise import reliability
from pipeline.core.internal.by_weeks import by_weeks
from pipeline.core.internal.shrinkage import SHRINKS, shrunk
from pipeline.core.internal.volumes import volume_tiers
from pipeline.core.named_stores import to_fit
from pipeline.core.statistics.features import (
    long_table,
    mix,
    on_axes,
    positive_sales,
    transform,
    transform_axes,
    weighted,
    weighted_axes,
)
from pipeline.errors import DataError
from pipeline.schema import UNMAPPED
from pipeline.settings import InternalClustering

PLAIN = "average mix"  # the name of a cluster that nothing sets apart


def cluster_category(
    *,
    sales_by_need_state: pd.DataFrame,
    settings: InternalClustering,
    sales_by_block: pd.DataFrame | None = None,
    reference_clusters: pd.DataFrame | None = None,
    reference_verdicts: pd.DataFrame | None = None,
    held_out: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Cluster the stores of one category.

    A store that sold no mapped need state has no mix to cluster on: it is given the chain's, left out of the fit and
    marked as an outlier, so that it is not lost. Excluded stores have no row.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of one category
    settings : `[internal.clustering]` as it holds for this category
    sales_by_block : the table of that name, of the same category; no rows, or None, where the weeks are not known
    reference_clusters, reference_verdicts : internal_clusters and internal_verdicts of the pin whose numbers are kept, of
        any categories; None without one
    held_out : stores that are left out of every fit, and placed; their shares are not shrunk

    Returns
    -------
    internal_clusters, _k_selection, _verdicts, _memberships, _profiles, _exemplars, _cluster_summary, _rules, _features and _reliability, and
    store_volumes, as in pipeline.schema. Where all stores are excluded they have no rows but for the verdict `no structure` with k = 0; where the table itself
    is empty there is no category to give a verdict on.

    Raises
    ------
    DataError : the table holds more than one category.
    """
    category = _category(sales_by_need_state)
    sales = positive_sales(sales_by_need_state)
    shares, unknown = mix(sales, settings.min_need_state_share, held_out)
    if SHRINKS[settings.shrinkage]:
        known = shares.drop(index=unknown)
        known = known[to_fit(known.index, held_out)]
        shares.loc[known.index] = shrunk(known, sales.drop(columns=UNMAPPED, errors="ignore").sum(axis=1))
    axes = weighted_axes(transform_axes(shares, settings.transform, held_out), list(shares.columns), settings.weights)
    features = weighted(transform(shares, settings.transform, held_out), settings.weights)
    kept = reference(reference_clusters, reference_verdicts, category or "")
    in_halves = (
        None
        if sales_by_block is None
        else halves(sales_by_block, shares.drop(index=unknown), lambda mixes: on_axes(mixes, axes))
    )
    clustering = cluster_stores(
        features, settings, left_out=unknown, held_out=held_out, reference=kept, halves=in_halves
    )
    weekly = by_weeks(clustering, None if kept is None else kept.clusters, settings)
    told = explain(features, of_shares(shares), clustering.clusters, plain=PLAIN, random_state=settings.random_state)
    matrix = long_table(features).assign(share=long_table(shares)["value"])
    return {
        "internal_clusters": _named(weekly.clusters, category),
        "internal_k_selection": _named(weekly.k_selection, category),
        "internal_verdicts": _named(weekly.verdict, category),
        "internal_reliability": _named(
            reliability(in_halves, shares, sales.drop(columns=UNMAPPED, errors="ignore").sum(axis=1)), category
        ),
        "internal_memberships": _named(clustering.memberships, category),
        "internal_profiles": _named(need_state_profiles(sales, clustering.clusters), category),
        **{f"internal_{name}": _named(table, category) for name, table in told.items()},
        "internal_features": _named(matrix, category),
        "store_volumes": _named(volume_tiers(sales_by_need_state, settings.volume_tiers), category),
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
