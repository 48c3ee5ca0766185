"""Planted sets: what stores of one category sold by need state, with clusters that are known.

The chain has a mix of a few large, many small and some rare need states. A cluster multiplies its share of five common
need states by exp(tilt) or exp(-tilt). A store's mix is a Dirichlet draw around its cluster's, its size is log-normal and says
nothing of the cluster, and what it sells is counted (Poisson), so that small stores are noisy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILTED = 5  # need states in which a cluster differs from the chain
APART = 4  # need states in which two clusters differ at least


@dataclass(frozen=True)
class Level:
    """How difficult a set is.

    `tilt` on the logarithm of shares; `concentration` of the stores' mixes around their cluster's; `units` that a store of
    median size sells; `tails`: degrees of freedom of a scatter of its own for each cluster; `outliers`: stores that belong
    nowhere; `is_gradient`: instead of clusters, stores spread evenly along one tilt.
    """

    tilt: float
    concentration: float
    units: float
    tails: int | None = None
    outliers: int = 0
    is_gradient: bool = False


LEVELS = {
    "easy": Level(1.2, 400, 20_000),
    "medium": Level(0.8, 150, 5_000),
    "hard": Level(0.55, 80, 2_000),
    "heavy": Level(0.9, 150, 5_000, tails=4),
    "outliers": Level(0.8, 150, 5_000, outliers=10),
    "noisy": Level(0.9, 300, 120),
    "gradient": Level(0.8, 150, 5_000, is_gradient=True),
}


class PlantedSet(NamedTuple):
    """`sales`: store_id, category, need_state, sales_cents; `truth`: store_id -> cluster from 0, -1 for outliers."""

    sales: pd.DataFrame
    truth: pd.Series


def planted(*, level: str, k: int, seed: int, stores: int = 240, need_states: int = 18, rare: int = 4) -> PlantedSet:
    """Plant a set; the same arguments give the same set."""
    how = LEVELS[level]
    random = np.random.default_rng([seed, k, sum(level.encode())])
    base = random.gamma(1.5, size=need_states)
    base[:rare] = base.sum() * random.uniform(0.0005, 0.004, rare)
    base /= base.sum()
    sizes = np.maximum(random.dirichlet(np.full(k, 4.0)), 0.6 / k)
    clusters = random.choice(k, size=stores, p=sizes / sizes.sum())
    logs = np.log(base) + _tilts(how, k, clusters, rare, need_states, random)
    if how.tails:
        widths = 0.12 * random.uniform(0.5, 2.0, k)
        logs = logs + widths[clusters][:, None] * random.standard_t(how.tails, logs.shape)
    centres = np.exp(logs)
    centres /= centres.sum(axis=1, keepdims=True)
    mixes = random.gamma(centres * how.concentration + 1e-3)
    strays = random.choice(stores, size=how.outliers, replace=False)
    mixes[strays] = random.gamma(0.4, size=(how.outliers, need_states))
    clusters[strays] = -1
    mixes /= mixes.sum(axis=1, keepdims=True)
    units = random.poisson(how.units * random.lognormal(0.0, 0.8, stores)[:, None] * mixes)
    cents = np.round(100 * units * random.lognormal(1.2, 0.4, need_states)).astype("int64")
    return PlantedSet(_sales(cents), pd.Series(clusters, index=_names("s", stores), name="cluster"))


def _tilts(
    how: Level, k: int, clusters: NDArray[np.int64], rare: int, need_states: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """What each store's cluster, or its place on the gradient, adds to the logarithm of its shares."""
    if how.is_gradient:
        return random.uniform(-1.0, 1.0, len(clusters))[:, None] * _directions(1, rare, need_states, random) * how.tilt
    if k == 1:
        return np.zeros((len(clusters), need_states))
    return _directions(k, rare, need_states, random)[clusters] * how.tilt


def _directions(k: int, rare: int, need_states: int, random: np.random.Generator) -> NDArray[np.float64]:
    """k rows of -1, 0 and 1, none in a rare need state, any two different in at least `APART` places."""
    found = np.empty((0, need_states))
    while len(found) < k:
        places = rare + random.permutation(need_states - rare)[:TILTED]
        row = np.zeros(need_states)
        row[places] = random.integers(0, 2, TILTED) * 2.0 - 1.0
        if ((found != row).sum(axis=1) >= APART).all():
            found = np.vstack([found, row])
    return found


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:04d}" for number in range(count)]


def _sales(cents: NDArray[np.int64]) -> pd.DataFrame:
    stores, need_states = cents.shape
    sales = pd.DataFrame(
        {
            "store_id": np.repeat(_names("s", stores), need_states),
            "category": "Planted",
            "need_state": np.tile(_names("need ", need_states), stores),
            "sales_cents": cents.ravel(),
        }
    )
    return sales[sales["sales_cents"] > 0].reset_index(drop=True)
