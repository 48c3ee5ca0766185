"""How weeks are written: each format with its patterns, and the position in time of a text that it fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from pipeline.wording import common_start

Unit = Literal["day", "week", "index"]

SEPARATOR = r"[ ./_,-]"
PREFIX = r"(?:(?:week|wk|kw|cw|woche|semaine|sem|semana|settimana|uke|uge|vecka|w|s|v)\.? ?)"
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
        """Return the position of a text in time; None if it does not fit."""
        for pattern in self._compiled:
            if match := pattern.fullmatch(text):
                return self.read(match.groupdict())
        return None


def _full_year(digits: str) -> int:
    """Return the year of two digits or four: 70 to 99 are of the last century."""
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
                f"(?:fy|cy)?{_YEAR}{SEPARATOR}+{PREFIX}?{_W}",
                f"(?:fy|cy)?{_YEAR}{PREFIX}{_W}",
                f"{_YEAR}-?w{_WW}-?[1-7]",
            ),
            _week,
        ),
        Format("WWYYYY", "week", (f"{PREFIX}?{_W}{SEPARATOR}*(?:of |fy|cy)?{_YEAR}",), _week),
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
        Format("YYWW", "week", (f"{_YY}{_WW}", f"{_YY}{SEPARATOR}*{PREFIX}{_W}", f"{_YY}[./_-]{_WW}"), _week),
        Format("WWYY", "week", (f"{PREFIX}?{_WW}{SEPARATOR}*{_YY}", f"{PREFIX}{_W}[./_ -]{_YY}"), _week),
        Format("excel", "day", (r"(?P<n>[0-9]{5})(?:[.][0-9]+)?",), _serial),
        Format("index", "index", (r"(?P<n>-?[0-9]{1,9})", r"(?:period|per|p|t) ?[._-]?(?P<n>[0-9]{1,9})"), _index),
    )
}
NAMES = tuple(FORMATS)
MONTH_NAME = f"(?:{'|'.join(_MONTHS)})[a-z]*"


@dataclass(frozen=True)
class Weeks:
    """The weeks of a column, read: the format, and the position of each distinct text."""

    format: Format
    positions: Mapping[str, int]


def normal(text: str) -> str:
    """Return a text as the formats write it: in lower case, no blanks around it, one blank within, 202401.0 as 202401."""
    lower = " ".join(text.lower().split())
    return re.sub(r"^(-?[0-9]+)[.,]0+$", r"\1", lower)


def in_weeks(unit: Unit, position: int) -> float:
    """Return a position on a scale of weeks, so that distances in time can be compared."""
    if unit == "day":
        return position / 7
    return position // 100 * _WEEKS_A_YEAR + position % 100 if unit == "week" else float(position)


def pattern_of(names: Sequence[str]) -> str | None:
    """Return a pattern of the columns that are named after weeks, at least two; None if there are none.

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
