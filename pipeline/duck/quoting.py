"""Quote names and texts in SQL, so that names from users stay data."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, made unique as columns of one table: SQL ignores case and allows no empty name.

    A name that differs from an earlier one at most in case gets ` (2)`, ` (3)` and so on, the first free one; an empty name
    becomes `(unnamed)`.
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
