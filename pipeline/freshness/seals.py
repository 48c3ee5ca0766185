"""One look at the tasks of all categories, without making a task for each: has anything changed since all were found complete?

A task per category costs a tenth of a millisecond to make and to look at in full, and there may be hundreds. Where the stats of all that
they read and wrote, and what else they are made from, are what they were when each was looked at, each would be found complete again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pipeline.freshness import fingerprints, traces
from pipeline.freshness.memory import Memory, Signature, signature


class Evidence(NamedTuple):
    """What the tasks of all categories would look at: a digest of it, and the stats of the files."""

    digest: str
    stats: list[Signature]


def each(paths: Iterable[str], example: str, categories: Sequence[str]) -> Iterator[str]:
    """The paths of every category, from those of one: its slug is all that they have of it."""
    mark, patterns = traces.slug(example), list(paths)
    for category in categories:
        mine = traces.slug(category)
        for pattern in patterns:
            yield pattern.replace(mark, mine)


def evidence(
    memory: Memory, paths: Sequence[str], example: str, categories: Sequence[str], facts: Callable[[], tuple[Any, ...]]
) -> Evidence | None:
    """What a look at the tasks of these categories rests on; None where a file is missing.

    Parameters
    ----------
    memory : what is remembered of files
    paths : every file that the task of one category reads and writes, its trace included
    example : the category whose task that is
    categories : all categories
    facts : settings, code and libraries of the tasks; asked for where no file is missing
    """
    mark = traces.slug(example)
    own = [path for path in paths if mark in path]
    shared = [path for path in paths if mark not in path]
    stats = [memory.stat(path) for path in (*shared, *each(own, example, categories))]
    present = [stat for stat in stats if stat is not None]
    if len(present) < len(stats):
        return None
    content = (_rules(), paths, categories, *facts(), stats)
    return Evidence(hashlib.sha256(repr(content).encode()).hexdigest(), present)


# The folders of the modules that look at tasks; "" is the package itself.
_LOOKING = ("", "config", "freshness", "records", "run", "settings", "stage", "storage")


@functools.cache
def _rules() -> list[Signature]:
    """The stats of the modules that look at tasks: where one is another, nothing is known of what it would find."""
    return [
        signature(path) for folder in _LOOKING for path in sorted(fingerprints.PACKAGE.glob(f"{folder or '.'}/*.py"))
    ]
