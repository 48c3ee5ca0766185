"""Outside data -> a complete, numeric table of stores and features, and a report on every column that was offered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.core.external.columns import Feature, features_of
from pipeline.core.external.correlated import correlated, names_of
from pipeline.core.named_stores import CLOSED, keys
from pipeline.errors import RawDataError
from pipeline.schema import NO_CATEGORY
from pipeline.settings import ExternalPreprocessing

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
    """Make features complete and numeric; drop what cannot serve, with the reason.

    In this order, per column: dropped where missing in too many stores, constant, an identifier (a text that differs in
    at least 95 % of the stores; whole numbers that all differ, under the name of an identifier), or a text with too many
    levels; texts become one column per level; missing numbers are imputed; skewed counts become log1p. Then one of each
    pair of features with too high a correlation is dropped: the one with more imputed values, else the later name. What the
    settings protect is never dropped, and goes before the others of a pair. Where they ask for missing indicators, a number or
    text with missing values is followed by a feature that is 1 where it is missing, else 0.
    Nothing depends on the order of rows or columns.

    Parameters
    ----------
    features : store_id and a column per feature: float64 with NaN, or texts with None; one row per store
    ignored : feature, reason; columns that cannot be features
    labels : store_id, label, value
    settings : limits and how to impute
    closed : stores that are excluded, before anything is made of the others

    Returns
    -------
    external_features : store_id and the features left, in order of name; complete; without the excluded stores
    external_feature_report : one row per column offered, and per level of the categorical ones. imputed_share is the
        share of the stores that are not excluded whose value was imputed, 0 for what was dropped.
    excluded_stores : closed stores, and those that have no value in any feature, or in none of those left, under the
        category `(none)`
    store_labels : `labels`, sorted

    Raises
    ------
    RawDataError : no feature or no store is left, two features have the same name but for upper and lower case, or what is
        protected is no feature or has no value
    """
    _check_protected(settings.protected, features.columns[1:])
    offered = features.set_index("store_id").sort_index(axis=0).sort_index(axis=1)
    reasons = dict.fromkeys(offered.index[~offered.notna().any(axis=1)], NOTHING_OBSERVED)
    reasons |= dict.fromkeys(offered.index[offered.index.isin(keys(closed))], CLOSED)
    while True:
        used = offered.drop(index=list(reasons))
        decided = _decide(used, settings)
        kept = [one for one in decided if one.values is not None]
        if used.empty or not kept:
            _raise_nothing_left(decided, ignored)
        # Whoever is excluded below had no value in what was kept, so that medians and kept values stay as they are;
        # only shares of missing values change, and with them perhaps what is kept.
        observed = used[sorted({one.column for one in kept})].notna().any(axis=1)
        if observed.all():
            break
        reasons |= dict.fromkeys(used.index[~observed], NOTHING_KEPT)
    _check_names(kept, [*(one.name for one in decided), *ignored["feature"]])
    return {
        "external_features": _table(used, kept),
        "external_feature_report": _report(decided, ignored),
        "excluded_stores": _excluded(reasons),
        "store_labels": labels.sort_values(["store_id", "label"], ignore_index=True),
    }


def _decide(used: pd.DataFrame, settings: ExternalPreprocessing) -> list[Feature]:
    """What becomes of every column and level, in order of column and level."""
    if used.empty:
        return []
    decided = [one for name in used.columns for one in features_of(name, used[name], settings)]
    firm = set(settings.protected)
    kept = sorted(
        (one for one in decided if one.values is not None),
        key=lambda one: (one.column not in firm, one.imputed_share, one.name),
    )
    if not kept:
        return decided
    matrix = np.column_stack([one.values for one in kept if one.values is not None])
    limit = settings.max_correlation
    protected = sum(one.column in firm for one in kept)
    reasons = names_of(correlated(matrix, limit, protected), [one.name for one in kept], limit)
    return [
        replace(one, action="dropped", reason=reasons[one.name], imputed_share=0.0, values=None)
        if one.values is not None and one.name in reasons
        else one
        for one in decided
    ]


def _check_protected(protected: Sequence[str], offered: Collection[str]) -> None:
    unknown = [name for name in protected if name not in offered]
    if unknown:
        raise RawDataError(
            f"external.preprocessing.protected: {unknown[0]!r} is no feature of the outside data; there are "
            f"{', '.join(sorted(offered)[:10])}{', ...' if len(offered) > 10 else ''}"
        )


def _raise_nothing_left(decided: Sequence[Feature], ignored: pd.DataFrame) -> None:
    reasons = [f"{one.name}: {one.reason}" for one in decided if one.action == "dropped"]
    reasons += [f"{name}: {reason}" for name, reason in zip(ignored["feature"], ignored["reason"], strict=True)]
    more = f" and {len(reasons) - 10} more" if len(reasons) > 10 else ""
    raise RawDataError(
        f"no feature of the outside data can be used ({'; '.join(reasons[:10]) or 'no store has a value'}{more}); add features "
        "in [[sources.external]], or change [external.preprocessing]"
    )


def _check_names(kept: Sequence[Feature], reported: Sequence[str]) -> None:
    """Names of kept features differ by more than case, and those in the report differ."""
    for names, plain in (([one.name for one in kept], str.casefold), (reported, str)):
        seen: dict[str, str] = {}
        for name in names:
            if plain(name) in seen:
                raise RawDataError(
                    f"the features '{seen[plain(name)]}' and '{name}' have one name in a database, which knows no upper and "
                    "lower case; rename one, or name it in ignore of its [[sources.external]]"
                )
            seen[plain(name)] = name


def _table(used: pd.DataFrame, kept: Sequence[Feature]) -> pd.DataFrame:
    columns = {one.name: one.values for one in sorted(kept, key=lambda one: one.name)}
    return pd.DataFrame(columns, index=used.index).rename_axis("store_id").reset_index()


def _report(decided: Sequence[Feature], ignored: pd.DataFrame) -> pd.DataFrame:
    columns = ["feature", "action", "reason", "imputed_share", "raw_column", "level", "other_level", "fill_value"]
    rows = [
        (one.name, one.action, one.reason, one.imputed_share, one.column, one.level, one.other_level, one.fill)
        if one.values is not None
        else (one.name, one.action, one.reason, one.imputed_share, one.column, None, None, None)
        for one in decided
    ]
    rows += [
        (name, "dropped", reason, 0.0, name, None, None, None)
        for name, reason in zip(ignored["feature"], ignored["reason"], strict=True)
    ]
    return (
        pd.DataFrame(rows, columns=columns).astype({"fill_value": "float64"}).sort_values("feature", ignore_index=True)
    )


def _excluded(reasons: dict[str, str]) -> pd.DataFrame:
    rows = [(store, NO_CATEGORY, SOURCE, reason) for store, reason in sorted(reasons.items())]
    return pd.DataFrame(rows, columns=["store_id", "category", "source", "reason"], dtype=object)
