"""What looks like weeks and is none, or is a slip of the pen: months, a thin week 00, a day long after all others, a year's end without a year."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pipeline.engine.reading.week_formats import WeekFormatError, Weeks, in_weeks

_FAR = 53.0  # weeks without a sale, after which a hundredth of the rows is not the end of the data
_FEW = 0.01  # of the rows
_THIN = 0.05  # of what a week usually has: a week 00 with less is a slip, and no week


def shown(counts: Mapping[str, int], most: int = 3) -> str:
    """Return the first of the texts, in quotes."""
    return ", ".join(f"'{text[:40]}'" for text in sorted(counts)[:most])


def check_months(weeks: Weeks) -> None:
    """Refuse months that look like weeks: no year reaches week 13, and one that ends has its twelfth."""
    if weeks.format.unit != "week":
        return
    by_year: dict[int, set[int]] = {}
    for position in weeks.positions.values():
        by_year.setdefault(position // 100, set()).add(position % 100)
    ended = [numbers for year, numbers in by_year.items() if year + 1 in by_year]
    if ended and all(max(numbers) <= 12 and min(numbers) >= 1 for numbers in by_year.values()) and 12 in ended[-1]:
        raise WeekFormatError(
            f"looks like months and not weeks: no year has more than twelve, such as '{min(weeks.positions)}' to "
            f"'{max(weeks.positions)}'",
            "name a column of weeks or dates, or remove last_weeks from [internal.preprocessing]",
        )


def check_zeroth(weeks: Weeks, counts: Mapping[str, int]) -> None:
    """Refuse a week 00 of a few rows; one of as many as others is how some calendars count the days before the first Monday."""
    if weeks.format.unit != "week":
        return
    usual = sorted(counts.values())[len(counts) // 2]
    slips = {text: counts[text] for text, position in weeks.positions.items() if position % 100 == 0}
    rows = sum(slips.values())
    if slips and rows < _THIN * usual:
        raise WeekFormatError(
            f"{rows:,} of {sum(counts.values()):,} rows have a week 00, such as {shown(slips)}, where a week usually has {usual:,}",
            "correct them, or remove the rows",
        )


def check_far(weeks: Weeks, counts: Mapping[str, int]) -> None:
    """Refuse a few rows long after all others: they would be the last weeks."""
    unit = weeks.format.unit
    rows: dict[int, int] = {}
    text_of: dict[int, str] = {}
    for text, position in weeks.positions.items():
        rows[position] = rows.get(position, 0) + counts[text]
        text_of[position] = text
    total = behind = sum(rows.values())
    for before, after in pairwise(sorted(rows)):
        behind -= rows[before]
        is_few = behind <= _FEW * total or (behind == 1 and total > 10)
        if is_few and in_weeks(unit, after) - in_weeks(unit, before) > _FAR:
            raise WeekFormatError(
                f"{behind:,} of {total:,} rows stand more than a year after all others, such as '{text_of[max(rows)]}', where the "
                f"others end with '{text_of[before]}'",
                "correct them, or remove the rows",
            )


def check_holes(weeks: Weeks, name: str | None) -> None:
    """Refuse whole numbers that are weeks of a year, once the year turned: 51, 52, 1, 2."""
    if weeks.format.unit != "index" or name is not None:
        return
    numbers = sorted(set(weeks.positions.values()))
    if numbers[0] < 0 or numbers[0] > 4 or not 49 <= numbers[-1] <= 53:
        return
    gap = max((after - before for before, after in pairwise(numbers)), default=0)
    if gap > 3:
        raise WeekFormatError(
            f"week numbers without a year ({numbers[0]} to {numbers[-1]}, with a hole of {gap - 1} weeks): they cannot be ordered "
            "across a year's end",
            'write them with their year (202405), name the columns of year and week, as in week = ["YEAR", "WEEK"], or set '
            'week_format = "index" in [{setting}] where they are of one year',
        )


def early(weeks: Weeks, counts: Mapping[str, int]) -> str:
    """Return what to say of a few rows that stand more than a year before all others, such as 1900-01-01; "" if there are none.

    They are no last weeks, and so no error; but where no window leaves them out, they are sales of no time that anybody means.
    """
    rows: dict[int, int] = {}
    text_of: dict[int, str] = {}
    for text, position in weeks.positions.items():
        rows[position] = rows.get(position, 0) + counts[text]
        text_of[position] = text
    total = sum(rows.values())
    before = 0
    for first, second in pairwise(sorted(rows)):
        before += rows[first]
        is_few = before <= _FEW * total or (before == 1 and total > 10)
        if is_few and in_weeks(weeks.format.unit, second) - in_weeks(weeks.format.unit, first) > _FAR:
            return (
                f"{before:,} of {total:,} rows stand more than a year before all others, such as '{text_of[min(rows)]}', where the others "
                f"begin with '{text_of[second]}'"
            )
    return ""
