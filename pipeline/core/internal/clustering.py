"""InternalClustering: cluster one category's stores on their sales mix."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from pipeline.core.between_runs.alignment import reference
from pipeline.core.clustering.stores import Mix, cluster_stores
from pipeline.core.explain.axis import axis_in_words, axis_table
from pipeline.core.explain.clusters import explain
from pipeline.core.explain.profiles import need_state_profiles
from pipeline.core.explain.readings import of_shares
from pipeline.core.holding.halves import halves
from pipeline.core.holding.noise import reliability
from pipeline.core.internal.by_weeks import by_weeks
from pipeline.core.internal.roots import Plane, counted_of, gaps_of, laid_flat, one_sale_of, plane
from pipeline.core.internal.volumes import volume_tiers
from pipeline.core.statistics.features import long_table, mix, positive_sales, weighted, weights_of
from pipeline.core.statistics.named_stores import to_fit
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

    A store without sales of a mapped need state has no mix: it gets the chain's mix, is left out of the fit, and is
    marked as an outlier, so that it is not lost. Excluded stores have no row.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of one category
    settings : `[internal.clustering]` as it holds for this category
    sales_by_block : the table of that name, of the same category; no rows, or None, if the weeks are unknown
    reference_clusters, reference_verdicts : internal_clusters and internal_verdicts of the pin that gives the numbers, of
        any categories; None without a pin
    held_out : stores that are left out of every fit, and placed afterwards

    Returns
    -------
    internal_clusters, _k_selection, _verdicts, _axes, _memberships, _mixture, _profiles, _exemplars, _cluster_summary, _rules, _features and _reliability, and
    store_volumes, as in pipeline.schema. If all stores are excluded, the only row is the verdict `no structure` with k = 0; if the table itself
    is empty, there is no category and no verdict.

    Raises
    ------
    DataError : the table holds more than one category.
    """
    category = _category(sales_by_need_state)
    sales = positive_sales(sales_by_need_state)
    shares, unknown = mix(sales, settings.min_need_state_share, held_out)
    mapped = sales.drop(columns=UNMAPPED, errors="ignore").sum(axis=1)
    flat = _plane(shares, sales, mapped, unknown, held_out)
    weights = weights_of(shares.columns, settings.weights)
    features, of_mix = _laid_flat(shares, mapped, flat)
    pinned = reference(reference_clusters, reference_verdicts, category or "")
    in_halves = None
    if sales_by_block is not None:
        in_halves = halves(
            sales_by_block, shares.drop(index=unknown), lambda mixes: weighted(_without_gaps(mixes, flat), weights)
        )
    clustering = cluster_stores(
        features,
        settings,
        left_out=unknown,
        held_out=held_out,
        reference=pinned,
        halves=in_halves,
        weights=weights,
        mix=of_mix,
    )
    weekly = by_weeks(clustering, None if pinned is None else pinned.clusters, settings)
    counted, readings = weighted(features, weights), of_shares(shares)
    explanation = explain(counted, readings, clustering.clusters, plain=PLAIN, random_state=settings.random_state)
    along = axis_table(readings, clustering.clusters)
    verdict = weekly.verdict.assign(axis=axis_in_words(along, readings) or None).astype({"axis": "object"})
    matrix = long_table(counted).assign(share=long_table(shares)["value"])
    return {
        "internal_clusters": _named(weekly.clusters, category),
        "internal_k_selection": _named(weekly.k_selection, category),
        "internal_verdicts": _named(verdict, category),
        "internal_axes": _named(along, category),
        "internal_reliability": _named(reliability(in_halves, shares, mapped), category),
        "internal_memberships": _named(clustering.memberships, category),
        "internal_mixture": _named(clustering.mixture, category),
        "internal_profiles": _named(need_state_profiles(sales, clustering.clusters), category),
        **{f"internal_{name}": _named(table, category) for name, table in explanation.items()},
        "internal_features": _named(matrix, category),
        "store_volumes": _named(volume_tiers(sales_by_need_state, settings.volume_tiers), category),
    }


def _plane(
    shares: pd.DataFrame,
    sales: pd.DataFrame,
    mapped: pd.Series[int],
    unknown: Collection[str],
    held_out: Collection[str],
) -> Plane | None:
    """The plane of the shares; stores of `unknown` do not shape it. None without shares, or without a store that shapes it."""
    shaping = shares[to_fit(shares.index, held_out)].drop(index=list(unknown), errors="ignore")
    if shares.shape[1] == 0 or shaping.empty:
        return None
    return plane(shaping, mapped, one_sale_of(sales.drop(columns=UNMAPPED, errors="ignore").loc[shaping.index]))


def _laid_flat(shares: pd.DataFrame, mapped: pd.Series[int], flat: Plane | None) -> tuple[pd.DataFrame, Mix]:
    """The features for clustering, from the shares, and more data of the stores."""
    if flat is None:
        every = pd.DataFrame(1.0, index=shares.index, columns=shares.columns)
        return shares.astype("float64"), Mix(pd.Series(dtype="float64"), every, mapped)
    gaps = gaps_of(shares, mapped, flat)
    return laid_flat(shares, gaps, flat), Mix(flat.base, counted_of(shares, gaps, flat), mapped)


def _without_gaps(mixes: pd.DataFrame, flat: Plane | None) -> pd.DataFrame:
    """Mixes on the plane, without gaps: every unsold need state counts as unsold by chance."""
    none = pd.DataFrame(False, index=mixes.index, columns=mixes.columns)
    return mixes if flat is None else laid_flat(mixes, none, flat)


def _category(sales_by_need_state: pd.DataFrame) -> str | None:
    """The only category of the table; None if the table is empty."""
    categories = sorted(sales_by_need_state["category"].unique())
    if len(categories) > 1:
        raise DataError(
            f"the sales hold {len(categories)} categories, {categories[0]!r} and {categories[1]!r} among them, where one "
            "is clustered at a time; pass the rows of one category"
        )
    return str(categories[0]) if categories else None


def _named(table: pd.DataFrame, category: str | None) -> pd.DataFrame:
    """The table with its category; without rows if there is no category."""
    if category is None:
        table = table.iloc[:0]
    return table.assign(category=category or "").astype({"category": "str"})
