"""Which method a category is merged by, and what each of them makes of its stores and of resamples of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import bootstrap
from pipeline.core.merging.cells import Merged
from pipeline.core.merging.crossing import cross, internal_as_they_stand, too_few
from pipeline.core.merging.joint import joined, joint
from pipeline.core.merging.nesting import PERMUTATIONS_OF_REFITS, nest
from pipeline.core.merging.refits import refit
from pipeline.core.merging.stores import CategoryStores, floor_of
from pipeline.settings import Merging

METHODS = ("cross", "nested", "consensus", "weighted")
_RESAMPLES, _INTERNAL, _EXTERNAL = 24, 25, 26  # what a stream of random numbers is for


class Result(NamedTuple):
    """What a method made of the category, and of each resample of its stores: the cells (B, n) of all stores."""

    merged: Merged
    refits: NDArray[np.int64]


class Category:
    """One category's stores, with their resamples and the refits of both sides, made once for all methods.

    Parameters
    ----------
    stores : in order of values
    settings : resolved for the category
    """

    def __init__(self, stores: CategoryStores, settings: Merging) -> None:
        self.stores = stores
        self.settings = settings
        self.space = stores.space(settings)
        self.floor = floor_of(settings, len(stores.store_id))
        self.stands = int(stores.known.sum()) < self.floor
        random = np.random.default_rng([settings.random_state, _RESAMPLES])
        fitted = stores.fitted
        self.drawn = np.zeros((settings.resamples, len(fitted)))
        self.drawn[:, fitted] = bootstrap.resample(int(fitted.sum()), settings.resamples, random)
        self._sides: list[CategoryStores] | None = None

    def taken(self) -> tuple[str, str]:
        """The method that is taken, and why in words: the one that is set, but `nested` where a crossing is too thin."""
        few = too_few(self.stores, self.floor) if self.settings.method == "cross" and not self.stands else ""
        if few:
            return "nested", f"{few}: nested instead"
        return self.settings.method, f"{self.settings.method} is set"

    def result(self, method: str) -> Result:
        """What a method makes of the category. Where the internal clusters stand, every method leaves them as they are."""
        if self.stands:
            merged = internal_as_they_stand(self.stores, self.floor)
            return Result(merged, np.stack([stores.internal for stores in self._refitted()]))
        if method in ("consensus", "weighted"):
            return self._joint(method)
        seed = self.settings.random_state
        if method == "cross":
            merged = cross(self.stores, self.space, self.floor)
            again = [cross(stores, self.space, self.floor) for stores in self._refitted()]
        else:
            merged = nest(self.stores, self.space, self.floor, seed)
            again = [nest(s, self.space, self.floor, seed, PERMUTATIONS_OF_REFITS) for s in self._refitted()]
        return Result(merged, np.stack([one.repair.cell for one in again]))

    def _joint(self, method: str) -> Result:
        found = joint(method, self.stores, self.space, self._drawn_known(), self.settings)
        merged = joined(method, self.stores, self.space, self.floor, found.labels, found.reason)
        again = [
            joined(method, stores, self.space, self.floor, labels, "")
            for stores, labels in zip(self._refitted(), found.refits, strict=True)
        ]
        return Result(merged, np.stack([one.repair.cell for one in again]))

    def _drawn_known(self) -> NDArray[np.float64]:
        """The resamples (B, m) of the stores that both sides know; one that drew none of them has each of them once.

        Held-out stores are in none, unless they are all that both sides know.
        """
        fitted = self.stores.fitted[self.stores.known]
        drawn = self.drawn[:, self.stores.known].copy()
        drawn[drawn.sum(axis=1) == 0] = fitted if fitted.any() else 1.0
        return drawn

    def _refitted(self) -> list[CategoryStores]:
        """The stores with the clusters of both sides as every resample gives them, from 1."""
        if self._sides is None:
            stores, known, seed = self.stores, self.stores.known, self.settings.random_state
            inside = np.random.default_rng([seed, _INTERNAL])
            internal = 1 + refit(stores.internal_features, stores.internal, self.drawn, inside)
            external = np.zeros_like(internal)
            if known.any():
                outside = np.random.default_rng([seed, _EXTERNAL])
                features, labels = stores.external_features[known], stores.external[known]
                external[:, known] = 1 + refit(features, labels, self._drawn_known(), outside)
            self._sides = [
                stores._replace(internal=of_internal, external=of_external)
                for of_internal, of_external in zip(internal, external, strict=True)
            ]
        return self._sides
