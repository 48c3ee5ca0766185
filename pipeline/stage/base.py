"""`Stage`: a Luigi task that is complete while its trace holds.

A stage reads targets and raw files, computes, and publishes targets. What it reads and how it computes is declared
(`declared`); this module checks freshness, and `build` builds what is stale.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from pipeline.config.environment import Config
from pipeline.freshness import traces
from pipeline.freshness.reasons import NOT_PUBLISHED, Reason, reasons
from pipeline.records import runs
from pipeline.records.failures import recording
from pipeline.run import ending
from pipeline.run.parent_process import end_with_parent
from pipeline.run.session import session
from pipeline.stage import build
from pipeline.stage.declared import DeclaredStage
from pipeline.stage.evidence import StageEvidence
from pipeline.wording import plain

log = logging.getLogger("luigi-interface.pipeline")


class Stage(DeclaredStage):
    """Base of every task that publishes targets: complete while its trace holds, else built."""

    @classmethod
    def is_wanted(cls, config: Config) -> bool:  # noqa: ARG003  # for subclasses
        """Whether the settings ask for this stage, where it is one of several under one name."""
        return True

    # ---------------------------------------------------------------- freshness

    def reasons(self) -> Iterator[Reason]:
        """Every reason why the targets are stale, in the order of `freshness.reasons.REASONS`."""
        return reasons(StageEvidence(self))

    def complete(self) -> bool:
        """Whether every required task is complete and the trace holds."""
        just_checked = self.__dict__.pop("_just_checked", False)
        with session.traversal() as complete_tasks:
            if self.task_id in complete_tasks:
                return True
            if session.is_incomplete(self.task_id):
                return False
            try:
                reason = next(self.reasons(), None)
            except Exception as error:
                ending.note_failure(self, error)
                raise
            if reason is None:
                complete_tasks.add(self.task_id)
                session.fresh.add(self.name)
                return True
            session.note_incomplete(self.task_id)
        if reason.kind not in NOT_PUBLISHED and (just_checked or self._was_built_by_this_run()):
            log.warning("%s: %s: changed after publication; the next run rebuilds", plain(self.name), reason)
            return True
        if not session.inspecting:
            self.prepare()
        return False

    def _was_built_by_this_run(self) -> bool:
        """Whether the run that goes on here built it, in whichever process: tasks that ask for others have Luigi check it again."""
        if session.inspecting or session.over or session.worker is None:
            return False
        trace = traces.read(self.trace_path)
        return trace is not None and trace.run_id == runs.current()

    def prepare(self) -> None:
        """In the leading process, before Luigi forks: hash the code that the build runs, then import it."""
        self.code()
        session.prepare(("pandas", "pyarrow.parquet", *self.computing()))

    # ---------------------------------------------------------------- building

    def run(self) -> Iterator[Sequence[DeclaredStage]]:
        """Ask for the children, then build what is stale under the lock, and write a trace."""
        end_with_parent()
        started = time.monotonic()
        self.link()
        with recording(self.config, dict(self.tag), self.name):
            if asked := self.ask():
                yield asked
            build.build_if_stale(self, started)
            self._just_checked = True
