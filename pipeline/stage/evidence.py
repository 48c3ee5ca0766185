"""The evidence about a stage that `freshness.reasons` asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from pipeline.freshness import fingerprints, traces
from pipeline.freshness.reasons import REASONS, Reason, reasons, upstream_is_stale
from pipeline.run.session import session
from pipeline.stage.declared import DeclaredStage


class StageEvidence:
    """The evidence about a stage at one moment; each part is read once, and only when asked for."""

    def __init__(self, stage: DeclaredStage) -> None:
        self._stage = stage
        self._memory = session.memory(stage.config)
        self._trace: traces.Trace | None = None
        self._read = False

    def trace(self) -> traces.Trace | None:
        """What the last build read and wrote."""
        if not self._read:
            self._trace, self._read = traces.read(self._stage.trace_path), True
        return self._trace

    def missing(self) -> list[str]:
        """Targets with a fixed name that do not exist."""
        paths = [target.path for target in self._stage.output().values()]
        return [self._stage.relative(path) for path in paths if self._memory.stat(path) is None]

    def stale_upstream(self) -> Iterator[str]:
        """Incomplete tasks: first the required tasks, then the children of the last build."""
        for task in self._stage.deps():
            if not task.complete():
                yield getattr(task, "name", task.task_family)
        for child in self._stage.stale_children():
            yield child.name

    def inputs(self) -> dict[str, str | None]:
        """Content hash of every file that a build would read now, and the version of what is no file."""
        contents = self._memory.hashes(map(str, self._stage.files()), fingerprints.content)
        home = os.path.join(self._stage.config.home, "")  # noqa: PTH118  # see DeclaredStage.relative
        return {path.removeprefix(home): content for path, content in contents.items()} | self._stage.versions()

    def settings(self) -> dict[str, Any]:
        """The value, by dotted key, of every setting that a build would read now."""
        return self._stage.settings()

    def code(self) -> dict[str, str]:
        """Fingerprint of every module and file that a build would run now."""
        return self._stage.code()

    def libraries(self) -> dict[str, str]:
        """Version of every library that a build would use now."""
        return fingerprints.libraries(self._memory, self._stage.libraries)

    def outputs(self) -> dict[str, str | None]:
        """Content hash of every file that the last build wrote, and of stray files."""
        trace = self.trace()
        if trace is None:
            return {}
        home = os.path.join(self._stage.config.home, "")  # noqa: PTH118  # as in `inputs`
        targets = [*trace.outputs, *(self._stage.relative(path) for path in self._stage.strays(trace))]
        paths = {target if target.startswith("/") else home + target: target for target in targets}
        return {paths[path]: content for path, content in self._memory.hashes(paths, fingerprints.content).items()}


def own_reason(stage: DeclaredStage) -> Reason | None:
    """The first reason in what the stage itself read and wrote; None if its trace holds.

    Used just before a build, after the required tasks have published: a raw file that changed since then belongs to the
    next run.
    """
    predicates = [predicate for predicate in REASONS if predicate is not upstream_is_stale]
    return next(reasons(StageEvidence(stage), predicates), None)
