"""ExternalClustering: all stores, clustered on the outside data."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from pipeline.core.between_runs.alignment import reference
from pipeline.core.clustering.search import MOST_FACTORS
from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.explain.axis import axis_in_words, axis_table
from pipeline.core.explain.clusters import explain
from pipeline.core.explain.profiles import feature_profiles
from pipeline.core.explain.readings import logged, of_features
from pipeline.core.statistics.features import check_finite, long_table, outside_weights, scale, weighted
from pipeline.errors import DataError
from pipeline.settings import ExternalClustering
from pipeline.wording import listed

PLAIN = "average surroundings"  # the name of a cluster without notable features


def cluster(
    *,
    external_features: pd.DataFrame,
    settings: ExternalClustering,
    external_feature_report: pd.DataFrame | None = None,
    reference_clusters: pd.DataFrame | None = None,
    reference_verdicts: pd.DataFrame | None = None,
    held_out: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Cluster the stores on the features of the outside data, scaled.

    Parameters
    ----------
    external_features : store_id, and one float column per feature: imputed, transformed, not yet scaled
    settings : `[external.clustering]`
    external_feature_report : which features are log1p values; None: no feature
    reference_clusters, reference_verdicts : external_clusters and external_verdicts of the pin whose numbers are kept; None
        without one
    held_out : stores that are left out of every fit, including the scale of the features, and placed afterwards

    Returns
    -------
    external_clusters, _k_selection, _verdicts, _axes, _memberships, _mixture, _profiles (of the features before scaling), _exemplars, _cluster_summary,
    _rules (of the raw features) and external_scaled_features, as in pipeline.schema. Without features all stores form one cluster; without stores,
    that is without outside data, the tables are empty.

    Raises
    ------
    DataError : a value is NaN or infinite, or a weight names an unknown feature; it names the feature.
    """
    features = external_features.set_index("store_id").sort_index().sort_index(axis=1).astype("float64")
    check_finite(features)
    _check_weights(settings.weights, features, external_feature_report)
    weights = outside_weights(features, settings.weights, held_out)
    plain = scale(features, settings.scaling, held_out)
    pinned = reference(reference_clusters, reference_verdicts)
    clustering = cluster_stores(
        plain, settings, held_out=held_out, reference=pinned, weights=weights, most_factors=MOST_FACTORS
    )
    scaled = weighted(plain, weights)
    readings = of_features(features, logged(external_feature_report))
    along = axis_table(readings, clustering.clusters)
    verdict = clustering.verdict.assign(axis=axis_in_words(along, readings) or None).astype({"axis": "object"})
    explanation = explain(scaled, readings, clustering.clusters, plain=PLAIN, random_state=settings.random_state)
    return {
        "external_clusters": clustering.clusters,
        "external_k_selection": clustering.k_selection,
        "external_verdicts": verdict if len(features) else verdict.iloc[:0],
        "external_axes": along,
        "external_memberships": clustering.memberships,
        "external_mixture": clustering.mixture,
        "external_profiles": feature_profiles(features, clustering.clusters, logged(external_feature_report)),
        **{f"external_{name}": table for name, table in explanation.items()},
        "external_scaled_features": long_table(scaled),
    }


def _check_weights(weights: Mapping[str, float], features: pd.DataFrame, report: pd.DataFrame | None) -> None:
    offered = {str(name) for name in features.columns}
    offered |= {name.partition("=")[0] for name in offered}
    offered |= set() if report is None else {str(name) for name in report["feature"]}
    unknown = sorted(weights.keys() - offered)
    if unknown:
        raise DataError(
            f"external.clustering.weights: {unknown[0]!r} is not a feature of the outside data; the features are "
            f"{listed(sorted(offered), 10)}"
        )
