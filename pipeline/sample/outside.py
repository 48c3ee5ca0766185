"""The planted outside data: features of the stores' surroundings that follow the outside clusters, and labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sample.planted import NONE, OUTLIER
from pipeline.sample.stores import Stores

_LEVELS = ("urban", "suburban", "rural")
_MISSING = 0.03  # of the stores, in each of two features
_REGIONS = ("North", "East", "South", "West")
_TOWNS = ("Ash", "Brook", "Clay", "Dun", "Elm", "Fair", "Green", "Hart", "Kings", "Long", "Mill", "North", "Oak", "Red")
_ENDINGS = ("bury", "dale", "field", "ford", "ham", "hill", "ley", "mouth", "port", "ton", "well", "wick")
_FAR = 9.0  # the distance of an outlier store from the middle, in standard deviations


def external(stores: Stores, random: np.random.Generator) -> pd.DataFrame:
    """Draw the outside data: store_id, features, labels; one row per store in it.

    MEAN_INCOME nearly repeats MEDIAN_INCOME, VAT_RATE is constant, POPULATION_5KM is a skewed count, AREA_TYPE is categorical
    with one level per cluster; HOMEOWNER_SHARE and CARS_PER_HOUSEHOLD have gaps.
    """
    has_data = stores.outside != NONE
    clusters = stores.outside[has_data]
    income = _around((-1.6, 0.3, 1.9), clusters, random)
    frame = pd.DataFrame({"store_id": stores.ids[has_data]})
    frame["MEDIAN_INCOME"] = np.round(48_000 + 9_000 * income, -2)
    frame["MEAN_INCOME"] = np.round(53_000 + 10_000 * (income + 0.1 * random.standard_normal(len(frame))), -2)
    frame["POPULATION_5KM"] = np.round(np.exp(9.8 + 0.55 * _around((2.0, 0.0, -2.0), clusters, random)))
    frame["SHARE_OVER_65"] = _share(0.19 + 0.03 * _around((-1.5, 1.7, 0.4), clusters, random))
    frame["HOMEOWNER_SHARE"] = _share(0.52 + 0.07 * _around((-2.0, 0.4, 1.7), clusters, random))
    frame["CARS_PER_HOUSEHOLD"] = np.round(1.5 + 0.15 * _around((-1.8, 0.0, 1.8), clusters, random), 2)
    frame["COMPETITORS_5KM"] = np.maximum(0, np.round(12 + 2.5 * _around((1.8, 0.2, -1.8), clusters, random)))
    frame["AREA_TYPE"] = np.array(_LEVELS, dtype=object)[np.maximum(clusters, 1) - 1]
    frame["VAT_RATE"] = 19.0
    for name in ("HOMEOWNER_SHARE", "CARS_PER_HOUSEHOLD"):
        frame.loc[random.choice(len(frame), max(1, round(_MISSING * len(frame))), replace=False), name] = np.nan
    frame["STORE_NAME"] = _names(len(frame), random)
    frame["REGION"] = np.array(_REGIONS, dtype=object)[random.integers(0, len(_REGIONS), len(frame))]
    return frame


def further(clusters: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float64]:
    """A further feature, in minutes, for stores of these outside clusters."""
    return (14 + 2 * _around((-2.0, 0.0, 2.0), clusters, random)).round(1)


def _around(
    centres: tuple[float, ...], clusters: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float64]:
    """A standard normal value around each store's centre; an outlier store is far away, on a random side."""
    values = random.standard_normal(len(clusters))
    sides = random.choice([-_FAR, _FAR], len(clusters))
    return values + np.where(clusters == OUTLIER, sides, np.asarray(centres)[np.maximum(clusters, 1) - 1])


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.clip(0.01, 0.99).round(3)


def _names(count: int, random: np.random.Generator) -> list[str]:
    """Distinct names of stores: a town, with a number if the town has several stores."""
    towns = [town + ending for town in _TOWNS for ending in _ENDINGS]
    order = random.permutation(len(towns))
    rounds, places = np.divmod(np.arange(count), len(towns))
    return [f"{towns[order[town]]}{f' {turn + 1}' if turn else ''}" for turn, town in zip(rounds, places, strict=True)]
