"""Turn one column of the outside data into no, one or several features, each with its action and reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.errors import RawDataError
from pipeline.settings import ExternalPreprocessing
from pipeline.wording import counted

Action = Literal["kept", "transformed", "dropped"]

_IDENTIFIER_WORDS = frozenset({"id", "nbr", "number", "no", "key", "code"})
_IDENTIFIED = "(?:store|shop|site|branch|location|loc|zip|post|postal|area)"
_NEARLY_EVERY = (
    0.95  # distinct texts per observed store; from here on a text identifies stores instead of grouping them
)
_EVENED_OUT = 0.5  # of the skewness of measures, at most, must be left after the logarithm
_FEWEST = 3  # observed stores; with fewer, "distinct in every store" means nothing


@dataclass(frozen=True)
class Feature:
    """A column, or a level of a column, after the decision. `values` is None if it was dropped or replaced by its levels.

    `level` is the text that counts as 1; `other_level` the text that counts as 0 if there are two. `fill` replaces a missing
    value, before any logarithm.
    """

    name: str
    column: str
    action: Action
    reason: str
    imputed_share: float = 0.0
    values: np.ndarray | None = None
    level: str | None = None
    other_level: str | None = None
    fill: float | None = None


def features_of(name: str, values: pd.Series, settings: ExternalPreprocessing) -> list[Feature]:
    """The features of a column.

    Parameters
    ----------
    name : the column's name
    values : a value per store, numbers with NaN or texts with None; at least one store
    settings : limits and how to impute

    Returns
    -------
    A feature with the name of the column; then its levels, if it is categorical; then the indicator of missing values, if
    there is one.

    Raises
    ------
    RawDataError : it is protected and has no value
    """
    numeric = pd.api.types.is_numeric_dtype(values)
    observed = values.dropna()
    missing = 1 - len(observed) / len(values)
    protected = name in settings.protected
    if protected and observed.empty:
        raise RawDataError(
            f"{name!r} has no value in any store, but is in external.preprocessing.protected; remove it there"
        )
    unusable = _unusable(name, observed, missing, settings, numeric=numeric)
    if unusable and not protected:
        return [Feature(name, name, "dropped", unusable)]
    if numeric:
        features = [_numeric(name, values.to_numpy("float64"), missing, settings)]
    else:
        features = _categorical(name, values, observed, missing, settings)
    if unusable:
        features[0] = replace(features[0], reason=f"{features[0].reason}; protected, though {unusable}")
    if missing and settings.missing_indicators:
        flags = values.isna().to_numpy("float64")
        features.append(Feature(f"{name} is missing", name, "kept", f"1 where {name} is missing", values=flags))
    return features


def _unusable(name: str, observed: pd.Series, missing: float, settings: ExternalPreprocessing, *, numeric: bool) -> str:
    distinct = observed.nunique()
    if missing > settings.max_missing_share:
        return f"missing in {missing:.1%} of the stores (limit {settings.max_missing_share:.1%})"
    if distinct <= 1:
        return f"constant: {observed.iloc[0]}" if distinct else "no value in any store"
    if numeric:
        if is_identifier_name(name) and distinct == len(observed) >= _FEWEST and bool((observed % 1 == 0).all()):
            return "an identifier: whole numbers, distinct in every store, under the name of one"
        return ""
    if len(observed) >= _FEWEST and distinct >= _NEARLY_EVERY * len(observed):
        return f"an identifier: {counted(distinct, 'different text', 'different texts')} in {counted(len(observed), 'store', 'stores')}{_almost_numbers(observed)}"
    if distinct > settings.max_levels:
        return f"{distinct} levels (limit {settings.max_levels}){_almost_numbers(observed)}"
    return ""


def is_identifier_name(name: str) -> bool:
    """Whether a column's name ends in a word for an identifier: id, nbr, number, no, key or code, in any case.

    Words end at anything that is not a letter, and where a capital follows a small letter: STORE_NBR, storeId, "Key".
    Joined words, such as storeid or ZIPCODE, count if the part before is a kind of location; "paid" and "casino" do not end
    in such a word.
    """
    last = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)[-1:] or [""]
    return re.sub(f"^{_IDENTIFIED}", "", last[0].lower()) in _IDENTIFIER_WORDS


def _almost_numbers(observed: pd.Series) -> str:
    """A hint if most texts are numbers: the file probably marks missing values by a word."""
    others = observed[pd.to_numeric(observed, errors="coerce").isna()]
    if len(others) == 0 or len(others) > len(observed) / 2:
        return ""
    return f"; most are numbers, but '{others.min()}' is not: leave missing values empty"


def _numeric(name: str, values: np.ndarray, missing: float, settings: ExternalPreprocessing) -> Feature:
    is_missing = np.isnan(values)
    observed = np.sort(values[~is_missing])
    fill = IMPUTATIONS[settings.imputation](observed)
    filled = np.where(is_missing, fill, values)
    imputed = f"; {missing:.1%} imputed with the {settings.imputation}" if missing else ""
    skewness = _skewness(observed)
    if skewness > settings.max_skewness and _is_evened_out(observed, skewness):
        reason = f"log1p: skewness {skewness:.2f} (limit {settings.max_skewness:g}){imputed}"
        return Feature(name, name, "transformed", reason, missing, np.log1p(filled), fill=fill)
    return Feature(name, name, "kept", f"numeric{imputed}", missing, filled, fill=fill)


def _median(observed: np.ndarray) -> float:
    return float(np.median(observed))


def _mean(observed: np.ndarray) -> float:
    return math.fsum(observed) / len(observed)


IMPUTATIONS: Mapping[str, Callable[[np.ndarray], float]] = {"median": _median, "mean": _mean}


def _skewness(observed: np.ndarray) -> float:
    """The adjusted Fisher-Pearson skewness G1 (Joanes & Gill 1998, The Statistician 47:183-189).

    Minus infinity if the values have no logarithm or say little about a shape: negative, with only two different values (flags), or fewer
    than three.
    """
    if len(observed) < 3 or observed[0] < 0 or len(np.unique(observed)) < 3:
        return -math.inf
    return _adjusted_skewness(observed)


def _adjusted_skewness(values: np.ndarray) -> float:
    count = len(values)
    deviations = (values - values.mean()) / values.std(ddof=1)
    return float(count / ((count - 1) * (count - 2)) * (deviations**3).sum())


def _is_evened_out(observed: np.ndarray, skewness: float) -> bool:
    """Whether log1p suits skewed values: they are counts, or it takes most of their skewness.

    It does little to small fractions, and turns values with a tail on either side round.
    """
    if (observed == np.floor(observed)).all():
        return True
    return abs(_adjusted_skewness(np.log1p(observed))) < _EVENED_OUT * skewness


def _categorical(
    name: str, values: pd.Series, observed: pd.Series, missing: float, settings: ExternalPreprocessing
) -> list[Feature]:
    """One column of zeros and ones per level.

    A store with a missing level has zeros in all of them. With two levels, only the later one by name has a column. It is
    imputed like a number, because zeros would mean the other level.
    """
    levels = sorted(observed.unique())
    note = f"; {missing:.1%} missing" if missing else ""
    whole = Feature(name, name, "transformed", f"one column per level: {', '.join(levels)}{note}", missing)
    if len(levels) == 2:
        flag = np.where(values.isna(), np.nan, (values == levels[1]).to_numpy("float64"))
        feature = _numeric(f"{name}={levels[1]}", flag, missing, settings)
        reason = f"level of {name}; 0 is {levels[0]}{feature.reason.removeprefix('numeric')}"
        whole = Feature(name, name, "transformed", f"two levels, one column: {feature.name}{note}", missing)
        feature = replace(feature, column=name, reason=reason, level=str(levels[1]), other_level=str(levels[0]))
        return [whole, feature]
    note = f"; 0 where missing ({missing:.1%})" if missing else ""
    return [
        whole,
        *(
            Feature(
                f"{name}={level}",
                name,
                "kept",
                f"level of {name}{note}",
                missing,
                (values == level).fillna(False).to_numpy("float64"),
                level=str(level),
                fill=0.0,
            )
            for level in levels
        ),
    ]
