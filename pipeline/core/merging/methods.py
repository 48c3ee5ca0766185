"""The merging method of a category, and the result of each method on its stores and on resamples of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import bootstrap
from pipeline.core.merging.cells import Merged
from pipeline.core.merging.crossing import cross, internal_alone, internal_as_they_stand, too_few
from pipeline.core.merging.nesting import PERMUTATIONS_OF_REFITS, nest
from pipeline.core.merging.refits import refit
from pipeline.core.merging.stores import CategoryStores, floor_of
from pipeline.settings import Merging

AUTO = "auto"  # the setting that leaves the choice to the data
_RESAMPLES, _INTERNAL, _EXTERNAL = 24, 25, 26  # the streams of random numbers


class Result(NamedTuple):
    """The result of a method on the category, and on each resample of its stores: the cells (B, n) of all stores."""

    merged: Merged
    refits: NDArray[np.int64]


class Category:
    """One category's stores, with their resamples and the refits of both sides, computed once for all methods.

    Parameters
    ----------
    stores : in order of values
    settings : as they apply to the category
    earns : whether the outside data earns its place in the category; decides what `auto` takes
    """

    def __init__(self, stores: CategoryStores, settings: Merging, *, earns: bool = True) -> None:
        self.earns = earns
        self.stores = stores
        self.settings = settings
        self.space = stores.space(settings)
        self.floor = floor_of(settings, len(stores.store_id))
        self.stands = int(stores.in_both.sum()) < self.floor
        random = np.random.default_rng([settings.random_state, _RESAMPLES])
        fitted = stores.fitted
        self.drawn = np.zeros((settings.resamples, len(fitted)))
        self.drawn[:, fitted] = bootstrap.resample(int(fitted.sum()), settings.resamples, random)
        self._sides: list[CategoryStores] = []
        self._results: dict[str, Result] = {}
        self.figures: dict[str, dict[str, float]] = {}  # of each method's result, as far as `compare` has measured them

    def if_it(self, *, earns: bool) -> Category:
        """The same category if the outside data earns its place, or if it does not; both share what was computed."""
        answered = copy.copy(self)
        answered.earns = earns
        return answered

    def taken(self) -> tuple[str, str]:
        """The method taken, and the reason in words: `auto` is decided by the data, and a crossing that is too thin is `nested`."""
        method, why = self.settings.method, f"{self.settings.method} is set"
        if method == AUTO:
            method = "cross" if self.earns else "internal"
            why = f"the outside data {'earns' if self.earns else 'does not earn'} its place"
        few = too_few(self.stores, self.floor) if method == "cross" and not self.stands else ""
        return ("nested", f"{few}: nested instead") if few else (method, why)

    def result(self, method: str) -> Result:
        """The result of a method. If the internal clusters stand, every method leaves them unchanged."""
        if method not in self._results:
            self._results[method] = self._computed(method)
        return self._results[method]

    def _computed(self, method: str) -> Result:
        if self.stands:
            merged = internal_as_they_stand(self.stores, self.floor)
            return Result(merged, np.stack([stores.internal for stores in self.refitted()]))
        merged, refits = METHODS[method](self)
        return Result(merged, np.stack([refit.repair.cell for refit in refits]))

    def drawn_in_both(self) -> NDArray[np.float64]:
        """The resamples (B, m) of the stores that both sides have; a resample without any of them gets each of them once.

        Held-out stores are in no resample, unless both sides have no other stores.
        """
        fitted = self.stores.fitted[self.stores.in_both]
        drawn = self.drawn[:, self.stores.in_both].copy()
        drawn[drawn.sum(axis=1) == 0] = fitted if fitted.any() else 1.0
        return drawn

    def refitted(self) -> list[CategoryStores]:
        """The stores with the clusters of both sides, from 1, in every resample."""
        if not self._sides:
            stores, in_both, seed = self.stores, self.stores.in_both, self.settings.random_state
            inside = np.random.default_rng([seed, _INTERNAL])
            internal = 1 + refit(stores.internal_features, stores.internal, self.drawn, inside)
            external = np.zeros_like(internal)
            if in_both.any():
                outside = np.random.default_rng([seed, _EXTERNAL])
                features, labels = stores.external_features[in_both], stores.external[in_both]
                external[:, in_both] = 1 + refit(features, labels, self.drawn_in_both(), outside)
            self._sides += [
                stores._replace(internal=of_internal, external=of_external)
                for of_internal, of_external in zip(internal, external, strict=True)
            ]
        return self._sides


def _internal(category: Category) -> tuple[Merged, list[Merged]]:
    floor = category.floor
    return internal_alone(category.stores, floor), [internal_alone(stores, floor) for stores in category.refitted()]


def _cross(category: Category) -> tuple[Merged, list[Merged]]:
    space, floor = category.space, category.floor
    return cross(category.stores, space, floor), [cross(stores, space, floor) for stores in category.refitted()]


def _nested(category: Category) -> tuple[Merged, list[Merged]]:
    space, floor, seed = category.space, category.floor, category.settings.random_state
    refits = [nest(stores, space, floor, seed, PERMUTATIONS_OF_REFITS) for stores in category.refitted()]
    return nest(category.stores, space, floor, seed), refits


# What each method makes of a category, and of each of its resamples.
METHODS: Mapping[str, Callable[[Category], tuple[Merged, list[Merged]]]] = {
    "internal": _internal,
    "cross": _cross,
    "nested": _nested,
}
