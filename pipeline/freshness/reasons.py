"""Why a target is stale: one small predicate per reason, asked in the order of `REASONS`.

Each predicate checks one kind of evidence and yields its findings. The first finding is enough to rebuild; `why` asks for
all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pipeline.freshness.traces import Trace

_SHAPES = "schema."  # a changed shape of a table is too long to be said


class Evidence(Protocol):
    """The evidence about a stage; each part is read only when a predicate asks for it."""

    def trace(self) -> Trace | None:
        """What the last build read and wrote."""

    def missing(self) -> list[str]:
        """Targets that do not exist."""

    def stale_upstream(self) -> Iterable[str]:
        """Stale required tasks, including dynamic ones."""

    def inputs(self) -> dict[str, str | None]:
        """Content hash of every file that a build would read now; None for a missing file."""

    def settings(self) -> dict[str, Any]:
        """Value by dotted key of every setting that a build would read now."""

    def code(self) -> dict[str, str]:
        """Fingerprint of every module and file that a build would run now."""

    def libraries(self) -> dict[str, str]:
        """Version of every library that a build would use now."""

    def outputs(self) -> dict[str, str | None]:
        """Content hash of every file that the last build wrote, None for a missing file.

        And of stray files, which make a target beside them unreadable.
        """


UPSTREAM = "upstream stale"


@dataclass(frozen=True)
class Reason:
    """Why a target is stale.

    `kind` is a term of `REASONS`; `what` is the target, file, setting, module or library; `old` and `new` are its fingerprint or
    value then and now, if there are both.
    """

    kind: str
    what: str
    old: str | None = None
    new: str | None = None

    def __str__(self) -> str:
        change = f" ({self.old} -> {self.new})" if self.old is not None and self.new is not None else ""
        return f"{self.kind}: {self.what}{change}" if self.what else self.kind


def is_missing(stage: Evidence) -> Iterator[Reason]:
    """A target does not exist."""
    yield from (Reason("missing", target) for target in stage.missing())


def has_no_trace(stage: Evidence) -> Iterator[Reason]:
    """There is no record of how the targets were built."""
    if stage.trace() is None:
        yield Reason("no trace", "")


def upstream_is_stale(stage: Evidence) -> Iterator[Reason]:
    """A required task must be built first."""
    yield from (Reason(UPSTREAM, task) for task in stage.stale_upstream())


def inputs_changed(stage: Evidence) -> Iterator[Reason]:
    """An input file has changed, is new, or is gone."""
    trace = stage.trace()
    if trace is None:
        return
    now = {path: content for path, content in stage.inputs().items() if content is not None}
    yield from _differences("input", trace.inputs, now, lambda content: content[:12])


def settings_changed(stage: Evidence) -> Iterator[Reason]:
    """A setting has changed."""
    trace = stage.trace()
    if trace is not None:
        for reason in _differences("setting", trace.settings, stage.settings(), repr):
            yield replace(reason, old=None, new=None) if reason.what.startswith(_SHAPES) else reason


def code_changed(stage: Evidence) -> Iterator[Reason]:
    """A module, or a file that it loads, has changed its meaning."""
    trace = stage.trace()
    if trace is not None:
        yield from _differences("code", trace.code, stage.code(), lambda content: content[:12])


def libraries_changed(stage: Evidence) -> Iterator[Reason]:
    """The version of a library has changed."""
    trace = stage.trace()
    if trace is not None:
        yield from _differences("library", trace.libraries, stage.libraries(), str)


def outputs_altered(stage: Evidence) -> Iterator[Reason]:
    """A target differs from what was published."""
    trace = stage.trace()
    if trace is None:
        return
    for target, content in stage.outputs().items():
        if target not in trace.outputs:
            yield Reason("output altered", f"{target} lies beside it")
        elif content is None:
            yield Reason("missing", target)
        elif content != trace.outputs[target]:
            yield Reason("output altered", target, trace.outputs[target][:12], content[:12])


# Reasons in the published targets themselves, not in changes since then.
NOT_PUBLISHED = ("missing", "no trace", "output altered")

Predicate = Callable[[Evidence], Iterator[Reason]]

REASONS: tuple[Predicate, ...] = (
    is_missing,
    has_no_trace,
    upstream_is_stale,
    inputs_changed,
    settings_changed,
    code_changed,
    libraries_changed,
    outputs_altered,
)


def reasons(stage: Evidence, predicates: Iterable[Predicate] = REASONS) -> Iterator[Reason]:
    """Every reason why the stage's targets are stale, in the order of `REASONS`; empty if they are fresh."""
    for predicate in predicates:
        yield from predicate(stage)


def _differences(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any], show: Callable[[Any], str]
) -> Iterator[Reason]:
    if old == new:
        return
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Reason(f"{kind} removed", name)
        elif name not in old:
            yield Reason(f"{kind} added", name)
        elif old[name] != new[name]:
            yield Reason(f"{kind} changed", name, show(old[name]), show(new[name]))
