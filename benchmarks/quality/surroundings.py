"""Planted outside data: groups of stores in features as retailers have them, correlated, skewed, mixed, heavy-tailed, or without signal.

Each shape is drawn from a seed, with a given number of groups; with 1 group the stores have no structure. Texts are columns of texts,
so that a set goes through the preprocessing as raw outside data does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

Drawn = tuple[dict[str, np.ndarray], np.ndarray]


class Surroundings(NamedTuple):
    """`features`: store_id, and a column per feature. `groups` (n,): each store's planted group, from 0."""

    features: pd.DataFrame
    groups: np.ndarray


def surroundings(shape: str, seed: int, groups: int, stores: int = 240) -> Surroundings:
    """A set of one shape of `SHAPES`; the same arguments draw the same set."""
    random = np.random.default_rng([seed, groups, stores, *shape.encode()])
    columns, labels = SHAPES[shape](random, groups, stores)
    features = pd.DataFrame(columns)
    features.insert(0, "store_id", [f"store{number:04d}" for number in range(stores)])
    return Surroundings(features, labels)


def _sizes(random: np.random.Generator, groups: int, stores: int) -> np.ndarray:
    """Labels (n,): no group has less than half an equal share."""
    shares = 0.5 / groups + 0.5 * random.dirichlet(np.full(groups, 4.0))
    return np.sort(random.choice(groups, stores, p=shares))


def _middles(random: np.random.Generator, groups: int, d: int, apart: float) -> np.ndarray:
    """Middles (groups, d), of which the nearest two lie `apart` from each other."""
    if groups == 1:
        return np.zeros((1, d))
    best, widest = np.zeros((groups, d)), -1.0
    for _ in range(40):
        drawn = random.normal(size=(groups, d))
        gaps = np.linalg.norm(drawn[:, None] - drawn[None], axis=2)[np.triu_indices(groups, 1)]
        even = float(gaps.min() / gaps.max())
        if even > widest:
            best, widest = drawn * apart / gaps.min(), even
    return best - best.mean(axis=0)


def _named(values: np.ndarray, prefix: str = "f") -> dict[str, np.ndarray]:
    return {f"{prefix}{number:02d}": column for number, column in enumerate(values.T)}


def _balls(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Compact groups in three features, one of them in the middle of the others."""
    axes = np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])[:groups] * 3.0
    labels = _sizes(random, groups, stores)
    return _named(axes[labels] + random.normal(scale=0.65, size=(stores, 3))), labels


def _blocks(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Four blocks of five features each, strongly correlated within a block; groups differ in what is behind the blocks."""
    labels = _sizes(random, groups, stores)
    latent = _middles(random, groups, 4, 5.0)[labels] + random.normal(size=(stores, 4))
    signs = random.choice([-1.0, 1.0], size=20) * random.uniform(0.7, 1.3, size=20)
    values = np.repeat(latent, 5, axis=1) * signs + random.normal(scale=0.45, size=(stores, 20))
    return _named(values), labels


def _size_factor(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Twelve features that all grow with the size of the town; groups differ in what is left."""
    labels = _sizes(random, groups, stores)
    size = random.normal(scale=1.5, size=(stores, 1)) * random.uniform(0.8, 1.2, size=12)
    values = size + _middles(random, groups, 12, 4.5)[labels] * 0.6 + random.normal(scale=0.6, size=(stores, 12))
    return _named(np.exp(10 + 0.6 * values)), labels


def _skewed(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Incomes, populations and counts: everything is skewed to the right."""
    labels = _sizes(random, groups, stores)
    values = _middles(random, groups, 10, 5.0)[labels] + random.normal(size=(stores, 10))
    income = np.exp(10 + 0.5 * values[:, :4])
    population = np.round(np.exp(9 + 0.9 * values[:, 4:7]))
    counts = random.poisson(np.exp(1.5 + 0.6 * values[:, 7:]))
    return _named(income, "income") | _named(population, "population") | _named(counts.astype(float), "count"), labels


def _mixed(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Numbers, flags and texts; the region says nothing, the type and the flags something."""
    labels = _sizes(random, groups, stores)
    numbers = _middles(random, groups, 6, 4.5)[labels] + random.normal(size=(stores, 6))
    numbers[:, 3:] = np.exp(8 + 0.5 * numbers[:, 3:])
    chances = random.uniform(0.1, 0.9, size=(groups, 3))[labels]
    flags = (random.random((stores, 3)) < chances).astype(float)
    kinds = random.dirichlet(np.full(3, 0.8), size=groups)
    kind = np.array([random.choice(["park", "street", "centre"], p=kinds[label]) for label in labels], dtype=object)
    region = random.choice(np.array(["north", "south", "east", "west"], dtype=object), size=stores)
    return _named(numbers) | _named(flags, "flag") | {"kind": kind, "region": region}, labels


def _tails(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Eight correlated features with tails of Student's t of 3 degrees of freedom."""
    labels = _sizes(random, groups, stores)
    mixing = np.eye(8) + 0.5 * random.normal(size=(8, 8))
    scatter = random.standard_t(3, size=(stores, 8)) / np.sqrt(3.0)
    values = (_middles(random, groups, 8, 6.0)[labels] + scatter) @ mixing
    return _named(values), labels


def _few_telling(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Three features in which the groups differ, beside twelve without any signal."""
    labels = _sizes(random, groups, stores)
    telling = _middles(random, groups, 3, 5.5)[labels] + random.normal(size=(stores, 3))
    return _named(telling) | _named(random.normal(size=(stores, 12)), "noise"), labels


def _own_scatter(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Ten correlated features; each group has a scatter of its own, the widest three times the narrowest."""
    labels = _sizes(random, groups, stores)
    widths = np.geomspace(0.6, 1.8, groups) if groups > 1 else np.ones(1)
    latent = _middles(random, groups, 3, 7.0)[labels] + widths[labels][:, None] * random.normal(size=(stores, 3))
    values = latent @ random.normal(size=(3, 10)) + 0.4 * random.normal(size=(stores, 10))
    return _named(values), labels


def _towns(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """What a retailer has: population, income, shares of age groups, area, competitors, footfall, a flag, and the region."""
    labels = _sizes(random, groups, stores)
    latent = _middles(random, groups, 4, 4.5)[labels] + random.normal(size=(stores, 4))
    urban, rich, young, large = latent.T
    noise = random.normal(size=(stores, 10))
    ages = np.column_stack([0.5 * young, 0.2 * young, -0.1 * young, -0.5 * young]) + 0.12 * noise[:, :4]
    ages = np.exp(ages) / np.exp(ages).sum(axis=1, keepdims=True)
    near = np.round(np.exp(9.5 + 0.6 * urban + 0.15 * noise[:, 4]))
    return {
        "population_1km": near,
        "population_5km": np.round(near * np.exp(2 + 0.15 * urban + 0.15 * noise[:, 5])),
        "median_income": np.exp(10.3 + 0.18 * rich + 0.05 * noise[:, 6]),
        "house_price": np.exp(12.3 + 0.3 * rich + 0.1 * urban + 0.1 * noise[:, 7]),
        "area": np.round(np.exp(7 + 0.35 * large + 0.1 * noise[:, 8])),
        "parking": random.poisson(np.exp(4 + 0.4 * large - 0.3 * urban)).astype(float),
        "competitors": random.poisson(np.exp(1.2 + 0.5 * urban)).astype(float),
        "footfall": np.round(np.exp(8 + 0.4 * urban + 0.2 * large + 0.2 * noise[:, 9])),
        "near_station": (random.random(stores) < 1 / (1 + np.exp(-urban))).astype(float),
        "region": random.choice(np.array(["north", "south", "east", "west"], dtype=object), size=stores),
        **_named(ages, "age"),
    }, labels


def _rarely(random: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Measures that 55 to 95 % of the stores lack: what the values (n, d) have above a quantile, in whole tenths."""
    shares = random.uniform(0.55, 0.95, size=values.shape[1])
    least = np.array([np.quantile(column, share) for column, share in zip(values.T, shares, strict=True)])
    return np.round(np.maximum(values - least, 0.0) * 10.0)


def _rare_measures(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Sixteen measures that most stores lack; groups differ in three things behind them."""
    labels = _sizes(random, groups, stores)
    latent = _middles(random, groups, 3, 5.0)[labels] + random.normal(size=(stores, 3))
    values = latent @ random.normal(size=(3, 16)) + random.normal(size=(stores, 16))
    return _named(_rarely(random, values)), labels


def _some_rare(random: np.random.Generator, groups: int, stores: int) -> Drawn:
    """Eight measures of three things, beside six measures of the same things that most stores lack."""
    labels = _sizes(random, groups, stores)
    latent = _middles(random, groups, 3, 5.0)[labels] + random.normal(size=(stores, 3))
    usual = latent @ random.normal(size=(3, 8)) + 0.8 * random.normal(size=(stores, 8))
    rare = latent @ random.normal(size=(3, 6)) + 1.5 * random.normal(size=(stores, 6))
    return _named(usual) | _named(_rarely(random, rare), "rare"), labels


def _axis(random: np.random.Generator, _groups: int, stores: int) -> Drawn:
    """Stores along one line from the country to the city, whatever number of groups is asked for."""
    along = random.uniform(-1.7, 1.7, size=(stores, 1)) * random.choice([-1.0, 1.0], size=10)
    return _named(along + 0.5 * random.normal(size=(stores, 10))), np.zeros(stores, dtype=int)


SHAPES: Mapping[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "balls": _balls,
    "blocks": _blocks,
    "size factor": _size_factor,
    "skewed": _skewed,
    "mixed": _mixed,
    "tails": _tails,
    "few telling": _few_telling,
    "own scatter": _own_scatter,
    "towns": _towns,
    "rare measures": _rare_measures,
    "some rare": _some_rare,
    "axis": _axis,
}
