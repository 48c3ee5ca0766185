"""Weeks in a proposal: columns that are weeks, a year beside a week's number, and dates that can be read in two ways."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.engine.proposing.vocabulary import tokens
from pipeline.engine.reading import week_recognition
from pipeline.engine.reading.week_formats import FORMATS, WeekFormatError, normal

_YEAR_WORDS = frozenset(["year", "jahr", "annee", "an", "ano", "jaar", "anno", "rok", "ar", "yr", "fiscal"])
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = re.compile(r"\d{1,2}")
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}.*")
_BOTH = re.compile(r"\d{1,2}([-/. ])\d{1,2}\1(?:\d{4}|\d{2})")


def are_weeks(texts: Sequence[str]) -> bool:
    """Return whether nine of ten texts are weeks, days or numbers of periods in a format that is read; False without texts."""
    counts = Counter(normal(_TIME.sub("", text)) for text in texts)
    weeks = sum(
        count for text, count in counts.items() if any(each.position(text) is not None for each in FORMATS.values())
    )
    return weeks >= 0.9 * len(texts) > 0


def week_columns(columns: Mapping[str, Sequence[str | None]], numeric: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of numbers whose names are weeks in one format, and names or patterns that stand for them; both empty if there are none.

    `numeric` : the columns of numbers
    """
    names = [name for name in numeric if re.search(r"\d", name)]
    weeks = _in_one_format(names)
    if len(weeks) < 2:
        return [], []
    starts = list(dict.fromkeys(name[:4] for name in weeks))
    others = [name for name in columns if name not in weeks]
    is_told_apart = all(not other.startswith(start) for start in starts for other in others)
    has_pattern = any(mark in name for name in weeks for mark in "*?[")
    if len(weeks) <= len(starts) or not is_told_apart or has_pattern:
        return weeks, weeks
    return weeks, [f"{start}*" for start in starts]


def _in_one_format(names: Sequence[str]) -> list[str]:
    """Return these names if they are all weeks of one format; else those that are not the odd ones out; none if they are no weeks."""
    for tried in (
        list(names),
        [name for name in names if re.match(r"\D*\d", name) and len(re.findall(r"\d", name)) >= 3],
    ):
        if len(tried) < 2:
            continue
        try:
            week_recognition.recognise(dict.fromkeys(tried, 1))
        except WeekFormatError:
            continue
        return tried
    return []


def with_year(columns: Mapping[str, Sequence[str | None]], week: str) -> list[str]:
    """Return the columns of year and week, where this week is a number without a year and another column is the year; else none."""
    if not _all(columns[week], _NUMBER):
        return []
    years = [
        name
        for name in columns
        if name != week and _YEAR_WORDS.intersection(tokens(name)) and _all(columns[name], _YEAR)
    ]
    return [years[0], week] if years else []


def format_of(texts: Sequence[str], *, is_european: bool) -> tuple[str, str]:
    """Return the `week_format` of texts that nothing in the column settles, with what is unsure about it; two empty texts where it is settled.

    A guess, by how the other values are written: the day first where decimals have a comma or fields a semicolon.
    """
    if not texts or not all(_BOTH.fullmatch(text) for text in texts):
        return "", ""
    try:
        week_recognition.recognise(dict.fromkeys(texts, 1))
    except WeekFormatError as error:
        name = "DMY" if is_european or "." in texts[0] else "MDY"
        if f"as {name} " in str(error):
            return (
                name,
                f"weeks such as {texts[0]!r} are taken for {name}: nothing in the column tells day and month apart",
            )
    return "", ""


def _all(values: Sequence[str | None], pattern: re.Pattern[str]) -> bool:
    texts = [text.strip() for text in values if text and text.strip()]
    return bool(texts) and all(pattern.fullmatch(text) for text in texts)
