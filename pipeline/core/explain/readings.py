"""Feature values for people: a share of sales in percent, a number in its own unit, yes or no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.schema import RARE

DECIMALS = 10  # as published, so that statements hold for the published values


@dataclass(frozen=True)
class Readings:
    """A feature matrix in units for people, and the kind of each feature.

    `values`: one row per store (index: store_id), one column per feature. `kinds`: by feature,
    `share` (0..1), `number`, or `flag` (0 or 1).
    """

    values: pd.DataFrame
    kinds: dict[str, Literal["share", "number", "flag"]]


def of_shares(shares: pd.DataFrame) -> Readings:
    """Shares of a store's mapped sales, store x feature, 0..1."""
    return Readings(shares.round(DECIMALS), {str(name): "share" for name in shares.columns})


def of_features(features: pd.DataFrame, logged: Iterable[str] = ()) -> Readings:
    """The features of the outside data, store x feature; `logged` features are transformed back from log1p."""
    values = features.astype("float64").copy()
    for name in sorted(set(logged) & set(values.columns)):
        values[name] = np.expm1(values[name])
    values = values.round(DECIMALS)
    return Readings(values, {str(name): "flag" if values[name].isin([0, 1]).all() else "number" for name in values})


def logged(external_feature_report: pd.DataFrame | None) -> list[str]:
    """The features that are log1p values."""
    if external_feature_report is None:
        return []
    transformed = external_feature_report["action"] == "transformed"
    return [str(name) for name in external_feature_report.loc[transformed, "feature"]]


def roundest_between(low: float, high: float) -> float:
    """The number with the fewest decimals that is at least `low` and below `high`, near their middle.

    Any number between them separates values up to `low` from values from `high` on; this one is the shortest to write.
    """
    middle = Decimal(low) + (Decimal(high) - Decimal(low)) / 2
    largest = max(abs(low), abs(high))
    for exponent in range(Decimal(largest).adjusted() if largest else 0, -DECIMALS - 8, -1):
        rounded = float(middle.quantize(Decimal(1).scaleb(exponent)))
        if low <= rounded < high:
            return rounded + 0.0  # no -0.0
    return low


def condition(feature: str, kind: str, above: float | None, at_most: float | None) -> str:
    """That `feature` is above one number, at most another, or both, in words; for a share without the words "of sales"."""
    if kind == "flag":
        name, _, level = feature.partition("=")
        positive = above is not None
        if level:
            return f"{name} is {level}" if positive else f"{name} is not {level}"
        return feature if positive else f"not {feature}"
    bounds = [
        f"{word} {_bound(bound, kind)}" for word, bound in (("above", above), ("at most", at_most)) if bound is not None
    ]
    return f"{feature_phrase(feature)} {' and '.join(bounds)}"


def feature_phrase(feature: str) -> str:
    """The name of a feature in a sentence."""
    return "rare need states" if feature == RARE else feature


def _bound(bound: float, kind: str) -> str:
    number = Decimal(repr(bound))
    if kind == "share":
        return f"{(100 * number).normalize():f} %"
    return f"{number.normalize():,f}"
