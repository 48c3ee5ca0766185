"""Names and texts in SQL: quoted, so that what users call their things stays data."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def unique_names(names: Iterable[str]) -> list[str]:
    """The names as they can stand side by side as columns of one table: SQL ignores case, and has no empty name.

    A name that equals an earlier one but for case gets ` (2)`, ` (3)` and so on, the first that is free; an empty one
    is `(unnamed)`.
    """
    given = [name or "(unnamed)" for name in names]
    reserved = {name.casefold() for name in given}
    taken: set[str] = set()
    unique = []
    for name in given:
        candidate, number = name, 1
        while candidate.casefold() in taken or (number > 1 and candidate.casefold() in reserved):
            number += 1
            candidate = f"{name} ({number})"
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique
