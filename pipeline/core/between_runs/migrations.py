"""Between runs: what happened to the clusters of a reference, which stores moved, and which features drifted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.between_runs.changes import changes
from pipeline.core.between_runs.compare import compare
from pipeline.core.between_runs.drift import drift
from pipeline.core.explain.readings import logged, of_features
from pipeline.core.frames import ByCategory, by_category, dtypes, stacked
from pipeline.schema import ALL_CATEGORIES, TABLES
from pipeline.settings import References

_KEY = ["category", "store_id"]
BY_DATA, BY_HAND, NO_LONGER_BY_HAND = "data", "by hand", "no longer by hand"  # causes of a move


class Level(NamedTuple):
    """The clusters of one level in both results: category, store_id, cluster; `now` also has confidence, a final level overridden."""

    name: str
    pin: str
    before: pd.DataFrame
    now: pd.DataFrame


def compare_with_references(
    *,
    internal_clusters: pd.DataFrame,
    internal_features: pd.DataFrame | ByCategory,
    external_clusters: pd.DataFrame,
    external_features: pd.DataFrame,
    external_feature_report: pd.DataFrame | None = None,
    store_clusters: pd.DataFrame,
    settings: References,
    before_internal_clusters: pd.DataFrame | None = None,
    before_internal_features: pd.DataFrame | None = None,
    before_external_clusters: pd.DataFrame | None = None,
    before_external_features: pd.DataFrame | None = None,
    before_store_clusters: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Compare this result with the pins that the settings name.

    The clusters have the numbers of their references (`alignment.aligned`): a number is one cluster, and a store has moved
    if its number changed. Stores in only one result are counted, but have not moved.

    Parameters
    ----------
    internal_clusters to store_clusters : the tables of these names in `pipeline.schema`; internal_features may be by category
    settings : the names of the pins by level
    before_... : the same tables of the pins; None at a level without one

    Returns
    -------
    agreement, migrations, cluster_changes, drift, as in `pipeline.schema`; no rows for a level without a reference.
    """
    final = _with_confidence(store_clusters, internal_clusters, external_clusters)
    levels = [
        Level(name, str(pin), _in_categories(before), _in_categories(now))
        for name, pin, before, now in (
            ("internal", settings.internal, before_internal_clusters, internal_clusters),
            ("external", settings.external, before_external_clusters, external_clusters),
            ("final", settings.final, before_store_clusters, final),
        )
        if before is not None
    ]
    logged_now = logged(external_feature_report)
    drifts = [
        _per_category(before, now, lambda old, new: drift(_wide(old), _wide(new))).assign(level=name)
        for name, before, now in (
            ("internal", before_internal_features, internal_features),
            ("external", _long(before_external_features, logged_now), _long(external_features, logged_now)),
        )
        if before is not None and now is not None
    ]
    return {
        "agreement": _stacked("agreement", [_agreement(level) for level in levels]),
        "migrations": _stacked("migrations", [_migrations(level) for level in levels]),
        "cluster_changes": _stacked("cluster_changes", [_changes(level) for level in levels]),
        "drift": _stacked("drift", drifts),
    }


def _in_categories(clusters: pd.DataFrame) -> pd.DataFrame:
    return clusters if "category" in clusters else clusters.assign(category=ALL_CATEGORIES)


def _with_confidence(store_clusters: pd.DataFrame, internal: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """The final clusters, each store with the lower of its confidences on both sides."""
    clusters = store_clusters[[name for name in (*_KEY, "cluster", "overridden") if name in store_clusters]]
    clusters = clusters.merge(internal[[*_KEY, "confidence"]], on=_KEY, how="left")
    clusters = clusters.merge(
        external[["store_id", "confidence"]], on="store_id", how="left", suffixes=("", "_outside")
    )
    return clusters.assign(confidence=clusters[["confidence", "confidence_outside"]].min(axis=1))


def _agreement(level: Level) -> pd.DataFrame:
    agreement = compare(level.before, level.now)["agreement"]
    moves = _migrations(level)
    moved, by_hand = (
        agreement["category"].map(rows["category"].value_counts()).fillna(0).astype("int64")
        for rows in (moves, moves[moves["cause"] != BY_DATA])
    )
    return agreement.rename(columns={"only_after": "only_now", "k_after": "k_now"}).assign(
        level=level.name,
        reference=level.pin,
        moved=moved,
        moved_by_hand=by_hand,
        kept_share=1.0 - moved / agreement["stores"].where(agreement["stores"] > 0),
    )


def _migrations(level: Level) -> pd.DataFrame:
    before = level.before[[*_KEY, "cluster"]].rename(columns={"cluster": "from_cluster"})
    now = level.now[[*_KEY, "cluster", "confidence"]].rename(columns={"cluster": "to_cluster"})
    before, now = before.assign(was=_overridden(level.before)), now.assign(is_now=_overridden(level.now))
    both = before.merge(now, on=_KEY)
    moved = both[both["from_cluster"] != both["to_cluster"]]
    cause = np.select([moved["is_now"], moved["was"]], [BY_HAND, NO_LONGER_BY_HAND], BY_DATA)
    return moved.drop(columns=["was", "is_now"]).assign(
        level=level.name, cause=cause, confidence=moved["confidence"].mask(moved["is_now"])
    )


def _overridden(clusters: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether an override places each store; none does on one side, nor where an older pin does not say so."""
    if "overridden" not in clusters:
        return np.zeros(len(clusters), dtype=bool)
    overridden: NDArray[np.bool_] = clusters["overridden"].to_numpy(dtype=bool)
    return overridden


def _changes(level: Level) -> pd.DataFrame:
    transitions = _per_category(
        level.before,
        level.now,
        lambda old, new: changes(old.set_index("store_id")["cluster"], new.set_index("store_id")["cluster"]),
    )
    return transitions.assign(level=level.name)


def _per_category(
    before: pd.DataFrame | ByCategory,
    now: pd.DataFrame | ByCategory,
    rows_of: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """The rows that `rows_of` gives for every category of either result, in one frame."""
    old, new = by_category(before), by_category(now)
    parts = [
        rows_of(old.rows(category), new.rows(category)).assign(category=category)
        for category in sorted({*old.categories, *new.categories})
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _long(features: pd.DataFrame | None, logged_now: Collection[str]) -> pd.DataFrame | None:
    """The features of the outside data, in their own units, in the form of the sales mix: store_id, category, feature, share."""
    if features is None:
        return None
    values = of_features(features.set_index("store_id"), logged_now).values.reset_index()
    long = values.melt(id_vars="store_id", var_name="feature", value_name="share")
    return long.assign(category=ALL_CATEGORIES)


def _wide(features: pd.DataFrame) -> pd.DataFrame:
    return features.pivot(index="store_id", columns="feature", values="share")


def _stacked(name: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The parts as the table, sorted by its key; empty if no part has a row."""
    types = dtypes(TABLES[name])
    return stacked(TABLES[name], parts)[list(types)].astype(types)
