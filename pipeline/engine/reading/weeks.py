"""The weeks of the sales: which rows are in the window of `last_weeks`, counted back from the last week in the data, and in which block.

- Dates and times (UTC), also written as integers 20240131 or as ISO text: the n x 7 days that end with the latest date;
  with n = 1 and a latest date of 31 January, 25 to 31 January. The week starts where that puts it, not on a Monday.
- Dates before year 1 or after year 9999 are no weeks: they are faults, and one of them would be the latest.
- Integers: the latest and the n - 1 before it. Years with weeks, 202452: the n latest that occur in the data, since
  calendars differ in which years have 53 weeks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

import duckdb

from pipeline.engine.connections import rows
from pipeline.engine.reading import keys
from pipeline.engine.reading.raw import Source
from pipeline.engine.reading.scan import RawColumn, Scan, union
from pipeline.errors import RawDataError
from pipeline.schema import BLOCKS
from pipeline.wording import counted, quoted

_LARGEST_SPAN = 100_000  # between the first integer or day and the last: 270 years of days


class Weeks(NamedTuple):
    """The weeks of a source.

    `places` : per scan, the SQL of a row's week as an integer: the integer itself, or of a date the days since the year 0
    `values` : the integers that occur, sorted
    `are_days` : whether they are days
    """

    places: tuple[str, ...]
    values: tuple[int, ...]
    are_days: bool

    def in_last(self, last: int) -> list[str]:
        """For each scan, the SQL that says whether a row is in the last weeks, at least 1."""
        if not self.values:
            return ["TRUE"] * len(self.places)  # no rows: the caller says so
        return [f"{place} >= {self._first(last)}" for place in self.places]

    def blocks(self, last: int | None) -> list[str] | None:
        """For each scan, the SQL of a row's block of weeks, from 1 to `BLOCKS`; null before the last weeks, where `last` says how many.

        The weeks that occur are in order in four periods of as many weeks, and in each period they alternate between two blocks: 1 and 2
        are the first period's. Days make weeks of seven that end with the latest of them. None where there are fewer weeks than
        blocks, or what occurs lies too far apart to be weeks.
        """
        values = [value for value in self.values if last is None or value >= self._first(last)]
        weeks = self._weeks(values)
        ranks = {week: rank for rank, week in enumerate(sorted(set(weeks)))}
        if len(ranks) < BLOCKS or values[-1] - values[0] > _LARGEST_SPAN:
            return None
        periods = BLOCKS // 2
        blocks = {
            value: 2 * (ranks[week] * periods // len(ranks)) + ranks[week] % 2 + 1
            for value, week in zip(values, weeks, strict=True)
        }
        listed = ", ".join(str(blocks.get(value, "NULL")) for value in range(values[0], values[-1] + 1))
        return [
            f"CASE WHEN {place} >= {values[0]} THEN [{listed}][{place} - {values[0] - 1}] END" for place in self.places
        ]

    def _first(self, last: int) -> int:
        return _weeks_before(self.values[-1], last) if self.are_days else first_kept(self.values, last)

    def _weeks(self, values: Sequence[int]) -> list[int]:
        """The week of each value: integers that grow with time."""
        days = list(values) if self.are_days else [_day(value) for value in values]
        if None in days:
            return list(values)
        ordinals = [day for day in days if day is not None]
        return [-((max(ordinals) - day) // 7) for day in ordinals]


def weeks_of(connection: duckdb.DuckDBPyConnection, source: Source, found: Sequence[Scan], week: str) -> Weeks:
    """The weeks that occur; only the week column is read.

    Parameters
    ----------
    week : the raw name of the week column

    Raises
    ------
    RawDataError : the column is neither whole numbers nor dates, mixes both, or lacks values
    """
    numbers, dates = zip(*(_week(source, scan, week) for scan in found), strict=True)
    selects = [
        f"{number} AS week_number, {day} AS week_date, CAST({scan[week].sql} AS VARCHAR) AS week_text"
        for scan, number, day in zip(found, numbers, dates, strict=True)
    ]
    seen = rows(
        connection,
        "SELECT week_number, week_date, COUNT(*), MIN(CASE WHEN week_number IS NULL AND week_date IS NULL THEN "
        f"week_text END) FROM ({union(found, selects)}) GROUP BY week_number, week_date",
    )
    _check(source, week, seen)
    if any(day is not None for _, day, _, _ in seen):
        places = tuple(f"(DATE_DIFF('day', DATE '0001-01-01', {expression}) + 1)" for expression in dates)
        return Weeks(places, tuple(sorted(day.toordinal() for _, day, _, _ in seen if day is not None)), are_days=True)
    return Weeks(numbers, tuple(sorted(number for number, _, _, _ in seen if number is not None)), are_days=False)


def _week(source: Source, scan: Scan, week: str) -> tuple[str, str]:
    """The SQL of a week as an integer and as a date, each null where it is none."""
    column: RawColumn = scan[week]
    if column.written is not None:
        text = f"TRIM({column.sql})"
        whole = f"REGEXP_FULL_MATCH({text}, '-?[0-9]{{1,15}}([.]0+)?')"
        number = f"CASE WHEN {whole} THEN TRY_CAST(TRY_CAST({text} AS DOUBLE) AS BIGINT) END"
        return number, f"CASE WHEN NOT {whole} THEN {_day_of(f'TRY_CAST({text} AS TIMESTAMP)')} END"
    if keys.is_number(column.type):
        whole = f"{column.sql} = TRUNC({column.sql}) AND ABS({column.sql}) < 1e15"
        return f"CASE WHEN {whole} THEN TRY_CAST({column.sql} AS BIGINT) END", "CAST(NULL AS DATE)"
    if column.type == "DATE" or column.type.startswith("TIMESTAMP"):
        instant = f"{column.sql} AT TIME ZONE 'UTC'" if "TIME ZONE" in column.type else column.sql
        return "CAST(NULL AS BIGINT)", _day_of(instant)
    raise RawDataError(
        f"{scan.files[0]}: column '{week}' is of type {column.type}, where a week must be a whole number or a date; set "
        f"columns.week in [{source.setting}]"
    )


def _day_of(instant: str) -> str:
    """The SQL of a date within the years that Python knows, else null."""
    day = f"CAST({instant} AS DATE)"
    return f"CASE WHEN {day} BETWEEN DATE '{date.min.isoformat()}' AND DATE '{date.max.isoformat()}' THEN {day} END"


def _check(source: Source, week: str, seen: Sequence[tuple[int | None, date | None, int, str | None]]) -> None:
    missing = sum(count for number, day, count, _ in seen if number is None and day is None)
    if missing:
        text = next(text for number, day, _, text in seen if number is None and day is None)
        example = "" if text is None else f" (such as {quoted(text)})"
        raise RawDataError(
            f"{source.title}: {counted(missing, 'row', 'rows')} without a week in column '{week}'{example}; a week is a "
            "whole number or a date (2024-01-31); correct them, or remove last_weeks from [internal.preprocessing]"
        )
    if any(number is not None for number, _, _, _ in seen) and any(day is not None for _, day, _, _ in seen):
        raise RawDataError(
            f"{source.title}: column '{week}' has both whole numbers and dates; write one of them, or remove last_weeks "
            "from [internal.preprocessing]"
        )


def first_kept(weeks: Collection[int], last: int) -> int:
    """The first of the last weeks, where weeks are integers.

    Parameters
    ----------
    weeks : the integers that occur, at least one
    last : how many weeks, at least 1
    """
    days = [_day(week) for week in weeks]
    if None not in days:
        first = date.fromordinal(_weeks_before(max(day for day in days if day is not None), last))
        return first.year * 10_000 + first.month * 100 + first.day
    if all(190_001 <= week <= 299_953 and 1 <= week % 100 <= 53 for week in weeks):
        return sorted(weeks)[-last:][0]
    return max(weeks) - last + 1


def _weeks_before(latest: int, last: int) -> int:
    """The first of the last weeks' days; the first of all days where there are not as many. Days since the year 0, as `date.toordinal`."""
    return max(latest - 7 * last + 1, 1)


def _day(week: int) -> int | None:
    """The day that an integer such as 20240131 writes, as `date.toordinal`."""
    if not 19_000_101 <= week <= 29_991_231:
        return None
    try:
        return datetime.strptime(str(week), "%Y%m%d").toordinal()  # a date has no time zone
    except ValueError:
        return None
