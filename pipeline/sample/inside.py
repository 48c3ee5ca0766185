"""The planted internal sales, by store, SKU and week, and the planted need states.

A cluster sells more of its own need states: need state j of a category belongs to cluster 1 + j mod k. A store's mix is
drawn from a Dirichlet distribution around its cluster's mix, with equal noise in the square roots of the shares. It is sold
in whole units (Poisson) at prices in cents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sample.planted import CATEGORIES, NONE, OUTLIER, Category
from pipeline.sample.stores import Stores
from pipeline.settings import SampleData

_TILT = 2.2  # how much more of its own need states a cluster sells
_CONCENTRATION = 220.0  # of the Dirichlet distribution: stores of a cluster differ by 1 / (2 sqrt(220)) in root shares
_OUTLIER_MIX = 0.75  # the share of an outlier store's main need state
_UNITS = 5.0  # a store's mean units per SKU and week
_RETURNS = 0.01  # of the rows: one unit was returned
_TWO_NEEDS = 0.08  # of the SKUs: they serve a second need state
_UNMAPPED = 0.0125  # of the SKUs: they are missing in the need-state map
_UNMAPPED_SALES = 0.3  # how an unmapped SKU sells, compared with another


@dataclass(frozen=True)
class _Skus:
    """A category's SKUs: numbers within all SKUs, need states by position, popularity, prices in cents."""

    number: NDArray[np.int64]
    need_state: NDArray[np.int64]
    second: NDArray[np.int64]
    unmapped: NDArray[np.bool_]
    popularity: NDArray[np.float64]
    price: NDArray[np.int64]


def sales_and_need_states(
    stores: Stores, settings: SampleData, random: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw both tables.

    Returns
    -------
    sales : store_id, sku_id, category (all categorical), week (from 1), sales_value (currency, whole cents; returns are
        rows of their own, and negative)
    need_states : sku_id, category, need_state
    """
    names = np.array([str(100_001 + number) for number in range(settings.skus)], dtype=object)
    size = random.lognormal(0.0, 0.35, len(stores.ids))
    season = 1 + 0.15 * np.sin(2 * np.pi * np.arange(settings.weeks) / 52)
    numbers = np.array_split(np.arange(settings.skus), len(CATEGORIES))
    rows, maps = [], []
    for position, category in enumerate(CATEGORIES):
        skus = _skus(category, numbers[position], random)
        maps.append(_need_states(category, skus, names))
        units = _mean_units(category, skus, stores.inside[position], size, random)
        sold = _sold(units, season, skus, random)
        if position == len(CATEGORIES) - 1:
            _return_nearly_all(sold, stores.returning, skus)
        rows.append((*sold, np.full(len(sold[0]), position, dtype=np.int8)))
    store, sku, week, cents, category_code = (np.concatenate(column) for column in zip(*rows, strict=True))
    sales = pd.DataFrame(
        {
            "store_id": pd.Categorical.from_codes(store, stores.ids),
            "sku_id": pd.Categorical.from_codes(sku, names),
            "category": pd.Categorical.from_codes(category_code, [category.name for category in CATEGORIES]),
            "week": week,
            "sales_value": cents / 100,
        }
    )
    need_states = pd.concat(maps).sort_values(["sku_id", "category", "need_state"], ignore_index=True)
    return sales, need_states


def _skus(category: Category, numbers: NDArray[np.int64], random: np.random.Generator) -> _Skus:
    """SKUs get need states in turn; a second need state belongs to the same cluster, so splitting does not blur clusters."""
    count = len(numbers)
    need_state = np.arange(count) % len(category.need_states)
    available = int(need_state.max()) + 1
    second = np.full(count, -1)
    both = random.choice(count, max(1, round(_TWO_NEEDS * count)), replace=False)
    further = need_state[both] + category.k
    second[both] = np.maximum(np.where(further < available, further, need_state[both] - category.k), -1)
    unmapped = np.zeros(count, dtype=bool)
    single = np.flatnonzero(second < 0)
    unmapped[random.choice(single, max(1, round(_UNMAPPED * count)), replace=False)] = True
    popularity = random.lognormal(0.0, 0.5, count)
    price = np.maximum(49, np.round(100 * random.lognormal(1.1, 0.4, count))).astype(np.int64)
    return _Skus(numbers, need_state, second, unmapped, popularity, price)


def _need_states(category: Category, skus: _Skus, names: NDArray[np.object_]) -> pd.DataFrame:
    mapped, twice = ~skus.unmapped, skus.second >= 0
    states = np.concatenate([skus.need_state[mapped], skus.second[twice]])
    return pd.DataFrame(
        {
            "sku_id": names[np.concatenate([skus.number[mapped], skus.number[twice]])],
            "category": category.name,
            "need_state": np.array(list(category.need_states), dtype=object)[states],
        }
    )


def _mixes(
    category: Category, clusters: NDArray[np.int64], available: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """The share of each need state in the sales of each store: (stores, need states)."""
    base = np.array(list(category.need_states.values()))[:available]
    own = np.arange(available) % category.k
    mixes = np.empty((len(clusters), available))
    for cluster in range(1, category.k + 1):
        profile = base * np.where(own == cluster - 1, _TILT, 1.0)
        members = clusters == cluster
        mixes[members] = random.dirichlet(_CONCENTRATION * profile / profile.sum(), int(members.sum()))
    for number, store in enumerate(np.flatnonzero(clusters == OUTLIER)):
        mixes[store] = (1 - _OUTLIER_MIX) * base / base.sum()
        mixes[store, number % available] += _OUTLIER_MIX
    mixes[clusters == NONE] = 0.0
    return mixes


def _mean_units(
    category: Category,
    skus: _Skus,
    clusters: NDArray[np.int64],
    size: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Mean units per week (stores, SKUs): the mix in value, over the SKUs of each need state by popularity.

    Unmapped SKUs sell on top of the mix.
    """
    available = int(skus.need_state.max()) + 1
    popularity = np.where(skus.unmapped, 0.0, skus.popularity)
    together = np.bincount(skus.need_state, popularity, available)
    within = popularity / np.where(together > 0, together, 1.0)[skus.need_state]
    within[skus.unmapped] = _UNMAPPED_SALES / np.bincount(skus.need_state)[skus.need_state[skus.unmapped]]
    value = _mixes(category, clusters, available, random)[:, skus.need_state] * within
    total = _UNITS * float(skus.price.sum()) * size
    units: NDArray[np.float64] = total[:, None] * value / skus.price
    return units


def _sold(
    units: NDArray[np.float64], season: NDArray[np.float64], skus: _Skus, random: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Store, SKU, week and cents of every row: first the sales, then the returns."""
    sold = random.poisson(units[:, :, None] * season)
    store, sku, week = np.nonzero(sold)
    cents = sold[store, sku, week] * skus.price[sku]
    back = random.random(len(store)) < _RETURNS
    return (
        np.concatenate([store, store[back]]).astype(np.int32),
        skus.number[np.concatenate([sku, sku[back]])].astype(np.int32),
        np.concatenate([week, week[back]]).astype(np.int32) + np.int32(1),
        np.concatenate([cents, -skus.price[sku[back]]]),
    )


def _return_nearly_all(
    sold: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]],
    returning: int,
    skus: _Skus,
) -> None:
    """Turn the store's sales of all need states but the first into returns."""
    store, sku, _, cents = sold
    elsewhere = np.isin(sku, skus.number[(skus.need_state > 0) & ~skus.unmapped])
    flipped = (store == returning) & elsewhere & (cents > 0)
    cents[flipped] *= -1
