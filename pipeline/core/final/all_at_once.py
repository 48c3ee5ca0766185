"""The final clusters in one call: for a program that has the tables of all categories in memory."""

from __future__ import annotations

import pandas as pd

from pipeline.core.final.candidates import merge_category
from pipeline.core.final.final_clusters import finish
from pipeline.core.frames import stacked
from pipeline.schema import TABLES
from pipeline.settings import Merging
from pipeline.settings.per_category import for_category


def merge_and_finish(
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
    **others: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """`candidates.merge_category` of every category, and `final_clusters.finish`; arguments and result are theirs."""
    outside = {
        "external_clusters": external_clusters,
        "external_features": external_features,
        "external_feature_report": external_feature_report,
        "external_scaled_features": external_scaled_features,
    }
    references = {"reference_clusters": reference_clusters, "reference_numbers": reference_numbers}
    features = dict(iter(internal_features.groupby("category", sort=True)))
    parts = [
        merge_category(
            internal_clusters=rows,
            internal_features=features.get(category, internal_features[:0]),
            settings=for_category(settings, str(category)),
            **outside,
            **references,
        )
        for category, rows in [("", internal_clusters[:0]), *internal_clusters.groupby("category", sort=True)]
    ]
    final = finish(
        **{name: stacked(TABLES[name], [part[name] for part in parts]) for name in parts[0]},
        internal_clusters=internal_clusters,
        internal_features=internal_features,
        settings=settings,
        **outside,
        **references,
        **others,
    )
    return {
        name: table if isinstance(table, pd.DataFrame) else stacked(TABLES[name], list(table))
        for name, table in final.items()
    }
