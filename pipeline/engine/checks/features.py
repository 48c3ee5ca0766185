"""Check the outside features: which features a run would drop, with reasons, and which of the others are doubtful."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.core.external.columns import is_identifier_name
from pipeline.core.external.preprocessing import preprocess
from pipeline.core.frames import empty
from pipeline.core.statistics.named_stores import CLOSED
from pipeline.engine import external
from pipeline.engine.checks.findings import Findings, some
from pipeline.engine.checks.outside import OutsideSeen
from pipeline.engine.reading import codes
from pipeline.schema import TABLES
from pipeline.settings import ExternalPreprocessing, Settings
from pipeline.wording import counted

ALL = "external"
MANY_MISSING = 0.2  # of the stores; what is imputed in a fifth of them says little of it


def say_features(outside: Sequence[OutsideSeen], settings: Settings, findings: Findings) -> None:
    """Report the contents of a run's feature report, for the readable sources."""
    usable = [each for each in outside if each.features is not None]
    if len(usable) < len(outside):
        findings.skip(ALL, "features, until every external source has stores")
    if len(usable) < len(outside) or not usable:
        return
    failed: list[str] = []
    with findings.attempt(ALL, failed):
        _check_names(usable)
    if failed:
        findings.skip(ALL, "what becomes of the features, until their names differ")
        return
    features = _joined(usable)
    with findings.attempt(ALL):
        chosen = settings.external.preprocessing
        tables = preprocess(
            features=features,
            ignored=_ignored(usable),
            labels=empty(TABLES["store_labels"]),
            settings=chosen,
            closed=settings.stores.closed,
        )
        _say_report(tables["external_feature_report"], features, _owners(usable), chosen, findings)
        out = tables["excluded_stores"]
        excluded = list(out.loc[out["reason"] != CLOSED, "store_id"])
        if excluded:
            findings.doubt(
                ALL,
                f"{counted(len(excluded), 'store has', 'stores have')} no value in any feature that is kept, and will not be clustered on them: "
                f"{some(excluded)}; fill in their values",
            )


def _check_names(usable: Sequence[OutsideSeen]) -> None:
    external._check_names(
        [
            external._Read(
                each.source, each.features, list(each.ignored), pd.DataFrame({"label": list(each.labels)}), []
            )
            for each in usable
            if each.features is not None
        ]
    )


def _joined(usable: Sequence[OutsideSeen]) -> pd.DataFrame:
    joined = pd.concat([each.features for each in usable if each.features is not None], axis=1, join="outer")
    return joined.copy().rename_axis("store_id").rename_axis(None, axis=1).reset_index()


def _ignored(usable: Sequence[OutsideSeen]) -> pd.DataFrame:
    reasons = dict(sorted(pair for each in usable for pair in each.ignored))
    return pd.DataFrame(list(reasons.items()), columns=["feature", "reason"], dtype=object)


def _owners(usable: Sequence[OutsideSeen]) -> dict[str, OutsideSeen]:
    owners = {name: each for each in usable for name, _ in each.ignored}
    return owners | {name: each for each in usable if each.features is not None for name in each.features.columns}


def _say_report(
    report: pd.DataFrame,
    features: pd.DataFrame,
    owners: dict[str, OutsideSeen],
    settings: ExternalPreprocessing,
    findings: Findings,
) -> None:
    actions = report[["feature", "action", "reason", "imputed_share"]]
    for name, action, reason, imputed in actions.itertuples(index=False):
        owner = owners.get(name) or owners.get(name.partition("=")[0])
        if owner is None:
            continue
        text = _in_words(name, action, reason, imputed, features, settings)
        if text:
            findings.doubt(owner.name, f"{owner.source.title}: column '{name}' {text}")


def _in_words(
    name: str, action: str, reason: str, imputed: float, features: pd.DataFrame, settings: ExternalPreprocessing
) -> str:
    """The doubt about a column, in words; empty without a doubt. Levels of a text have no separate lines."""
    if action == "dropped":
        return f"will not be used: {reason}; {external.NEXT}"
    if name not in features.columns:
        return ""
    if imputed > MANY_MISSING:
        return f"is missing in {imputed:.1%} of the stores, and used all the same; fill it in, or name it in ignore"
    if not pd.api.types.is_numeric_dtype(features[name]):
        levels = features[name].nunique()
        if 2 * levels > settings.max_levels:
            return f"has {counted(levels, 'level', 'levels')}, and becomes as many features; group them, or name it in ignore or labels"
    elif is_identifier_name(name) and not codes.are_codes(name, features[name].dropna().to_numpy("float64")):
        return "looks like an identifier by its name, and is used as a number; name it in ignore or labels, unless it measures something"
    return ""
