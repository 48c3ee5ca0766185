"""Check the tasks of all categories at once: has anything changed since all of them were complete?

To make and check a task per category takes a tenth of a millisecond, and there may be hundreds. If the stats of all their files, and
their settings, code and libraries, are unchanged since the last full check, each of them would be complete again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from pipeline.freshness import fingerprints, traces
from pipeline.freshness.memory import Memory, Signature, signature


class Evidence(NamedTuple):
    """The evidence for the tasks of all categories: its digest, and the stats of the files."""

    digest: str
    stats: list[Signature]


def each(paths: Iterable[str], example: str, categories: Sequence[str]) -> Iterator[str]:
    """The paths of every category, from the paths of one, which contain its slug."""
    parts = [path.split(traces.slug(example)) for path in paths]
    for category in categories:
        join = traces.slug(category).join
        yield from map(join, parts)


def evidence(
    memory: Memory, paths: Sequence[str], example: str, categories: Sequence[str], facts: Callable[[], tuple[Any, ...]]
) -> Evidence | None:
    """The evidence for the tasks of these categories; None if a file is missing.

    Parameters
    ----------
    memory : remembered facts about files
    paths : every file that the task of one category reads and writes, its trace included
    example : the category of this task
    categories : all categories
    facts : settings, code and libraries of the tasks; called only if no file is missing
    """
    mark = traces.slug(example)
    own = [path for path in paths if mark in path]
    shared = [path for path in paths if mark not in path]
    stats = [stat for _, stat in memory.stats_of([*shared, *each(own, example, categories)])]
    present = [stat for stat in stats if stat is not None]
    if len(present) < len(stats):
        return None
    digest = hashlib.sha256(repr((_checking_modules(), paths, categories, *facts())).encode())
    digest.update(msgspec.json.encode(present))
    return Evidence(digest.hexdigest(), present)


# The folders of the modules that check tasks; "" is the package itself.
_CHECKING = ("", "config", "freshness", "records", "run", "settings", "stage", "storage", "wording")


@functools.cache
def _checking_modules() -> list[Signature]:
    """The stats of the modules that check tasks: after a change of one, old seals do not count."""
    return [
        signature(path) for folder in _CHECKING for path in sorted(fingerprints.PACKAGE.glob(f"{folder or '.'}/*.py"))
    ]
