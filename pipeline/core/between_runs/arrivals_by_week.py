"""How the sales of two loads differ, week by week where both have weeks, and in all where they have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.core.between_runs import arrivals_new_weeks
from pipeline.core.between_runs.arrival_changes import Change, percent
from pipeline.core.between_runs.delivery import Delivery, Sales
from pipeline.core.between_runs.sides import Sides, cause, relative, signed
from pipeline.schema import ALL_CATEGORIES, ALL_WEEKS
from pipeline.settings import Deliveries
from pipeline.wording import counted, listed

_TWICE = 0.8  # the rise of sales without weeks from which they may be there twice: files grow by a week or more
_WITH_ALL = 0.1  # a category that changed as much as all did is not named besides
_EXACTLY = 0.01  # by which twice as much may differ from it
_NAMED = 10


def changes(
    now: Delivery, last: Delivery, settings: Deliveries, earlier: Delivery | None, last_weeks: int | None
) -> Iterator[Change]:
    """How the sales changed; the arguments are those of `arrivals.compare`."""
    sides = Sides(
        Sales(last),
        Sales(now),
        max(now.files.get("internal_sales", 1) / max(last.files.get("internal_sales", 1), 1), 1.0),
        max(len(now.stores) / max(len(last.stores), 1), 1.0),
        settings,
        last_weeks,
    )
    if not sides.was.unit or sides.was.unit != sides.now.unit:
        yield from _in_all(sides)
        return
    common = sorted(sides.was.weeks.keys() & sides.now.weeks.keys())
    yield from arrivals_new_weeks.weeks_gone(sides)
    if not common:
        yield from _other_weeks(sides)
        return
    newest = max(sides.was.weeks)
    fresh = [week for week in sides.now.weeks if week > newest]
    growing = _is_growing(sides)
    if complete := [week for week in common if not (growing and week == newest)]:
        yield from _same_weeks(sides, complete)
    was_growing = earlier is not None and _is_growing(sides._replace(was=Sales(earlier), now=sides.was))
    judged = [newest, *fresh] if fresh and newest in common and (growing or was_growing) else fresh
    yield from arrivals_new_weeks.new_weeks(sides, judged[:-1] if growing else judged)


def _is_growing(sides: Sides) -> bool:
    """Whether the last load's newest week was not complete: it has more sales now, and the weeks before it have not.

    Exactly twice as many are a delivery that is there twice.
    """
    if not sides.was.unit or sides.was.unit != sides.now.unit or max(sides.was.weeks) not in sides.now.weeks:
        return False
    newest, common = max(sides.was.weeks), sides.was.weeks.keys() & sides.now.weeks.keys()
    was, now = sides.was.all_by_week, sides.now.all_by_week
    change, limit = relative(was[newest], now[newest]), sides.settings.max_total_change
    others = [week for week in common if week != newest]
    of_others = relative(sum(was[week] for week in others), sum(now[week] for week in others))
    return change > limit and abs(of_others) <= limit and abs(change - 1) > _EXACTLY


# ------------------------------------------------------------------------------------------------ without weeks


def _in_all(sides: Sides) -> Iterator[Change]:
    """Sales of all weeks together, of the categories in both."""
    if sides.was.unit and not sides.now.unit:
        words = "the weeks of the sales cannot be read any more: see `store-clustering check`"
        yield Change(
            "weeks", "weeks unreadable", ALL_CATEGORIES, ALL_WEEKS, len(sides.was.weeks), None, None, None, True, words
        )
    more = max(sides.files, sides.stores)
    yield from _amounts(
        sides, "sales", sides.was.totals, sides.now.totals, sides.settings.max_total_change, _TWICE, more
    )


def _other_weeks(sides: Sides) -> Iterator[Change]:
    """Sales per week where no week is in both."""
    was, now = (
        {name: round(cents / max(len(side.weeks), 1)) for name, cents in side.totals.items()}
        for side in (sides.was, sides.now)
    )
    limit = sides.settings.max_sales_change
    yield from _amounts(sides, "sales per week", was, now, limit, limit, sides.stores)


# ------------------------------------------------------------------------------------------------ the same weeks


def _same_weeks(sides: Sides, common: Sequence[int]) -> Iterator[Change]:
    """Sales of the weeks that both loads have: they should not change."""
    was, now = (_in_weeks(side, common) for side in (sides.was, sides.now))
    what = f"sales of the {counted(len(common), 'week', 'weeks')} that both loads have"
    if len(common) > 1:
        what = f"sales of {sides.now.weeks[common[0]]} to {sides.now.weeks[common[-1]]}, which both loads have,"
    limit = sides.settings.max_total_change
    in_all = list(_amounts(sides, what, was, now, limit, limit, sides.stores))
    yield from in_all
    if any(change.is_finding and change.subject == ALL_CATEGORIES for change in in_all):
        return
    yield from _single_weeks(sides, common)
    yield from _category_weeks(sides, common)


def _in_weeks(side: Sales, weeks: Sequence[int]) -> dict[str, int]:
    """Cents by category in these weeks; of all categories together where their weeks are not known."""
    if not side.by_week:
        return {ALL_CATEGORIES: sum(side.all_by_week[week] for week in weeks)}
    return {name: sum(cells.get(week, 0) for week in weeks) for name, cells in side.by_week.items()}


def _single_weeks(sides: Sides, common: Sequence[int]) -> Iterator[Change]:
    """Weeks whose sales changed, of the categories in both."""
    limit = sides.settings.max_total_change
    names = sides.was.by_week.keys() & sides.now.by_week.keys()
    figures = {}
    for week in common:
        was, now = (
            sum(side.by_week[name].get(week, 0) for name in names) if names else side.all_by_week[week]
            for side in (sides.was, sides.now)
        )
        stores = max(sides.now.stores_by_week[week] / max(sides.was.stores_by_week[week], 1), 1.0)
        change = relative(was, now / stores if now > was else now)
        if abs(change) > limit:
            figures[week] = (was, now, change)
    shown = listed([f"{sides.now.weeks[week]} ({signed(change)})" for week, (_, _, change) in figures.items()], _NAMED)
    words = f"sales changed in {counted(len(figures), 'week', 'weeks')} that the last load had too: {shown}"
    for week, (was, now, change) in figures.items():
        yield Change(
            "sales",
            "week changed",
            ALL_CATEGORIES,
            sides.now.weeks[week],
            was / 100,
            now / 100,
            change,
            limit,
            True,
            words,
        )


def _category_weeks(sides: Sides, common: Sequence[int]) -> Iterator[Change]:
    """Weeks in which a category has no sales any more."""
    for name in sorted(sides.was.by_week.keys() & sides.now.by_week.keys()):
        if sides.was.share(name) <= sides.settings.max_gone_sales:
            continue
        before, now = sides.was.by_week[name], sides.now.by_week[name]
        lost = [week for week in common if before.get(week, 0) > 0 and not now.get(week)]
        words = f"{name}: no sales any more in {listed([sides.now.weeks[week] for week in lost], _NAMED)}"
        for week in lost:
            yield Change(
                "sales",
                "category's week gone",
                name,
                sides.now.weeks[week],
                before[week] / 100,
                None,
                None,
                None,
                True,
                words,
            )


def _amounts(
    sides: Sides, what: str, was: Mapping[str, int], now: Mapping[str, int], fall: float, rise: float, more: float
) -> Iterator[Change]:
    """Sales in all and by category that fell, or rose, beyond a limit; `more` is the factor by which a rise is no surprise."""
    names = sorted(name for name in was.keys() & now.keys() if was[name] > 0)
    before, after = (sum(side[name] for name in names) for side in (was, now))
    in_all = relative(before, after / more if after > before else after)
    if before <= 0:
        return
    limit = rise if in_all > 0 else fall
    is_finding = abs(in_all) > limit
    if in_all:
        yield _amount(what, ALL_CATEGORIES, before, after, (in_all, limit), is_finding=is_finding)
    for name in names:
        change = relative(was[name], now[name] / more if now[name] > was[name] else now[name])
        limit = max(rise, sides.settings.max_sales_change) if change > 0 else sides.settings.max_sales_change
        beyond = abs(change) > limit and sides.was.share(name) > sides.settings.max_gone_sales
        if beyond and not (is_finding and abs(change - in_all) < _WITH_ALL) and name != ALL_CATEGORIES:
            yield _amount(what, name, was[name], now[name], (change, limit), is_finding=True)


def _amount(
    what: str, name: str, was: int, now: int, change_and_limit: tuple[float, float], *, is_finding: bool
) -> Change:
    change, limit = change_and_limit
    verb = "rose" if change > 0 else "fell"
    subject = what if name == ALL_CATEGORIES else f"{name}: {what}"
    figure = (
        f"rose to {now / was:.1f} times what they were: {cause(now / was)}"
        if now > 1.8 * was
        else f"{verb} by {percent(abs(now / was - 1))}"
    )
    return Change(
        "sales",
        f"sales {verb}",
        name,
        ALL_WEEKS,
        was / 100,
        now / 100,
        change,
        limit,
        is_finding,
        f"{subject} {figure}",
    )
