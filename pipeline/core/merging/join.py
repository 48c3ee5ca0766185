"""The full outer join of both sides: every store of every source gets a cluster, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.frames import ByCategory, by_category, stacked
from pipeline.core.merging.comparison import compare
from pipeline.core.merging.contribution import Contribution, contribution, contribution_rows, contribution_table, earned
from pipeline.core.merging.methods import AUTO, Category
from pipeline.core.merging.outcome import Outcome, outcome
from pipeline.core.merging.stores import NO_CLUSTER, CategoryStores
from pipeline.core.statistics.features import wide_table
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
    """Merge internal and external clusters in every category: `candidates` of each, and `joined`.

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
    RawDataError, DataError : as in `category_stores` and `joined`
    """
    each = [
        candidates(stores, for_category(settings, stores.category))
        for stores in category_stores(internal_clusters, internal_features, external_clusters, external_scaled_features)
    ]
    contributions = contribution_rows([of_category[False].contribution for of_category in each])
    taken = [
        of_category[earns and True in of_category]
        for of_category, earns in zip(each, earned(contributions), strict=True)
    ]
    parts = {
        "store_clusters": [part.outcome.store_clusters for part in taken],
        "merged_clusters": [part.outcome.merged_clusters for part in taken],
        "reassignments": [part.outcome.reassignments for part in taken],
        "merging_methods": [part.methods for part in taken],
    }
    merged = {name: stacked(TABLES[name], frames) for name, frames in parts.items()}
    complete = joined(
        merged,
        contribution_rows([part.contribution for part in taken]),
        store_clusters=by_category(merged["store_clusters"]),
        internal_clusters=by_category(internal_clusters),
        internal_excluded=internal_excluded,
        external_clusters=external_clusters,
        external_excluded=external_excluded,
    )
    rows = [merged["store_clusters"], complete["store_clusters"]]
    return complete | {"store_clusters": stacked(TABLES["store_clusters"], rows)}


class Candidate(NamedTuple):
    """What a category's merging is: its rows of the published tables, and what the outside data contributes."""

    outcome: Outcome
    methods: pd.DataFrame
    contribution: Contribution


def candidates(stores: CategoryStores, settings: Merging) -> dict[bool, Candidate]:
    """The merging of one category: if the outside data earns its place (True), and if it does not (False).

    Whether it does is decided over all categories. Only False is there if no other category can change the answer, or if
    the answer makes no difference.

    Parameters
    ----------
    stores : in any order
    settings : `[merging]`, as it holds for the category
    """
    ordered = stores.in_order_of_values()
    with threadpool_limits(1):
        evidence = contribution(ordered, settings.random_state)
        is_open = settings.method == AUTO and evidence.may_earn
        category = Category(ordered, settings)
        return {
            earns: _merge(category.if_it(earns=earns), evidence) for earns in ((False, True) if is_open else (False,))
        }


def _merge(category: Category, evidence: Contribution) -> Candidate:
    result, methods = compare(category)
    taken, why = category.taken()
    instead = why if taken not in (category.settings.method, "internal") else ""
    merged = outcome(category.stores, category.space, result.merged, category.floor, instead)
    return Candidate(merged, methods, evidence.of_final(category.stores, merged.cluster))


def joined(
    merged: Mapping[str, pd.DataFrame],
    contributions: pd.DataFrame,
    *,
    store_clusters: ByCategory,
    internal_clusters: ByCategory,
    internal_excluded: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_excluded: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """The merged categories, with the stores that no category has; no more than the stores of a category are in memory.

    The stores of a category are those with an internal cluster in it. A store is `both` if it has an external cluster,
    else `internal_only`. A store that only the outside data has appears once, in the category `(none)`, as
    `external_only`. So does a store whose only exclusion is that it sells nothing in the chosen categories; that exclusion
    is dropped.

    Parameters
    ----------
    merged : merged_clusters, reassignments and merging_methods of all categories, sorted by their keys
    contributions : `contribution_rows`, of all categories
    store_clusters, internal_clusters : by category
    internal_excluded, external_clusters, external_excluded : as for `merge`

    Returns
    -------
    As `merge`, but of store_clusters only the rows that no category has.

    Raises
    ------
    RawDataError
        Both sides have stores but none in common: their keys are written differently.
    DataError
        A store would be lost, or be both clustered and excluded in a category.
    """
    clustered = set[str]().union(*(_stores([internal_clusters], name) for name in internal_clusters.categories))
    _check_some_store_is_in_both(
        clustered.union(internal_excluded["store_id"]),
        set(external_clusters["store_id"]).union(external_excluded["store_id"]),
    )
    is_chosen = internal_excluded["category"] != NO_CATEGORY
    only_outside = set(external_clusters["store_id"]) - clustered - set(internal_excluded.loc[is_chosen, "store_id"])
    outside = external_clusters[external_clusters["store_id"].isin(only_outside)]
    of_outside = {name: stacked(TABLES[name], []) for name in ("store_clusters", "merged_clusters")}
    if len(outside):
        outside = outside.assign(number=_by_size(outside["cluster"]))
        of_outside = {"store_clusters": _external_only(outside), "merged_clusters": _external_only_clusters(outside)}
    replaced = ~is_chosen & internal_excluded["store_id"].isin(only_outside)
    complete = {
        **merged,
        "store_clusters": of_outside["store_clusters"],
        "merged_clusters": stacked(
            TABLES["merged_clusters"], [merged["merged_clusters"], of_outside["merged_clusters"]]
        ),
        "excluded_stores": stacked(TABLES["excluded_stores"], [internal_excluded[~replaced], external_excluded]),
        "external_contribution": stacked(TABLES["external_contribution"], [contribution_table(contributions)]),
    }
    _check_no_store_is_lost(
        [internal_clusters, by_category(internal_excluded)],
        [external_clusters, external_excluded],
        [store_clusters, by_category(complete["store_clusters"])],
        complete["excluded_stores"],
    )
    return complete


def _check_some_store_is_in_both(inside: set[str], outside: set[str]) -> None:
    if inside and outside and not inside & outside:
        raise RawDataError(
            f"the internal sales and the outside data have no store in common: sales have {_some(inside)}, outside data has "
            f"{_some(outside)}; write the keys in the same way, or correct columns.store_id in [sources.internal_sales] or [[sources.external]]"
        )


def _some(stores: set[str], shown: int = 3) -> str:
    return listed((repr(name) for name in sorted(stores)), shown)


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
    return wide_table(features, "feature", "value", np.nan)


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
    internal: Sequence[ByCategory],
    external: Sequence[pd.DataFrame],
    store_clusters: Sequence[ByCategory],
    excluded_stores: pd.DataFrame,
) -> None:
    """P3: every store of every source, in each of its categories, is in store_clusters or in excluded_stores, not both."""
    excluded = by_category(excluded_stores)
    not_outside = by_category(excluded_stores[excluded_stores["source"] != "external"])
    lost, twice, in_any = set[str](), set[str](), set[str]()
    for category in sorted({name for table in (*internal, *store_clusters, excluded) for name in table.categories}):
        clustered = _stores(store_clusters, category)
        in_either = clustered | _stores([excluded], category)
        lost |= _stores(internal, category) - in_either
        twice |= clustered & _stores([not_outside], category)
        in_any |= in_either
    lost |= set[str]().union(*(table["store_id"] for table in external)) - in_any
    if lost or twice:
        raise DataError(
            f"merging lost {counted(len(lost), 'store', 'stores')} ({listed(sorted(lost), 5) or 'none'}) and has {len(twice)} both "
            f"clustered and excluded in a category ({listed(sorted(twice), 5) or 'none'}); please report this"
        )


def _stores(tables: Iterable[ByCategory], category: str) -> set[str]:
    return set[str]().union(*(table.rows(category)["store_id"].to_numpy(dtype=object) for table in tables))
