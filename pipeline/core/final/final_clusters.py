"""The final clusters of all categories: each category's answer taken, placements by hand applied, and no store lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from pipeline.core.final.description import described
from pipeline.core.final.numbering import numbered
from pipeline.core.final.placements import place
from pipeline.core.frames import ByCategory, by_category, stacked
from pipeline.core.merging import category_stores, distances, earned, is_by_mix_alone, joined, nearness
from pipeline.schema import CANDIDATES, NO_CATEGORY, TABLES
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category

_DESCRIBED = ("merged_clusters", "merged_profiles")


def finish(
    *,
    candidates: pd.DataFrame | ByCategory,
    candidate_store_clusters: pd.DataFrame | ByCategory,
    candidate_merged_clusters: pd.DataFrame | ByCategory,
    candidate_merged_profiles: pd.DataFrame | ByCategory,
    candidate_reassignments: pd.DataFrame | ByCategory,
    candidate_merging_methods: pd.DataFrame | ByCategory,
    internal_clusters: pd.DataFrame | ByCategory,
    internal_features: pd.DataFrame | ByCategory,
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
) -> dict[str, pd.DataFrame | Iterator[pd.DataFrame]]:
    """Decide where the outside data earns its place, take that answer of every category, and apply the placements by hand.

    Parameters
    ----------
    candidates to candidate_merging_methods : the tables of `candidates.merge_category`, of all categories
    internal_clusters to external_excluded : the tables of these names in `pipeline.schema`; excluded_stores of either side
    overrides : the placements by hand, as in `pipeline.schema`
    settings : `[merging]`
    reference_clusters, reference_numbers : store_clusters and cluster_numbers of the pin whose numbers are kept; None
        without one

    Returns
    -------
    merged_clusters, merged_profiles, reassignments, excluded_stores, merging_methods, external_contribution, cluster_numbers and
    overrides_applied, as in `pipeline.schema`; store_clusters, a frame per category, of which each is computed when it is asked for.

    Raises
    ------
    RawDataError, DataError : as in `merging.joined` and `place`
    """
    of_candidates = {
        "candidates": by_category(candidates),
        "candidate_merged_clusters": by_category(candidate_merged_clusters),
        "candidate_merged_profiles": by_category(candidate_merged_profiles),
        "candidate_reassignments": by_category(candidate_reassignments),
        "candidate_merging_methods": by_category(candidate_merging_methods),
    }
    answers = _answers(of_candidates["candidates"])
    taken = {name: _Taken(table, answers).every(name) for name, table in of_candidates.items()}
    final = {CANDIDATES[name]: table for name, table in taken.items()}
    clusters, features = by_category(internal_clusters), by_category(internal_features)
    merged_stores = _Taken(by_category(candidate_store_clusters), answers)
    final |= joined(
        {name: table for name, table in final.items() if name not in ("merged_profiles", "external_contribution")},
        final["external_contribution"].drop(columns="highest_number"),
        store_clusters=merged_stores,
        internal_clusters=clusters,
        internal_excluded=internal_excluded,
        external_clusters=external_clusters,
        external_excluded=external_excluded,
    )
    final |= _with_outside_numbered(final, reference_clusters, reference_numbers)
    final["cluster_numbers"] = _highest(taken["candidates"], final["cluster_numbers"])
    placed = place(_With(merged_stores, final.pop("store_clusters")), final["excluded_stores"], overrides)
    final |= {"merged_clusters": placed.counted(final["merged_clusters"]), "overrides_applied": placed.applied}
    changed = _changed(placed.applied)
    outside = external_features, external_feature_report
    for category in sorted({*changed, NO_CATEGORY} & set(placed.categories)):
        final |= _described(final, category, placed.rows(category), features.rows(category), outside)
    sides = external_clusters, external_scaled_features

    def stores() -> Iterator[pd.DataFrame]:
        for category in placed.categories:
            rows = placed.rows(category)
            if category in changed:
                of_category = clusters.rows(category), features.rows(category)
                rows = _measured(rows, final["merged_clusters"], (*of_category, *sides), settings)
            yield rows

    return {**final, "store_clusters": stores()}


def _answers(candidates: ByCategory) -> dict[str, bool]:
    """By category, whether its rows with `earns` are taken."""
    every = stacked(TABLES["candidates"], [candidates.rows(category) for category in candidates.categories])
    undecided = every[~every["earns"]]
    both = set(every.loc[every["earns"], "category"])
    earns = zip(undecided["category"], earned(undecided), strict=True)
    return {str(category): bool(answer) and category in both for category, answer in earns}


class _Taken:
    """The rows of each category's answer."""

    def __init__(self, table: ByCategory, answers: Mapping[str, bool]) -> None:
        self._table, self._answers = table, answers
        self.categories = sorted(answers)

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category, without the answer."""
        rows = self._table.rows(category)
        is_taken = rows["earns"].to_numpy(dtype=bool) == self._answers.get(category, False)
        return rows[is_taken].drop(columns="earns").reset_index(drop=True)

    def every(self, name: str) -> pd.DataFrame:
        """The rows of all categories, sorted by the key of the table of this name."""
        parts = [self.rows(category).assign(earns=False) for category in self.categories]
        return stacked(TABLES[name], parts).drop(columns="earns")


class _With:
    """store_clusters by category, with the stores that only the outside data has."""

    def __init__(self, clusters: ByCategory, outside: pd.DataFrame) -> None:
        self._clusters, self._outside = clusters, outside
        self.categories = sorted([*clusters.categories, *([NO_CATEGORY] if len(outside) else [])])

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category."""
        return self._outside if category == NO_CATEGORY else self._clusters.rows(category)


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
    placed: pd.DataFrame,
    merged_clusters: pd.DataFrame,
    sides: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame],
    settings: Merging,
) -> pd.DataFrame:
    """The final clusters of a category, with what lies near what computed again."""
    measured = placed.set_index("store_id")
    for stores in category_stores(*sides):
        ordered = stores.in_order_of_values()
        keys = ordered.store_id
        cluster = measured.loc[keys, "cluster"].to_numpy(dtype=np.int64)
        space = ordered.space(for_category(settings, ordered.category))
        measured.loc[keys, "distance"] = distances(space, cluster)
        cells = merged_clusters[merged_clusters["category"] == ordered.category]
        of_internal, of_external = (
            cells[side].fillna(0).to_numpy(dtype=np.int64) for side in ("internal_cluster", "external_cluster")
        )
        by_mix_alone = is_by_mix_alone(of_internal, of_external)
        for name, values in nearness(ordered, space, cluster, by_mix_alone=by_mix_alone).items():
            measured.loc[keys, name] = values
    return measured.reset_index()


def _described(
    final: Mapping[str, pd.DataFrame],
    category: str,
    placed: pd.DataFrame,
    features: pd.DataFrame,
    outside: tuple[pd.DataFrame, pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """merged_clusters and merged_profiles, with new names and profiles in this category."""
    cells = final["merged_clusters"]
    again = described(
        {"store_clusters": placed, "merged_clusters": cells[cells["category"] == category]}, features, *outside
    )
    return {
        name: pd.concat([final[name][final[name]["category"] != category], again[name]], ignore_index=True)
        for name in _DESCRIBED
    }
