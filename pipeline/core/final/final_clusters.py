"""The final clusters: merge, keep the numbers of a reference, apply placements by hand, and describe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.core.between_runs.alignment import Numbers, aligned, reference, renumbered
from pipeline.core.explain.cluster_names import cluster_names, side
from pipeline.core.explain.profiles import feature_profiles
from pipeline.core.explain.readings import of_features, of_shares
from pipeline.core.external import clustering as external_clustering
from pipeline.core.final.placements import place
from pipeline.core.frames import stacked
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.merging import category_stores, distances, is_by_mix_alone, merge, nearness
from pipeline.schema import TABLES
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category


def finish(
    *,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    internal_excluded: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    external_excluded: pd.DataFrame,
    overrides: pd.DataFrame,
    settings: Merging,
    reference_clusters: pd.DataFrame | None = None,
    reference_numbers: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Merge internal and external clusters (`merging.merge`), and describe the final ones.

    Parameters
    ----------
    internal_clusters to external_excluded : the tables of these names in `pipeline.schema`; excluded_stores of either side
    overrides : the placements by hand, as in `pipeline.schema`
    settings : `[merging]`
    reference_clusters, reference_numbers : store_clusters and cluster_numbers of the pin whose numbers are kept; None
        without one

    Returns
    -------
    The tables of `merge`, with names in merged_clusters; and merged_profiles, cluster_numbers and overrides_applied, as in
    `pipeline.schema`.

    Raises
    ------
    RawDataError, DataError : as in `merge` and `place`
    """
    merged = merge(
        internal_clusters=internal_clusters,
        internal_features=internal_features,
        internal_excluded=internal_excluded,
        external_clusters=external_clusters,
        external_scaled_features=external_scaled_features,
        external_excluded=external_excluded,
        settings=settings,
    )
    merged |= numbered(merged, reference_clusters, reference_numbers)
    merged |= place(merged, overrides)
    sides = internal_clusters, internal_features, external_clusters, external_scaled_features
    merged["store_clusters"] = _measured(merged, sides, settings)
    return merged | described(merged, internal_features, external_features, external_feature_report)


def _measured(
    merged: dict[str, pd.DataFrame],
    sides: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame],
    settings: Merging,
) -> pd.DataFrame:
    """The final clusters; what lies near what is computed again in categories where a placement moved a store."""
    applied = merged["overrides_applied"]
    changed = set(applied.loc[applied["applied"] & (applied["from_cluster"] != applied["to_cluster"]), "category"])
    measured = merged["store_clusters"].set_index(["store_id", "category"])
    internal, features, *outside = sides
    of_changed = (table[table["category"].isin(changed)] for table in (internal, features))
    for stores in category_stores(*of_changed, *outside):
        ordered = stores.in_order_of_values()
        keys = pd.MultiIndex.from_arrays([ordered.store_id, np.full(len(ordered.store_id), ordered.category, object)])
        cluster = measured.loc[keys, "cluster"].to_numpy(dtype=np.int64)
        space = ordered.space(for_category(settings, ordered.category))
        measured.loc[keys, "distance"] = distances(space, cluster)
        cells = merged["merged_clusters"]
        cells = cells[cells["category"] == ordered.category]
        of_internal, of_external = (
            cells[side].fillna(0).to_numpy(dtype=np.int64) for side in ("internal_cluster", "external_cluster")
        )
        by_mix_alone = is_by_mix_alone(of_internal, of_external)
        for name, values in nearness(ordered, space, cluster, by_mix_alone=by_mix_alone).items():
            measured.loc[keys, name] = values
    return measured.reset_index()


def numbered(
    merged: dict[str, pd.DataFrame], reference_clusters: pd.DataFrame | None, reference_numbers: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """The final clusters with their numbers from the reference, per category (`alignment.aligned`).

    Cells that merging dissolved get numbers after all of them. The used numbers of a category that only the reference has
    stay used.

    Returns
    -------
    store_clusters, merged_clusters, reassignments, cluster_numbers.
    """
    by_category = {str(name): rows for name, rows in merged["store_clusters"].groupby("category", sort=True)}
    numbers = {
        category: aligned(
            rows.set_index("store_id")["cluster"],
            reference(reference_clusters, reference_numbers, category),
        )
        for category, rows in by_category.items()
    }
    highest = {category: own.highest for category, own in numbers.items()}
    if reference_numbers is not None:
        used = zip(reference_numbers["category"], reference_numbers["highest_number"], strict=True)
        highest = {str(category): int(number) for category, number in used} | highest
    moves = {category: _with_dissolved(own, merged["reassignments"], category) for category, own in numbers.items()}
    return {
        "store_clusters": _renumbered(merged["store_clusters"], numbers, ("cluster", "next_cluster")),
        "merged_clusters": _renumbered(merged["merged_clusters"], numbers, ("cluster",)),
        "reassignments": _renumbered(merged["reassignments"], moves, ("from_cluster", "to_cluster")),
        "cluster_numbers": pd.DataFrame(
            {
                "category": pd.Series(sorted(highest), dtype="str"),
                "highest_number": pd.Series([highest[category] for category in sorted(highest)], dtype="int64"),
            }
        ),
    }


def _with_dissolved(numbers: Numbers, reassignments: pd.DataFrame, category: str) -> Numbers:
    moves = reassignments.loc[reassignments["category"] == category, ["from_cluster", "to_cluster"]]
    dissolved = sorted({int(cell) for cell in moves.to_numpy().ravel()} - set(numbers.new))
    after = {cell: numbers.highest + position for position, cell in enumerate(dissolved, start=1)}
    return Numbers(numbers.new | after, numbers.highest)


def _renumbered(table: pd.DataFrame, numbers: dict[str, Numbers], columns: tuple[str, ...]) -> pd.DataFrame:
    """The table, sorted by its key, with new numbers."""
    parts = [renumbered(rows, numbers[str(name)], columns) for name, rows in table.groupby("category", sort=True)]
    return pd.concat(parts, ignore_index=True) if parts else table


def described(
    merged: dict[str, pd.DataFrame],
    internal_features: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Names and profiles of the final clusters, from the sales mix and the surroundings of their stores.

    Parameters
    ----------
    merged : with store_clusters and merged_clusters
    internal_features, external_features, external_feature_report : as in `pipeline.schema`

    Returns
    -------
    merged_clusters with names, merged_profiles.
    """
    outside = external_features.set_index("store_id").sort_index().sort_index(axis=1)
    logged = external_clustering.logged(external_feature_report)
    mixes = {str(name): rows for name, rows in internal_features.groupby("category", sort=True)}
    named: dict[tuple[str, int], str] = {}
    profiles: list[pd.DataFrame] = []
    for name, rows in merged["store_clusters"].groupby("category", sort=True):
        category, clusters = str(name), rows[["store_id", "cluster"]].sort_values("store_id", ignore_index=True)
        of_store = clusters.set_index("store_id")["cluster"]
        sides = []
        if category in mixes:
            shares = mixes[category].pivot(index="store_id", columns="feature", values="share")
            sides.append(side(of_shares(shares), of_store, internal_clustering.PLAIN))
            profiles.append(_profile(shares, clusters, category, "internal"))
        with_features = outside.loc[outside.index.isin(of_store.index)]
        if with_features.size:
            sides.append(side(of_features(with_features, logged), of_store, external_clustering.PLAIN))
            profiles.append(_profile(with_features, clusters, category, "external", logged))
        own = sorted(int(cluster) for cluster in of_store.unique())
        named |= {(category, cluster): text for cluster, text in cluster_names(sides, own).items()}
    merged_clusters = merged["merged_clusters"]
    keys = zip(merged_clusters["category"], merged_clusters["cluster"], strict=True)
    return {
        "merged_clusters": merged_clusters.assign(
            name=pd.Series([named[str(a), int(b)] for a, b in keys], index=merged_clusters.index, dtype="str")
        ),
        "merged_profiles": stacked(TABLES["merged_profiles"], profiles),
    }


def _profile(
    values: pd.DataFrame, clusters: pd.DataFrame, category: str, side_name: str, logged: Sequence[str] = ()
) -> pd.DataFrame:
    inside = clusters[clusters["store_id"].isin(values.index)]
    return feature_profiles(values.loc[inside["store_id"]], inside, logged).assign(category=category, side=side_name)
