"""Weeks that are gone, that were left out, and new weeks that are not whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from pipeline.core.between_runs.arrival_changes import Change, finding, folded, percent
from pipeline.core.between_runs.sides import Sides, cause, relative
from pipeline.schema import ALL_CATEGORIES, ALL_WEEKS
from pipeline.wording import counted, listed

_WEEKS_A_YEAR = 52.1775
_FEWEST = 4  # weeks before, of which a new week is compared with the lowest and the highest
_YEAR = 52  # weeks back that a new week is compared with
_USUAL = 0.9  # of the weeks before in which something is, for it to be missed
_WITH_ALL = 0.1  # a category that changed as much as all did is not named besides
_NAMED = 10


def weeks_gone(sides: Sides) -> Iterator[Change]:
    """Weeks that were there and are not: the newest, some in between, or more of the oldest than the window moved on."""
    was, now = sides.was.weeks, sides.now.weeks
    lost = [week for week in was if week > min(now) and week not in now]
    newest = [week for week in lost if week > max(now)]
    for kind, weeks in (("newest weeks gone", newest), ("weeks gone", [week for week in lost if week not in newest])):
        words = f"{counted(len(weeks), 'week is', 'weeks are')} gone: {listed([was[week] for week in weeks], _NAMED)}"
        if weeks and kind == "newest weeks gone":
            words = f"{words}; the newest is {now[max(now)]}"
        for week in weeks:
            yield Change(
                "weeks",
                kind,
                ALL_CATEGORIES,
                was[week],
                sides.was.all_by_week[week] / 100,
                None,
                None,
                None,
                True,
                words,
            )
    share = 1 - len(now) / len(was)
    needed = (sides.last_weeks or 0) * (7 if sides.now.unit == "day" else 1)
    oldest = [week for week in was if week < min(now)]
    if oldest and share > 0:
        is_finding = share > sides.settings.max_total_change and not 0 < needed <= len(now)
        words = f"the sales hold {counted(len(now), 'week', 'weeks')}, and held {len(was):,}: {was[min(oldest)]} to {was[max(oldest)]} are gone"
        yield Change(
            "weeks",
            "oldest weeks gone",
            ALL_CATEGORIES,
            ALL_WEEKS,
            len(was),
            len(now),
            share,
            sides.settings.max_total_change,
            is_finding,
            words,
        )
    yield from _skipped(sides)


def _skipped(sides: Sides) -> Iterator[Change]:
    """Weeks that should be among the new ones and are not."""
    newest, unit = max(sides.was.weeks), sides.now.unit
    positions = [newest, *(week for week in sides.now.weeks if week > newest)]
    if unit == "day":
        usual = {week % 7 for week in sides.was.weeks if _is_usual(sides.was.weeks, week % 7, newest)}
        lost = [week for week in range(newest + 1, positions[-1]) if week not in sides.now.weeks and week % 7 in usual]
        if lost:
            words = f"{counted(len(lost), 'day is', 'days are')} missing between {sides.was.weeks[newest]} and {sides.now.weeks[positions[-1]]}"
            yield Change(
                "weeks",
                "weeks missing",
                ALL_CATEGORIES,
                sides.now.weeks[positions[-1]],
                None,
                len(lost),
                None,
                None,
                True,
                words,
            )
        return
    for before, after in pairwise(positions):
        distance = _in_weeks_of(unit, after) - _in_weeks_of(unit, before)
        if distance > 1.5:
            start = sides.now.weeks.get(before, sides.was.weeks.get(before, ""))
            words = f"{counted(round(distance) - 1, 'week is', 'weeks are')} missing between {start} and {sides.now.weeks[after]}"
            yield Change(
                "weeks",
                "weeks missing",
                ALL_CATEGORIES,
                sides.now.weeks[after],
                None,
                round(distance) - 1,
                None,
                None,
                True,
                words,
            )


def _is_usual(weeks: Mapping[int, str], weekday: int, newest: int) -> bool:
    of_weekday = [day for day in range(max(min(weeks), newest - 8 * 7 + 1), newest + 1) if day % 7 == weekday]
    return bool(of_weekday) and sum(day in weeks for day in of_weekday) >= _USUAL * len(of_weekday)


def _in_weeks_of(unit: str, position: int) -> float:
    return position // 100 * _WEEKS_A_YEAR + position % 100 if unit == "week" else float(position)


def new_weeks(sides: Sides, fresh: Sequence[int]) -> Iterator[Change]:
    """New weeks, each compared with the year before: days with the same day of the week."""
    for week in fresh:
        history = [
            before
            for before in sides.was.weeks
            if before < week and (sides.now.unit != "day" or before % 7 == week % 7)
        ]
        history = history[-_YEAR:]
        if len(history) >= _FEWEST:
            yield from _fresh_in_all(sides, week, history)
            yield from _fresh_categories(sides, week, history)


def _fresh_in_all(sides: Sides, week: int, history: Sequence[int]) -> Iterator[Change]:
    limits, name, stores = sides.settings, sides.now.weeks[week], sides.now.stores_by_week[week]
    usual: float
    stores_before = [sides.was.stores_by_week[before] for before in history]
    usual = median(stores_before)
    share = 1 - stores / max(usual, 1)
    if share > limits.max_gone_share and stores < min(stores_before):
        words = f"{name}: only {stores:,} of usually {round(usual):,} stores have sales"
        yield finding(
            "stores",
            "week's stores missing",
            ALL_CATEGORIES,
            name,
            (usual, stores),
            (share, limits.max_gone_share),
            words,
        )
    cents = [sides.was.all_by_week[before] for before in history]
    value, usual = sides.now.all_by_week[week], median(cents)
    change, limit = relative(usual, value), limits.max_sales_change
    if change < -limit and value < min(cents):
        words = f"{name}: sales are {percent(-change)} below those of a usual week"
        yield finding("sales", "week too low", ALL_CATEGORIES, name, (usual / 100, value / 100), (change, limit), words)
    if change > limit and value > (1 + limit) * max(cents) * sides.stores:
        words = f"{name}: sales are {1 + change:.1f} times those of a usual week: {cause(1 + change)}"
        yield finding(
            "sales", "week too high", ALL_CATEGORIES, name, (usual / 100, value / 100), (change, limit), words
        )


def _fresh_categories(sides: Sides, week: int, history: Sequence[int]) -> Iterator[Change]:
    """Categories without sales in a new week, or with far fewer than in any before; not those that fell as all did."""
    limits, name = sides.settings, sides.now.weeks[week]
    in_all = relative(median([sides.was.all_by_week[before] for before in history]), sides.now.all_by_week[week])
    absent: list[str] = []
    low: dict[str, tuple[float, float, float]] = {}
    for category, present in _watched(sides, history):
        value, usual = sides.now.by_week[category].get(week, 0), float(median(present))
        change = relative(usual, value)
        if not value:
            absent.append(category)
        elif value < (1 - limits.max_sales_change) * min(present) and change < in_all - _WITH_ALL:
            low[category] = (usual, value, change)
    words = folded(
        f"{name}: sales are below those of a usual week",
        {category: percent(-change) for category, (*_, change) in low.items()},
    )
    for category, (was, now, change) in low.items():
        amounts, weighed = (was / 100, now / 100), (change, limits.max_sales_change)
        yield finding("sales", "category's week too low", category, name, amounts, weighed, words[category])
    share = sum(map(sides.was.share, absent))
    missing = f"{name}: no sales of {counted(len(absent), 'category', 'categories')}, with {percent(share)} of the sales: {listed(absent, _NAMED)}"
    for category in absent:
        yield finding(
            "categories",
            "category's week missing",
            category,
            name,
            (None, None),
            (share, limits.max_gone_sales),
            missing,
        )


def _watched(sides: Sides, history: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """Categories in both loads that are large enough and have sales in usual weeks, with the cents of these weeks."""
    for category, cells in sorted(sides.was.by_week.items()):
        present = [cells[before] for before in history if cells.get(before, 0) > 0]
        is_large = sides.was.share(category) > sides.settings.max_gone_sales
        if category in sides.now.by_week and is_large and len(present) >= _USUAL * len(history):
            yield category, present
