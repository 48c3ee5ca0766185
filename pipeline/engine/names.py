"""Names in messages: the nearest one, and lists that stay readable."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

_SHOWN = 30


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most like this one, whatever the case; None where none is alike."""
    folded = {candidate.casefold(): candidate for candidate in sorted(known, reverse=True)}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.4)
    return folded[found[0]] if found else None


def with_nearest(name: str, known: Collection[str]) -> str:
    """The name in quotes, with the nearest known one where there is one."""
    near = nearest(name, known)
    return quoted(name) if near is None else f"{quoted(name)} (nearest: {quoted(near)})"


def listed(names: Iterable[str], shown: int = _SHOWN) -> str:
    """Names with commas between them; beyond `shown` of them, how many more there are."""
    every = list(names)
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown]) + more


def counted(count: int, singular: str, plural: str) -> str:
    """A count with its noun: 1 row, 1,204 rows."""
    return f"{count:,} {singular if count == 1 else plural}"


def quoted(value: str, longest: int = 50) -> str:
    """A value from a file, in quotes: cut where it is long, and nothing in it that a terminal would act on."""
    shown = "".join(character if character.isprintable() else "?" for character in value[:longest])
    return f"'{shown}{'...' if len(value) > longest else ''}'"
