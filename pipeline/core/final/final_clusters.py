"""The final clusters of all categories: each category's answer taken, placements by hand applied, and no store lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from pipeline.core.final.description import described
from pipeline.core.final.numbering import numbered
from pipeline.core.final.placements import place
from pipeline.core.merging import category_stores, distances, earned, is_by_mix_alone, joined, nearness
from pipeline.schema import CANDIDATES, NO_CATEGORY
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category

_DESCRIBED = ("merged_clusters", "merged_profiles")


def finish(
    *,
    candidates: pd.DataFrame,
    candidate_store_clusters: pd.DataFrame,
    candidate_merged_clusters: pd.DataFrame,
    candidate_merged_profiles: pd.DataFrame,
    candidate_reassignments: pd.DataFrame,
    candidate_merging_methods: pd.DataFrame,
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
    """Decide where the outside data earns its place, take that answer of every category, and apply the placements by hand.

    Parameters
    ----------
    candidates to candidate_merging_methods : the tables of `candidates.merge_category`, of all categories
    internal_clusters, internal_excluded, external_clusters to external_excluded : the tables of these names in `pipeline.schema`;
        excluded_stores of either side
    internal_features : at least of the categories that overrides name
    overrides : the placements by hand, as in `pipeline.schema`
    settings : `[merging]`
    reference_clusters, reference_numbers : store_clusters and cluster_numbers of the pin whose numbers are kept; None
        without one

    Returns
    -------
    store_clusters, merged_clusters, merged_profiles, reassignments, excluded_stores, merging_methods, external_contribution,
    cluster_numbers and overrides_applied, as in `pipeline.schema`.

    Raises
    ------
    RawDataError, DataError : as in `merging.joined` and `place`
    """
    one_answer = candidates[~candidates["earns"]]
    answer = dict(zip(one_answer["category"], earned(one_answer), strict=True))
    both = set(candidates.loc[candidates["earns"], "category"])
    answer = {category: earns and category in both for category, earns in answer.items()}
    of_answer = {
        "candidates": candidates,
        "candidate_store_clusters": candidate_store_clusters,
        "candidate_merged_clusters": candidate_merged_clusters,
        "candidate_merged_profiles": candidate_merged_profiles,
        "candidate_reassignments": candidate_reassignments,
        "candidate_merging_methods": candidate_merging_methods,
    }
    taken = {name: _taken(table, answer) for name, table in of_answer.items()}
    final = {of: taken[name] for name, of in CANDIDATES.items()}
    final |= joined(
        {name: table for name, table in final.items() if name not in ("merged_profiles", "external_contribution")},
        final["external_contribution"].drop(columns="highest_number"),
        internal_clusters=internal_clusters,
        internal_excluded=internal_excluded,
        external_clusters=external_clusters,
        external_excluded=external_excluded,
    )
    final |= _with_outside_numbered(final, reference_clusters, reference_numbers)
    final["cluster_numbers"] = _highest(taken["candidates"], final["cluster_numbers"])
    final |= place(final, overrides)
    sides = internal_clusters, internal_features, external_clusters, external_scaled_features
    changed = _changed(final["overrides_applied"])
    final["store_clusters"] = _measured(final, changed, sides, settings)
    return _described(final, {*changed, NO_CATEGORY}, internal_features, external_features, external_feature_report)


def _taken(table: pd.DataFrame, answer: Mapping[str, bool]) -> pd.DataFrame:
    """The rows of each category's answer."""
    is_taken = table["earns"].to_numpy(dtype=bool) == table["category"].map(answer).to_numpy(dtype=bool)
    return table[is_taken].drop(columns="earns").reset_index(drop=True)


def _with_outside_numbered(
    final: Mapping[str, pd.DataFrame], reference_clusters: pd.DataFrame | None, reference_numbers: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """The tables, with the numbers of the stores that only the outside data has; cluster_numbers of these, and of the reference."""
    names = ("store_clusters", "merged_clusters", "reassignments")
    of_outside = {name: final[name][final[name]["category"] == NO_CATEGORY] for name in names}
    renumbered = numbered(of_outside, reference_clusters, reference_numbers)
    if of_outside["store_clusters"].empty:
        return {"cluster_numbers": renumbered["cluster_numbers"]}
    return {
        name: pd.concat([final[name][final[name]["category"] != NO_CATEGORY], renumbered[name]], ignore_index=True)
        for name in names
    } | {"cluster_numbers": renumbered["cluster_numbers"]}


def _highest(candidates: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """cluster_numbers of the categories, and of others that have none of these."""
    own = candidates[["category", "highest_number"]]
    rest = others[~others["category"].isin(own["category"])]
    numbers = pd.concat([part.astype({"category": object}) for part in (own, rest)])
    return numbers.sort_values("category", ignore_index=True)


def _changed(applied: pd.DataFrame) -> set[str]:
    """The categories in which a placement moved a store."""
    return set(applied.loc[applied["applied"] & (applied["from_cluster"] != applied["to_cluster"]), "category"])


def _measured(
    merged: Mapping[str, pd.DataFrame],
    changed: Collection[str],
    sides: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame],
    settings: Merging,
) -> pd.DataFrame:
    """The final clusters; what lies near what is computed again in the changed categories."""
    if not changed:
        return merged["store_clusters"]
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


def _described(
    final: dict[str, pd.DataFrame],
    categories: Collection[str],
    internal_features: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """The tables, with new names and profiles in these categories."""
    inside = {name: table[table["category"].isin(categories)] for name, table in final.items() if "category" in table}
    if inside["store_clusters"].empty:
        return final
    again = described(
        inside,
        internal_features[internal_features["category"].isin(categories)],
        external_features,
        external_feature_report,
    )
    return final | {
        name: pd.concat([final[name][~final[name]["category"].isin(categories)], again[name]], ignore_index=True)
        for name in _DESCRIBED
    }
