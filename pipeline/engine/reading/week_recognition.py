"""Which way a column writes its weeks: from its distinct texts to positions that can be ordered.

A format is taken where every text fits it and the data leave no other reading; else the fault names `week_format`. Nothing here
knows today's date: the same texts are read alike on any day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from pipeline.engine.reading import week_slips
from pipeline.engine.reading.week_formats import (
    FORMATS,
    MONTH_NAME,
    NAMES,
    PREFIX,
    SEPARATOR,
    Format,
    WeekFormatError,
    Weeks,
    in_weeks,
    normal,
)
from pipeline.engine.reading.week_slips import shown

_DENSER = 4.0  # how much denser one reading fills its span than the next before it is the one
_SAME_WEEKDAY = 4  # distinct dates that all fall on one weekday by one reading alone tell day and month apart
_LONGEST_INDEX = 3  # digits of a number that is taken for the number of a period without being told
_WEEK_ALONE = re.compile(f"{PREFIX}{SEPARATOR}?(?P<n>[0-9]{{1,2}})")
_MONTH = re.compile(f"{MONTH_NAME}[-/. ]*(?:[0-9]{{4}}|[0-9]{{2}})|[0-9]{{4}}[-/. ]*{MONTH_NAME}")
_NEXT = f"set week_format in [{{setting}}] to one of {', '.join(NAMES)}"


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
        raise WeekFormatError(f"no format fits, such as {shown(counts)}", _NEXT)
    least = min(missing for missing, _, _ in fitting)
    if least:
        _, form, positions = next(entry for entry in fitting if entry[0] == least)
        _say_unfit(counts, form, positions, least, asked=name is not None)
    whole = [
        Weeks(form, {t: p for t, p in positions.items() if p is not None}) for m, form, positions in fitting if not m
    ]
    weeks = _chosen(whole)
    week_slips.check_months(weeks)
    week_slips.check_zeroth(weeks, counts)
    week_slips.check_far(weeks, counts)
    week_slips.check_holes(weeks, name)
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


def _say_unfit(
    counts: Mapping[str, int], form: Format, positions: Mapping[str, int | None], missing: int, *, asked: bool
) -> None:
    """Raise an error if the best format does not fit all texts."""
    total = sum(counts.values())
    unfit = {text: counts[text] for text, position in positions.items() if position is None}
    if asked or missing <= total / 2:
        example = next(text for text in counts if text not in unfit) if len(unfit) < len(counts) else ""
        beside = f"the others are written as '{example}' ({form.name})" if example else f"the format is {form.name}"
        raise WeekFormatError(
            f"{missing:,} of {total:,} rows have no week that can be read, such as {shown(unfit)}; {beside}",
            "correct them, or remove the rows" if not asked or example else _NEXT,
        )
    raise WeekFormatError(f"no format fits, such as {shown(counts)}", _NEXT)


def _chosen(whole: list[Weeks]) -> Weeks:
    """Return the only reading that fits the data; the first if several give the same weeks."""
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
    """Return the share of the weeks between the first and the last that occur."""
    unit = weeks.format.unit
    places = {int(in_weeks(unit, position)) for position in weeks.positions.values()}
    return len(places) / (max(places) - min(places) + 1)


def _spelled(weeks: Weeks, text: str) -> str:
    position = weeks.positions[text]
    if weeks.format.unit == "day":
        return date.fromordinal(position).isoformat()
    return f"week {position % 100} of {position // 100}" if weeks.format.unit == "week" else f"period {position}"
