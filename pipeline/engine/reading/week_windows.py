"""The last weeks of a column that is read."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.engine.reading.week_formats import Weeks


@dataclass(frozen=True)
class Window:
    """The last weeks of a column.

    Attributes
    ----------
    kept : the texts in it
    first, last : the first and the last of them
    count : how many weeks it holds, and `asked` how many it may
    has_older : whether there are weeks before it
    """

    kept: frozenset[str]
    first: str
    last: str
    count: int
    asked: int
    has_older: bool


def window(weeks: Weeks, last: int) -> Window:
    """Return the last weeks.

    Parameters
    ----------
    weeks : of a column, at least one
    last : how many, at least 1: of days the n x 7 that end with the latest; of weeks the n latest that occur, since calendars
        differ in which years have 53; of periods the latest and the n - 1 before it
    """
    unit, positions = weeks.format.unit, weeks.positions
    every = sorted(set(positions.values()))
    latest = every[-1]
    starts = {"week": every[-last:][0], "day": latest - 7 * last + 1, "index": latest - last + 1}
    start = starts[unit]
    kept = [text for text, position in positions.items() if position >= start]
    kept.sort(key=lambda text: (positions[text], text))
    counted = {(latest - positions[text]) // 7 if unit == "day" else positions[text] for text in kept}
    return Window(frozenset(kept), kept[0], kept[-1], len(counted), last, every[0] < start)
