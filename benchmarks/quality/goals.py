"""The goals of each level, and what was measured beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.quality.methods import DEFAULTS, ORACLE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


class Goal(NamedTuple):
    """What a level has to show: a figure of the method's results, given the oracle's on the same sets."""

    level: str
    what: str
    least: float
    figure: Callable[[pd.DataFrame, pd.DataFrame], float]
    method: str = DEFAULTS
    k_is_one: bool = False


def _exact(found: pd.DataFrame, _: pd.DataFrame) -> float:
    return float((found["found_k"] == found["true_k"]).mean())


def _of_the_oracle(found: pd.DataFrame, oracle: pd.DataFrame) -> float:
    """Mean ARI by the oracle's mean ARI, over the sets that both have."""
    both = found.merge(oracle, on=["source", "level", "k", "seed"], suffixes=("", "_oracle"))
    return float(both["ari"].mean() / both["ari_oracle"].mean())


def _no_structure(found: pd.DataFrame, _: pd.DataFrame) -> float:
    return float(found["verdict"].isin(["no structure", "axis"]).mean())


def _one_axis(found: pd.DataFrame, _: pd.DataFrame) -> float:
    return float(found["verdict"].eq("axis").mean())


def _never_separated(found: pd.DataFrame, _: pd.DataFrame) -> float:
    return float((found["verdict"] != "separated").mean())


GOALS = [
    Goal("easy", "k exact", 0.98, _exact),
    Goal("easy", "ARI / the oracle's", 1.00, _of_the_oracle),
    Goal("medium", "k exact", 0.94, _exact),
    Goal("medium", "ARI / the oracle's", 1.00, _of_the_oracle),
    Goal("hard", "ARI / the oracle's", 1.10, _of_the_oracle),
    Goal("heavy", "k exact", 0.94, _exact),
    Goal("heavy", "ARI / the oracle's", 1.00, _of_the_oracle),
    Goal("outliers", "k exact", 0.94, _exact),
    Goal("outliers", "ARI / the oracle's", 1.00, _of_the_oracle),
    Goal("noisy", "k exact", 0.90, _exact),
    Goal("noisy", "ARI / the oracle's", 1.04, _of_the_oracle),
    Goal("easy", "no structure or an axis at k = 1", 0.95, _no_structure, k_is_one=True),
    Goal("medium", "no structure or an axis at k = 1", 0.95, _no_structure, k_is_one=True),
    Goal("hard", "no structure or an axis at k = 1", 0.95, _no_structure, k_is_one=True),
    Goal("gradient", "not separated", 1.00, _never_separated, k_is_one=True),
    Goal("gradient", "one axis", 0.90, _one_axis, k_is_one=True),
]


class Measured(NamedTuple):
    """A goal's figure over so many sets; none where no set was measured."""

    goal: Goal
    figure: float | None
    sets: int


def measure(results: pd.DataFrame) -> list[Measured]:
    """Each goal over the results of one source."""
    oracle = results[results["method"] == ORACLE]
    measured = []
    for goal in GOALS:
        of_goal = results["method"].eq(goal.method) & results["level"].eq(goal.level)
        found = results[of_goal & (results["true_k"].eq(1) == goal.k_is_one)]
        if goal.figure is _of_the_oracle:
            found = found.merge(oracle[["source", "level", "k", "seed"]])
        figure = goal.figure(found, oracle) if len(found) else None
        measured.append(Measured(goal, figure, len(found)))
    return measured
