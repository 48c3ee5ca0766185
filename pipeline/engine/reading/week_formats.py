"""How weeks are written, and which way a column writes them: from its distinct texts to positions that can be ordered.

A format is taken where every text fits it and the data leave no other reading; else the fault names `week_format`. Nothing here
knows today's date: the same texts are read alike on any day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Literal

from pipeline.wording import common_start

Unit = Literal["day", "week", "index"]

_SEPARATOR = r"[ ./_,-]"
_PREFIX = r"(?:(?:week|wk|kw|cw|woche|semaine|sem|semana|settimana|uke|uge|vecka|w|s|v)\.? ?)"
_YEAR = r"(?P<y>(?:19|20)[0-9]{2})"
_YY = "(?P<y>[0-9]{2})"
_WW = "(?P<w>[0-9]{2})"
_W = "(?P<w>[0-9]{1,2})"
_D, _M = "(?P<d>[0-9]{1,2})", "(?P<m>[0-9]{1,2})"
_DD, _MM = "(?P<d>[0-9]{2})", "(?P<m>[0-9]{2})"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = f"(?P<m>(?:{'|'.join(_MONTHS)})[a-z]*)\\.?"
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000  # 1954 to 2119
_SERIAL_ZERO = date(1899, 12, 30).toordinal()
_WEEKS_A_YEAR = 52.1775
_FAR = 53.0  # weeks without a sale, after which a hundredth of the rows is not the end of the data
_FEW = 0.01  # of the rows
_THIN = 0.05  # of what a week usually has: a week 00 with less is a slip, and no week
_DENSER = 4.0  # how much denser one reading fills its span than the next before it is the one
_SAME_WEEKDAY = 4  # distinct dates that all fall on one weekday by one reading alone tell day and month apart


class WeekFormatError(Exception):
    """Why a column cannot be read as weeks, in words; `advice` is the next step."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True)
class Format:
    """A way to write a week.

    Attributes
    ----------
    name : as `week_format` names it
    unit : what its positions count: days (proleptic ordinals), weeks (year x 100 + week), or periods
    patterns : regular expressions of the whole text, in lower case
    read : groups of the match -> the position; None where there is no such day or week
    """

    name: str
    unit: Unit
    patterns: tuple[str, ...]
    read: Callable[[Mapping[str, str]], int | None]

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self.patterns)

    def position(self, text: str) -> int | None:
        """Where a text stands in time; None where it does not fit."""
        for pattern in self._compiled:
            if match := pattern.fullmatch(text):
                return self.read(match.groupdict())
        return None


def _full_year(digits: str) -> int:
    """The year of two digits or four: 70 to 99 are of the last century."""
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year >= 70 else 2000)


def _day(groups: Mapping[str, str]) -> int | None:
    month = groups["m"]
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    try:
        return date(_full_year(groups["y"]), number, int(groups["d"])).toordinal()
    except ValueError:
        return None


def _week(groups: Mapping[str, str]) -> int | None:
    week = int(groups["w"])
    return _full_year(groups["y"]) * 100 + week if week <= 53 else None


def _serial(groups: Mapping[str, str]) -> int | None:
    serial = int(groups["n"])
    return _SERIAL_ZERO + serial if _FIRST_SERIAL <= serial <= _LAST_SERIAL else None


def _index(groups: Mapping[str, str]) -> int | None:
    return int(groups["n"])


# In order of rank: of two readings that order the texts alike the first one is taken.
FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(
            "YYYYWW",
            "week",
            (
                f"(?:fy|cy)?{_YEAR}{_WW}",
                f"(?:fy|cy)?{_YEAR}{_SEPARATOR}+{_PREFIX}?{_W}",
                f"(?:fy|cy)?{_YEAR}{_PREFIX}{_W}",
                f"{_YEAR}-?w{_WW}-?[1-7]",
            ),
            _week,
        ),
        Format("WWYYYY", "week", (f"{_PREFIX}?{_W}{_SEPARATOR}*(?:of |fy|cy)?{_YEAR}",), _week),
        Format(
            "YMD",
            "day",
            (
                f"(?P<y>[0-9]{{4}})[-/. ]{_M}[-/. ]{_D}",
                f"(?P<y>[0-9]{{4}}){_MM}{_DD}",
                f"{_YY}[-/.]{_MM}[-/.]{_DD}",
                f"{_YY}{_MM}{_DD}",
                f"(?P<y>[0-9]{{4}})[-/. ]{_NAME}[-/. ]{_D}",
            ),
            _day,
        ),
        Format(
            "DMY",
            "day",
            (
                f"{_D}[-/. ]{_M}[-/. ](?P<y>[0-9]{{4}}|[0-9]{{2}})",
                f"{_DD}{_MM}{_YEAR}",
                f"{_D}(?:st|nd|rd|th)?[-/. ]*{_NAME}[-/., ]*(?P<y>[0-9]{{4}}|[0-9]{{2}})",
            ),
            _day,
        ),
        Format(
            "MDY",
            "day",
            (
                f"{_M}[-/. ]{_D}[-/. ](?P<y>[0-9]{{4}}|[0-9]{{2}})",
                f"{_MM}{_DD}{_YEAR}",
                f"{_NAME}[-/. ]*{_D}(?:st|nd|rd|th)?[-/., ]+(?P<y>[0-9]{{4}}|[0-9]{{2}})",
            ),
            _day,
        ),
        Format("1YYWW", "week", (f"1{_YY}{_WW}",), _week),
        Format("YYWW", "week", (f"{_YY}{_WW}", f"{_YY}{_SEPARATOR}*{_PREFIX}{_W}", f"{_YY}[./_-]{_WW}"), _week),
        Format("WWYY", "week", (f"{_PREFIX}?{_WW}{_SEPARATOR}*{_YY}", f"{_PREFIX}{_W}[./_ -]{_YY}"), _week),
        Format("excel", "day", (r"(?P<n>[0-9]{5})(?:[.][0-9]+)?",), _serial),
        Format("index", "index", (r"(?P<n>-?[0-9]{1,9})", r"(?:period|per|p|t) ?[._-]?(?P<n>[0-9]{1,9})"), _index),
    )
}
NAMES = tuple(FORMATS)
_LONGEST_INDEX = 3  # digits of a number that is taken for the number of a period without being told
_WEEK_ALONE = re.compile(f"{_PREFIX}{_SEPARATOR}?(?P<n>[0-9]{{1,2}})")
_MONTH_NAME = f"(?:{'|'.join(_MONTHS)})[a-z]*"
_MONTH = re.compile(f"{_MONTH_NAME}[-/. ]*(?:[0-9]{{4}}|[0-9]{{2}})|[0-9]{{4}}[-/. ]*{_MONTH_NAME}")
_NEXT = f"set week_format in [{{setting}}] to one of {', '.join(NAMES)}"


@dataclass(frozen=True)
class Weeks:
    """The weeks of a column, read: the format, and the position of each distinct text."""

    format: Format
    positions: Mapping[str, int]


def normal(text: str) -> str:
    """A text as the formats write it: in lower case, no blanks around it, one blank within, 202401.0 as 202401."""
    lower = " ".join(text.lower().split())
    return re.sub(r"^(-?[0-9]+)[.,]0+$", r"\1", lower)


def in_weeks(unit: Unit, position: int) -> float:
    """A position on a scale of weeks, so that distances in time can be told."""
    if unit == "day":
        return position / 7
    return position // 100 * _WEEKS_A_YEAR + position % 100 if unit == "week" else float(position)


def recognise(counts: Mapping[str, int], name: str | None = None) -> Weeks:
    """Find the format of a column.

    Parameters
    ----------
    counts : distinct texts, and how many rows have each; at least one
    name : the format that the settings name; None where the data shall tell

    Raises
    ------
    WeekFormatError : no format fits, several do, or a few rows do not go with the others
    """
    texts = {text: normal(text) for text in counts}
    _check_year(list(texts.values()), name)
    fitting = []
    for form in _candidates(name, list(texts.values())):
        positions = {text: form.position(texts[text]) for text in texts}
        missing = sum(counts[text] for text, position in positions.items() if position is None)
        fitting.append((missing, form, positions))
    if not fitting:
        raise WeekFormatError(f"no format fits, such as {_shown(counts)}", _NEXT)
    least = min(missing for missing, _, _ in fitting)
    if least:
        _, form, positions = next(entry for entry in fitting if entry[0] == least)
        _say_unfit(counts, form, positions, least, asked=name is not None)
    whole = [
        Weeks(form, {t: p for t, p in positions.items() if p is not None}) for m, form, positions in fitting if not m
    ]
    weeks = _chosen(whole)
    _check_months(weeks)
    _check_zeroth(weeks, counts)
    _check_far(weeks, counts)
    _check_holes(weeks, name)
    return weeks


def _candidates(name: str | None, texts: list[str]) -> list[Format]:
    if name is not None:
        return [FORMATS[name]]
    longest = max((len(digits) for text in texts if (digits := text.lstrip("-")).isdigit()), default=0)
    return [each for each in FORMATS.values() if each.name != "index" or longest <= _LONGEST_INDEX]


def _check_year(texts: list[str], name: str | None) -> None:
    alone = [text for text in texts if _WEEK_ALONE.fullmatch(text)]
    if alone and len(alone) == len(texts) and name is None:
        raise WeekFormatError(
            f"week numbers without a year, such as '{alone[0]}': they cannot be ordered across a year's end",
            'write them with their year (2024-W05), or name the columns of year and week, as in week = ["YEAR", "WEEK"]',
        )
    if texts and all(_MONTH.fullmatch(text) for text in texts):
        raise WeekFormatError(
            f"months, such as '{texts[0]}', where weeks are needed",
            "name a column of weeks or dates, or remove last_weeks from [internal.preprocessing]",
        )


def _shown(counts: Mapping[str, int], shown: int = 3) -> str:
    return ", ".join(f"'{text[:40]}'" for text in sorted(counts)[:shown])


def _say_unfit(
    counts: Mapping[str, int], form: Format, positions: Mapping[str, int | None], missing: int, *, asked: bool
) -> None:
    """Raise what is to be said where the best format does not fit all."""
    total = sum(counts.values())
    unfit = {text: counts[text] for text, position in positions.items() if position is None}
    if asked or missing <= total / 2:
        example = next(text for text in counts if text not in unfit) if len(unfit) < len(counts) else ""
        beside = f"the others are written as '{example}' ({form.name})" if example else f"the format is {form.name}"
        raise WeekFormatError(
            f"{missing:,} of {total:,} rows have no week that can be read, such as {_shown(unfit)}; {beside}",
            "correct them, or remove the rows" if not asked or example else _NEXT,
        )
    raise WeekFormatError(f"no format fits, such as {_shown(counts)}", _NEXT)


def _chosen(whole: list[Weeks]) -> Weeks:
    """The reading that the data leave; the first where several say the same."""
    first, *others = whole
    others = [other for other in others if not _say_the_same(first, other)]
    if not others or len(first.positions) == 1:
        return first
    dates = [weeks for weeks in (first, *others) if weeks.format.name in ("DMY", "MDY")]
    ranked = sorted((first, *others), key=_density, reverse=True)
    best, second = ranked[0], ranked[1]
    if {best.format.name, second.format.name} == {"DMY", "MDY"}:
        on_one_weekday = [weeks for weeks in dates if len({p % 7 for p in weeks.positions.values()}) == 1]
        if len(on_one_weekday) == 1 and len(best.positions) >= _SAME_WEEKDAY:
            return on_one_weekday[0]
    elif _density(best) >= _DENSER * _density(second):
        return best
    text = min(best.positions)
    raise WeekFormatError(
        f"'{text}' can be read as {best.format.name} ({_spelled(best, text)}) and as {second.format.name} "
        f"({_spelled(second, text)}), and nothing in the column tells which",
        f'set week_format = "{best.format.name}" or "{second.format.name}" in [{{setting}}]',
    )


def _say_the_same(weeks: Weeks, other: Weeks) -> bool:
    return weeks.format.unit == other.format.unit and weeks.positions == other.positions


def _density(weeks: Weeks) -> float:
    """The share of the weeks between the first and the last that are there."""
    unit = weeks.format.unit
    places = {int(in_weeks(unit, position)) for position in weeks.positions.values()}
    return len(places) / (max(places) - min(places) + 1)


def _spelled(weeks: Weeks, text: str) -> str:
    position = weeks.positions[text]
    if weeks.format.unit == "day":
        return date.fromordinal(position).isoformat()
    return f"week {position % 100} of {position // 100}" if weeks.format.unit == "week" else f"period {position}"


def _check_months(weeks: Weeks) -> None:
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


def _check_zeroth(weeks: Weeks, counts: Mapping[str, int]) -> None:
    """Refuse a week 00 of a few rows; one of as many as others is how some calendars count the days before the first Monday."""
    if weeks.format.unit != "week":
        return
    usual = sorted(counts.values())[len(counts) // 2]
    slips = {text: counts[text] for text, position in weeks.positions.items() if position % 100 == 0}
    rows = sum(slips.values())
    if slips and rows < _THIN * usual:
        raise WeekFormatError(
            f"{rows:,} of {sum(counts.values()):,} rows have a week 00, such as {_shown(slips)}, where a week usually has {usual:,}",
            "correct them, or remove the rows",
        )


def _check_far(weeks: Weeks, counts: Mapping[str, int]) -> None:
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


def _check_holes(weeks: Weeks, name: str | None) -> None:
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


def pattern_of(names: Sequence[str]) -> str | None:
    """A pattern of the columns that are named after weeks, at least two; None where there are none.

    It matches no other column, else it is None too: then the columns are to be listed one by one.
    """
    weeks = [
        name
        for name in names
        if any(each.position(normal(name)) is not None for each in FORMATS.values() if each.name != "index")
    ]
    weeks += [name for name in names if re.fullmatch(r"(?i)(?:d|day|w|wk|week|kw)[ _.-]?[0-9]{1,4}", name)]
    if len(weeks) < 2:
        return None
    start = common_start(weeks)
    others = [name for name in names if name not in weeks]
    return f"{start}*" if start and not any(name.startswith(start) for name in others) else None


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
    """The last weeks.

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
