"""Help to word messages: the nearest name, readable lists, an error in one line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from pipeline.wording.variables import hidden

_SHOWN = 30


def with_nearest(name: str, allowed: Collection[str]) -> str:
    """The name in quotes, with the nearest allowed name if one is near."""
    return f"{quoted(name)}{nearest(name, allowed)}"


def listed(names: Iterable[str], shown: int = _SHOWN, *, count: int | None = None, between: str = ", ") -> str:
    """Names with `between` between them; after `shown` names, the number of further ones of `count` in all."""
    every = list(names)
    further = (len(every) if count is None else count) - len(every[:shown])
    return between.join(every[:shown]) + (f" and {further:,} more" if further > 0 else "")


def first_of(names: Sequence[str]) -> str:
    """The first name, with the number of further ones in brackets: a (and 2 more)."""
    return f"{names[0]} (and {len(names) - 1:,} more)" if len(names) > 1 else names[0]


def common_start(names: Collection[str]) -> str:
    """The letters with which all names begin."""
    low, high = min(names), max(names)
    same = next((at for at, (letter, other) in enumerate(zip(low, high, strict=False)) if letter != other), None)
    return low if same is None else low[:same]


def counted(count: int, singular: str, plural: str) -> str:
    """A count with its noun: 1 row, 1,204 rows."""
    return f"{count:,} {singular if count == 1 else plural}"


def quoted(value: str, longest: int = 50) -> str:
    """A value from a file, in quotes: cut if it is long, without control characters."""
    value = hidden(value)  # before it is cut
    return f"'{printable(value[:longest])}{'...' if len(value) > longest else ''}'"


def gist(error: BaseException) -> str:
    """The first line of a library's error, without its class, at most 200 characters."""
    text = hidden(str(error))  # before it is cut
    line = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return printable(re.sub(r"^[A-Z][\w-]*( [\w-]+){0,3} [Ee]rror: ", "", line)[:200])


def nearest(name: str, allowed: Collection[str]) -> str:
    """` (did you mean 'x'?)` with the nearest allowed name, ignoring case; empty if none is near."""
    import difflib

    folded = {candidate.casefold(): candidate for candidate in sorted(allowed, reverse=True)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def printable(text: str) -> str:
    """A text without control characters and line ends, since names come from data."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def is_utf8(text: str) -> bool:
    """Whether a text is Unicode; the name of a file in another encoding is none."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def plain(text: str) -> str:
    """A `printable` text on one line, with single blanks, and without the values of variables."""
    return printable(" ".join(hidden(text).split()))


def first_line(error: BaseException) -> str:
    """The first non-empty line of a library's error; else the error's class."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
