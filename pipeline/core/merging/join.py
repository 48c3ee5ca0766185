"""The full outer join of both sides: every store of every source gets a cluster, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.frames import stacked
from pipeline.core.merging.comparison import compare
from pipeline.core.merging.contribution import Contribution, contribution, contribution_table, earned
from pipeline.core.merging.methods import Category
from pipeline.core.merging.outcome import Outcome, outcome
from pipeline.core.merging.stores import NO_CLUSTER, CategoryStores
from pipeline.errors import DataError, RawDataError
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category
from pipeline.wording import counted, listed


def merge(
    *,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    internal_excluded: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    external_excluded: pd.DataFrame,
    settings: Merging,
) -> dict[str, pd.DataFrame]:
    """Merge internal and external clusters per category.

    The stores of a category are those with an internal cluster in it. A store is `both` if it has an external cluster,
    else `internal_only`. A store that only the outside data has appears once, in the category `(none)`, as
    `external_only`. So does a store whose only exclusion is that it sells nothing in the chosen categories; that exclusion
    is dropped.

    Parameters
    ----------
    internal_clusters, internal_features, external_clusters, external_scaled_features : the tables of these names in
        `pipeline.schema`, any of them possibly without rows
    internal_excluded, external_excluded : excluded_stores of either side
    settings : `[merging]`

    Returns
    -------
    store_clusters, merged_clusters, reassignments, excluded_stores, merging_methods (the result of each method in each
    category) and external_contribution (whether the outside data earns its place), each sorted by its key.

    Raises
    ------
    RawDataError
        Both sides have stores but none in common: their keys are written differently.
    DataError
        A category is named `(none)`, a clustered store has no features, or a store would be lost or be both clustered and
        excluded in a category.
    """
    _check_some_store_is_in_both([internal_clusters, internal_excluded], [external_clusters, external_excluded])
    only_outside = _only_outside(internal_clusters, internal_excluded, external_clusters)
    categories = category_stores(internal_clusters, internal_features, external_clusters, external_scaled_features)
    ordered = [stores.in_order_of_values() for stores in categories]
    with threadpool_limits(1):
        contributions = [
            contribution(stores, for_category(settings, stores.category).random_state) for stores in ordered
        ]
        merged_categories = [
            _merge(Category(stores, for_category(settings, stores.category), earns=earns), evidence)
            for stores, evidence, earns in zip(ordered, contributions, earned(contributions), strict=True)
        ]
    parts = [category.outcome for category in merged_categories]
    outside = external_clusters[external_clusters["store_id"].isin(only_outside)]
    store_clusters = [part.store_clusters for part in parts]
    merged_clusters = [part.merged_clusters for part in parts]
    if len(outside):
        outside = outside.assign(number=_by_size(outside["cluster"]))
        store_clusters.append(_external_only(outside))
        merged_clusters.append(_external_only_clusters(outside))
    replaced = (internal_excluded["category"] == NO_CATEGORY) & internal_excluded["store_id"].isin(only_outside)
    merged = {
        "store_clusters": stacked(TABLES["store_clusters"], store_clusters),
        "merged_clusters": stacked(TABLES["merged_clusters"], merged_clusters),
        "reassignments": stacked(TABLES["reassignments"], [part.reassignments for part in parts]),
        "excluded_stores": stacked(TABLES["excluded_stores"], [internal_excluded[~replaced], external_excluded]),
        "merging_methods": stacked(TABLES["merging_methods"], [category.methods for category in merged_categories]),
        "external_contribution": stacked(
            TABLES["external_contribution"],
            [contribution_table([category.contribution for category in merged_categories])],
        ),
    }
    _check_no_store_is_lost(
        [internal_clusters, internal_excluded],
        [external_clusters, external_excluded],
        merged["store_clusters"],
        merged["excluded_stores"],
    )
    return merged


class _MergedCategory(NamedTuple):
    outcome: Outcome
    methods: pd.DataFrame
    contribution: Contribution


def _merge(category: Category, evidence: Contribution) -> _MergedCategory:
    result, methods = compare(category)
    taken, why = category.taken()
    instead = why if taken not in (category.settings.method, "internal") else ""
    merged = outcome(category.stores, category.space, result.merged, category.floor, instead)
    return _MergedCategory(merged, methods, evidence.of_final(category.stores, merged.cluster))


def _check_some_store_is_in_both(internal: Sequence[pd.DataFrame], external: Sequence[pd.DataFrame]) -> None:
    inside, outside = ({str(store) for frame in side for store in frame["store_id"]} for side in (internal, external))
    if inside and outside and not inside & outside:
        raise RawDataError(
            f"the internal sales and the outside data have no store in common: sales have {_some(inside)}, outside data has "
            f"{_some(outside)}; write the keys in the same way, or correct columns.store_id in [sources.internal_sales] or [[sources.external]]"
        )


def _some(stores: set[str], shown: int = 3) -> str:
    return listed((repr(name) for name in sorted(stores)), shown)


def _only_outside(
    internal_clusters: pd.DataFrame, internal_excluded: pd.DataFrame, external_clusters: pd.DataFrame
) -> set[str]:
    selling = set(internal_clusters["store_id"])
    selling |= set(internal_excluded.loc[internal_excluded["category"] != NO_CATEGORY, "store_id"])
    return set(external_clusters["store_id"]) - selling


def category_stores(
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
) -> Iterator[CategoryStores]:
    """The stores of each category, with their clusters and features on both sides; the tables are as for `merge`.

    Raises
    ------
    DataError : a category is named `(none)`, or a clustered store has no features
    """
    external = pd.Series(external_clusters["cluster"].to_numpy(), index=external_clusters["store_id"].to_numpy())
    outside = _wide(external_scaled_features)
    features = dict(iter(internal_features.groupby("category", sort=True)))
    for category, rows in internal_clusters.groupby("category", sort=True):
        if category == NO_CATEGORY:
            raise DataError(
                f"a category is named {NO_CATEGORY}, which is reserved for stores that only the outside data has; "
                f"rename it in the internal sales, or list it in [internal.preprocessing] exclude"
            )
        stores = rows["store_id"].to_numpy(dtype=object)
        clusters = external.reindex(stores).to_numpy(dtype=np.float64)
        in_both = ~np.isnan(clusters)
        external_features = np.zeros((len(stores), outside.shape[1]))
        external_features[in_both] = _features_of(stores[in_both], outside, "the external clustering")
        yield CategoryStores(
            str(category),
            stores,
            rows["cluster"].to_numpy(dtype=np.int64),
            np.where(in_both, clusters, NO_CLUSTER).astype(np.int64),
            _features_of(stores, _wide(features.get(category, internal_features[:0])), f"category {category!r}"),
            external_features,
            rows["is_held_out"].to_numpy(dtype=bool),
        )


def _wide(features: pd.DataFrame) -> pd.DataFrame:
    return features.pivot(index="store_id", columns="feature", values="value")


def _features_of(stores: NDArray[np.object_], wide: pd.DataFrame, where: str) -> NDArray[np.float64]:
    """The rows of these stores; no columns if there is no feature at all."""
    if not wide.shape[1]:
        return np.zeros((len(stores), 0))
    values: NDArray[np.float64] = wide.reindex(stores).to_numpy(dtype=np.float64)
    lacking = np.isnan(values).any(axis=1)
    if lacking.any():
        raise DataError(
            f"{where}: {counted(int(lacking.sum()), 'clustered store lacks', 'clustered stores lack')} features, such as "
            f"{stores[lacking][0]!r}; "
            f"rebuild the clustering, and report this if it happens again"
        )
    return values


def _by_size(clusters: pd.Series[int]) -> NDArray[np.int64]:
    """Numbers from 1, by size, then by the clusters' own numbers."""
    labels, position, sizes = np.unique(clusters.to_numpy(), return_inverse=True, return_counts=True)
    numbers = np.empty(len(labels), dtype=np.int64)
    numbers[np.argsort(-sizes, kind="stable")] = np.arange(1, len(labels) + 1)
    return numbers[position]


def _external_only(outside: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "store_id": outside["store_id"].to_numpy(dtype=object),
            "category": NO_CATEGORY,
            "internal_cluster": pd.array([None] * len(outside), dtype="Int64"),
            "external_cluster": pd.array(outside["cluster"].to_numpy(), dtype="Int64"),
            "cluster": outside["number"].to_numpy(dtype="int64"),
            "status": "external_only",
            "reassigned": False,
            "distance": outside["distance"].to_numpy(dtype="float64"),
            "next_cluster": pd.array([None] * len(outside), dtype="Int64"),
            "margin": np.nan,
        }
    )


def _external_only_clusters(outside: pd.DataFrame) -> pd.DataFrame:
    counts = outside.groupby(["number", "cluster"], sort=True).size().reset_index(name="stores")
    return pd.DataFrame(
        {
            "category": NO_CATEGORY,
            "cluster": counts["number"].to_numpy(dtype="int64"),
            "internal_cluster": pd.array([None] * len(counts), dtype="Int64"),
            "external_cluster": pd.array(counts["cluster"].to_numpy(), dtype="Int64"),
            "stores": counts["stores"].to_numpy(dtype="int64"),
            "reassigned_stores": 0,
            "note": [f"external cluster {cluster}; no sales in the chosen categories" for cluster in counts["cluster"]],
        }
    )


def _check_no_store_is_lost(
    internal: Sequence[pd.DataFrame],
    external: Sequence[pd.DataFrame],
    store_clusters: pd.DataFrame,
    excluded_stores: pd.DataFrame,
) -> None:
    """P3: every store of every source, in each of its categories, is in store_clusters or in excluded_stores, not both."""
    clustered, excluded = _pairs(store_clusters), _pairs(excluded_stores)
    lost = {store for table in internal for store, _ in _pairs(table) - clustered - excluded}
    lost |= {store for table in external for store in table["store_id"]} - {store for store, _ in clustered | excluded}
    twice = {store for store, _ in clustered & _pairs(excluded_stores[excluded_stores["source"] != "external"])}
    if lost or twice:
        raise DataError(
            f"merging lost {counted(len(lost), 'store', 'stores')} ({listed(sorted(lost), 5) or 'none'}) and has {len(twice)} both "
            f"clustered and excluded in a category ({listed(sorted(twice), 5) or 'none'}); please report this"
        )


def _pairs(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(*(table[name].to_numpy(dtype=object) for name in ("store_id", "category")), strict=True))
