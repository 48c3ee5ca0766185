"""Preprocess the outside data: a complete, numeric table of stores and features, and a report on every column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.core.external.columns import Feature, features_of
from pipeline.core.external.correlated import correlated, reasons_of
from pipeline.core.frames import frame
from pipeline.core.statistics.named_stores import CLOSED, keys
from pipeline.errors import RawDataError
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.settings import ExternalPreprocessing
from pipeline.wording import listed

SOURCE = "external"
NOTHING_OBSERVED = "no feature is observed"
NOTHING_KEPT = "none of the features that were kept is observed"


def preprocess(
    *,
    features: pd.DataFrame,
    ignored: pd.DataFrame,
    labels: pd.DataFrame,
    settings: ExternalPreprocessing,
    closed: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Make features complete and numeric; drop unusable columns, with the reason.

    For each column, in this order: it is dropped if it is missing in too many stores, constant, an identifier (a text that
    differs in at least 95 % of the stores; distinct whole numbers under the name of an identifier), or a text with too many
    levels. Texts become one column per level, missing numbers are imputed, and skewed numbers become log1p. Then one of each
    pair of highly correlated features is dropped: the one with more imputed values, else the later name. Protected columns
    are never dropped, and stay before the others of a pair. If the settings ask for missing indicators, a column with
    missing values gets a further feature: 1 where it is missing, else 0. Nothing depends on the order of rows or columns.

    Parameters
    ----------
    features : store_id and a column per feature: float64 with NaN, or texts with None; one row per store
    ignored : feature, reason; columns that cannot be features
    labels : store_id, label, value
    settings : limits and how to impute
    closed : stores that are excluded first

    Returns
    -------
    Empty tables if there are no stores and no columns, that is no outside data. Else:
    external_features : store_id and the remaining features, in order of name; complete; without the excluded stores
    external_feature_report : one row per column, and per level of categorical columns. imputed_share is the share of the
        stores, without excluded ones, whose value was imputed; 0 for dropped columns.
    excluded_stores : closed stores, and stores without a value in any feature or in any remaining feature, in the category
        `(none)`
    store_labels : `labels`, sorted
    delivered_features : one row per column of `features`

    Raises
    ------
    RawDataError : no feature or no store is left, the names of two features differ only in case, or a protected column does
        not exist or has no value
    """
    if features.empty and len(features.columns) == 1 and ignored.empty:
        return {
            "external_features": features,
            "external_feature_report": _report([], ignored),
            "excluded_stores": _excluded({}),
            "store_labels": labels,
            "delivered_features": delivered(features),
        }
    _check_protected(settings.protected, features.columns[1:])
    offered = features.set_index("store_id").sort_index(axis=0).sort_index(axis=1)
    reasons = dict.fromkeys(offered.index[~offered.notna().any(axis=1)], NOTHING_OBSERVED)
    reasons |= dict.fromkeys(offered.index[offered.index.isin(keys(closed))], CLOSED)
    while True:
        used = offered.drop(index=list(reasons))
        decided = _decide(used, settings)
        remaining = [feature for feature in decided if feature.values is not None]
        if used.empty or not remaining:
            _raise_nothing_left(decided, ignored)
        # Stores excluded below have no value in the remaining features, so medians and values stay. Only shares of missing
        # values change, and with them perhaps which features remain.
        observed = used[sorted({feature.column for feature in remaining})].notna().any(axis=1)
        if observed.all():
            break
        reasons |= dict.fromkeys(used.index[~observed], NOTHING_KEPT)
    _check_names(remaining, [*(feature.name for feature in decided), *ignored["feature"]])
    return {
        "external_features": _table(used, remaining),
        "external_feature_report": _report(decided, ignored),
        "excluded_stores": _excluded(reasons),
        "store_labels": labels.sort_values(["store_id", "label"], ignore_index=True),
        "delivered_features": delivered(features),
    }


def delivered(features: pd.DataFrame) -> pd.DataFrame:
    """The table `delivered_features` of store_id and a column per feature: what there was before anything was done with it."""
    by_store = features.set_index("store_id").sort_index()
    rows = [
        (str(name), int(column.notna().sum()), f"{int(pd.util.hash_pandas_object(column).sum()) % 2**64:016x}")
        for name, column in by_store.items()
    ]
    return frame(TABLES["delivered_features"], rows)


def _decide(used: pd.DataFrame, settings: ExternalPreprocessing) -> list[Feature]:
    """The decision on every column and level, in order of column and level."""
    if used.empty:
        return []
    decided = [feature for name in used.columns for feature in features_of(name, used[name], settings)]
    firm = set(settings.protected)
    remaining = sorted(
        (feature for feature in decided if feature.values is not None),
        key=lambda feature: (feature.column not in firm, feature.imputed_share, feature.name),
    )
    if not remaining:
        return decided
    matrix = np.column_stack([feature.values for feature in remaining if feature.values is not None])
    limit = settings.max_correlation
    protected = sum(feature.column in firm for feature in remaining)
    reasons = reasons_of(correlated(matrix, limit, protected), [feature.name for feature in remaining], limit)
    return [
        replace(feature, action="dropped", reason=reasons[feature.name], imputed_share=0.0, values=None)
        if feature.values is not None and feature.name in reasons
        else feature
        for feature in decided
    ]


def _check_protected(protected: Sequence[str], offered: Collection[str]) -> None:
    unknown = [name for name in protected if name not in offered]
    if unknown:
        raise RawDataError(
            f"external.preprocessing.protected: {unknown[0]!r} is not a feature of the outside data; the features are "
            f"{listed(sorted(offered), 10)}"
        )


def _raise_nothing_left(decided: Sequence[Feature], ignored: pd.DataFrame) -> None:
    reasons = [f"{feature.name}: {feature.reason}" for feature in decided if feature.action == "dropped"]
    reasons += [f"{name}: {reason}" for name, reason in zip(ignored["feature"], ignored["reason"], strict=True)]
    raise RawDataError(
        f"no feature of the outside data can be used ({listed(reasons, 10, between='; ') or 'no store has a value'}); add features "
        "in [[sources.external]], or change [external.preprocessing]"
    )


def _check_names(remaining: Sequence[Feature], reported: Sequence[str]) -> None:
    """Check that the names of remaining features differ by more than case, and that names in the report differ."""
    for names, plain in (([feature.name for feature in remaining], str.casefold), (reported, str)):
        seen: dict[str, str] = {}
        for name in names:
            if plain(name) in seen:
                raise RawDataError(
                    f"the features '{seen[plain(name)]}' and '{name}' have the same name in a database, which ignores upper and "
                    "lower case; rename one, or name it in ignore of its [[sources.external]]"
                )
            seen[plain(name)] = name


def _table(used: pd.DataFrame, remaining: Sequence[Feature]) -> pd.DataFrame:
    columns = {feature.name: feature.values for feature in sorted(remaining, key=lambda feature: feature.name)}
    return pd.DataFrame(columns, index=used.index).rename_axis("store_id").reset_index()


def _report(decided: Sequence[Feature], ignored: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (
            feature.name,
            feature.action,
            feature.reason,
            feature.imputed_share,
            feature.column,
            feature.level,
            feature.other_level,
            feature.fill,
        )
        if feature.values is not None
        else (feature.name, feature.action, feature.reason, feature.imputed_share, feature.column, None, None, None)
        for feature in decided
    ]
    rows += [
        (name, "dropped", reason, 0.0, name, None, None, None)
        for name, reason in zip(ignored["feature"], ignored["reason"], strict=True)
    ]
    return frame(TABLES["external_feature_report"], rows)


def _excluded(reasons: dict[str, str]) -> pd.DataFrame:
    rows = [(store, NO_CATEGORY, SOURCE, reason) for store, reason in sorted(reasons.items())]
    return frame(TABLES["excluded_stores"], rows)
