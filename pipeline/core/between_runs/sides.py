"""The sales of two loads side by side."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.core.between_runs.arrival_changes import percent
from pipeline.core.between_runs.delivery import Sales
from pipeline.settings import Deliveries

_UNIT = 5.0  # times as much, which no delivery makes that is there twice


class Sides(NamedTuple):
    """The sales before and now, and the limits.

    `files` and `stores` : how many times as many as before there are, at least 1; `last_weeks` : how many weeks are read, None for all
    """

    was: Sales
    now: Sales
    files: float
    stores: float
    settings: Deliveries
    last_weeks: int | None


def relative(was: float, now: float) -> float:
    """The change of a figure, as a share of what it was; 0 where it was not positive."""
    return now / was - 1 if was > 0 else 0.0


def signed(change: float) -> str:
    """A change in percent with its sign."""
    return f"{'+' if change > 0 else ''}{percent(change)}"


def cause(times: float) -> str:
    """What to look for where sales are so many times what they were."""
    return "see whether amounts are in another unit" if times > _UNIT else "see whether a delivery is there twice"
