"""Rows of tasks for people: many categories with the same reason are one row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.freshness.traces import slug
from pipeline.wording import plain

MOST = 4  # tasks of a kind with the same reason that have a row each

_NAMED = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


def grouped(rows: Iterable[Sequence[str]], seconds: Sequence[float] | None = None) -> list[tuple[list[str], float]]:
    """The rows, with one for all tasks of a kind that differ in their category only, if there are more than `MOST`.

    Parameters
    ----------
    rows : the task's name, then what is said of it; the category's folder in it is written `*`
    seconds : how long each took; None: not known

    Returns
    -------
    Each row, and how long its tasks took together; a group stands where its first task does.
    """
    together: dict[tuple[str, ...], list[int]] = {}
    every = [list(row) for row in rows]
    for at, (name, *facts) in enumerate(every):
        kind, category = _parts(name)
        same = tuple(text.replace(slug(category), "*") for text in facts) if category else tuple(facts)
        together.setdefault((kind, *same) if category else (name, *facts, str(at)), []).append(at)
    took = seconds or [0.0] * len(every)
    lines: list[tuple[int, list[str], float]] = []
    for (kind, *facts), members in together.items():
        if len(members) <= MOST:
            lines += [(at, every[at], took[at]) for at in members]
            continue
        example = _parts(every[members[0]][0])[1]
        words = f"{kind} ({len(members)} categories, such as {plain(example)})"
        lines.append((members[0], [words, *facts], sum(took[at] for at in members)))
    return [(row, each) for _, row, each in sorted(lines, key=lambda line: line[0])]


def _parts(name: str) -> tuple[str, str]:
    """The kind of a task and its category; no category if it is about none."""
    match = _NAMED.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")
