"""The final clusters of one category, as far as the category alone gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from pipeline.core.final.description import described
from pipeline.core.final.numbering import numbered
from pipeline.core.frames import stacked
from pipeline.core.merging import Candidate, candidates, category_stores, contribution_rows
from pipeline.schema import CANDIDATES, TABLES
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category


def merge_category(
    *,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame,
    external_scaled_features: pd.DataFrame,
    settings: Merging,
    reference_clusters: pd.DataFrame | None = None,
    reference_numbers: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Merge the internal clusters of one category with the external ones, and describe the result.

    Whether the outside data earns its place is decided over all categories (`merging.contribution.earned`). Where that is open and
    makes a difference, the result is given for both answers: rows with `earns` true and false; else only for false.

    Parameters
    ----------
    internal_clusters, internal_features : the tables of these names in `pipeline.schema`, of one category, possibly without rows
    external_clusters to external_scaled_features : the tables of these names in `pipeline.schema`
    settings : `[merging]`
    reference_clusters, reference_numbers : store_clusters and cluster_numbers of the pin whose numbers are kept, of any categories;
        None without one

    Returns
    -------
    candidates, candidate_store_clusters, candidate_merged_clusters, candidate_merged_profiles, candidate_reassignments and
    candidate_merging_methods, as in `pipeline.schema`; without rows if the category has no clustered store.

    Raises
    ------
    DataError : the category is named `(none)`, or a clustered store has no features
    """
    parts: list[tuple[bool, dict[str, pd.DataFrame]]] = []
    for stores in category_stores(internal_clusters, internal_features, external_clusters, external_scaled_features):
        references = [
            None if table is None else table[table["category"] == stores.category]
            for table in (reference_clusters, reference_numbers)
        ]
        for earns, candidate in candidates(stores, for_category(settings, stores.category)).items():
            merged = _tables(candidate)
            merged |= numbered(merged, *references)
            merged |= described(merged, internal_features, external_features, external_feature_report)
            parts.append((earns, merged))
    return {name: _with_answer(name, of, parts) for name, of in CANDIDATES.items()}


def _tables(candidate: Candidate) -> dict[str, pd.DataFrame]:
    return {
        "store_clusters": stacked(TABLES["store_clusters"], [candidate.outcome.store_clusters]),
        "merged_clusters": stacked(TABLES["merged_clusters"], [candidate.outcome.merged_clusters]),
        "reassignments": stacked(TABLES["reassignments"], [candidate.outcome.reassignments]),
        "merging_methods": candidate.methods,
        "external_contribution": contribution_rows([candidate.contribution]),
    }


def _with_answer(name: str, of: str, parts: Sequence[tuple[bool, Mapping[str, pd.DataFrame]]]) -> pd.DataFrame:
    frames = [_completed(of, merged).assign(earns=earns) for earns, merged in parts]
    return stacked(TABLES[name], frames)


def _completed(of: str, merged: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The table; of external_contribution, with the highest number of the category's clusters."""
    if of != "external_contribution":
        return merged[of]
    return merged[of].merge(merged["cluster_numbers"], on="category")
