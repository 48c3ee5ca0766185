"""One look at the tasks of all categories, without making a task for each: has anything changed since all were found complete?

A task per category costs a tenth of a millisecond to make and to look at in full, and there may be hundreds. Where the stats of all that
they read and wrote, and what else they are made from, are what they were when each was looked at, each would be found complete again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.freshness import fingerprints, traces
from pipeline.freshness.memory import Signature, signature
from pipeline.stage import session

if TYPE_CHECKING:
    from pipeline.stage.categories import CategoryStage

_PACKAGE = Path(__file__).parent.parent


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


def evidence(example: CategoryStage, categories: Sequence[str]) -> Evidence | None:
    """What a look at the tasks of these categories rests on; None where a file is missing.

    `example` is the task of one of them. What it requires is for the caller to look at.
    """
    import msgspec

    memory, config, mark = session.memory(example.config), example.config, traces.slug(example.category)
    paths = [str(path) for path in (example.trace_path, *example.files(), *map(example.path, example.tables))]
    own = [path for path in paths if mark in path]
    shared = [path for path in paths if mark not in path]
    stats = [memory.stat(path) for path in (*shared, *each(own, example.category, categories))]
    known = [stat for stat in stats if stat is not None]
    if len(known) < len(stats):
        return None
    # the settings as they hold for one category, and with those of all others
    sections = [msgspec.to_builtins(config.section(name)) for name in example.sections]
    libraries = fingerprints.libraries(memory, example.libraries)
    said = (_rules(), paths, categories, example.settings(), sections, example.code(), libraries, stats)
    return Evidence(hashlib.sha256(repr(said).encode()).hexdigest(), known)


@functools.cache
def _rules() -> list[Signature]:
    """The stats of the modules that look at tasks: where one is another, nothing is known of what it would find."""
    modules = (*_PACKAGE.glob("*.py"), *_PACKAGE.glob("stage/*.py"), *_PACKAGE.glob("freshness/*.py"))
    return [signature(path) for path in sorted(modules)]
