"""The build of a stage: under its lock, from inputs that do not change meanwhile, published whole, recorded in trace and run record."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import InputChangedError
from pipeline.freshness import fingerprints, traces
from pipeline.freshness.memory import Signature, signature
from pipeline.records import runs
from pipeline.run.parent_process import check_parent
from pipeline.run.session import session
from pipeline.stage.declared import DeclaredStage
from pipeline.stage.evidence import own_reason
from pipeline.storage import locks
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep
from pipeline.wording import first_of, plain

log = logging.getLogger("luigi-interface.pipeline")

Snapshot = dict[str, tuple[Signature, str]]
_NO_FILE: Signature = (0, 0, 0, 0, 0)


def build_if_stale(stage: DeclaredStage, started: float) -> None:
    """Build under the stage's lock, unless its inputs turn out to be unchanged since its trace (early cutoff).

    Parameters
    ----------
    stage : a stage whose targets were stale when the run checked them
    started : when its task began, in seconds of the monotonic clock

    Raises
    ------
    InputChangedError
        A file changed while it was read, in two attempts.
    """
    with locks.held(
        stage.config.outputs / ".locks" / stage.trace_path.name,
        waiting=lambda holder: stage.say(f"waits for {holder}, which builds this"),
    ):
        reason = own_reason(stage)
        if reason is None:
            stage.say("cut off: what it reads is unchanged")
            runs.record(stage.config, dict(stage.tag), runs.CUT_OFF, stage.name)
            return
        stage.say(str(reason))
        trace = _build(stage, started)
        fields: dict[str, Any] = {"reason": str(reason), "seconds": trace.seconds}
        if trace.rows:
            fields["rows"] = {Path(target).stem: count for target, count in trace.rows.items()}
        if findings := stage.findings():
            fields["findings"] = findings
        if notes := stage.notes():
            fields["notes"] = notes
        runs.record(stage.config, dict(stage.tag), runs.BUILT, stage.name, **fields)
        log.info("%s: built in %.2f s (%s)", plain(stage.name), trace.seconds, reason)


def _build(stage: DeclaredStage, started: float) -> traces.Trace:
    memory = session.memory(stage.config)
    stage.sweep()
    sweep(stage.trace_path.parent, stage.trace_path.name)
    settings, code, libraries = stage.settings(), stage.code(), fingerprints.libraries(memory, stage.libraries)
    for _ in range(2):
        publication = Publication(fingerprints.content)
        try:
            stage.begin()
            stage.progress(0)
            before = snapshot(stage)
            stage.progress(10)
            children = stage.build(publication)
            stage.progress(80)
            after = snapshot(stage)
            if after == before:
                check_parent()
                outputs = publication.publish(stage.mode)
                stage.progress(100)
                break
        finally:
            publication.discard()
            stage.end()
    else:
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        raise InputChangedError(
            f"{stage.name}: {first_of(changed)} changed while it was read, twice: let its writer finish, and run again"
        )
    trace = traces.Trace(
        task=stage.name,
        settings=settings,
        code=code,
        libraries=libraries,
        inputs={path: content for path, (_, content) in before.items()},
        outputs={stage.relative(path): content for path, content in outputs.items()},
        children=children,
        built_at=runs.now().isoformat(timespec="milliseconds"),
        seconds=round(time.monotonic() - started, 3),
        run_id=runs.current(),
        rows=_rows(stage, outputs),
    )
    # Before the new trace: a run killed in between leaves the old trace, which lists the files to clear away.
    if (old := traces.read(stage.trace_path)) is not None:
        stage.replaced(old, trace)
    for stray in stage.strays(trace):
        stage.clear(stray)
    traces.write(stage.trace_path, trace)
    return trace


def _rows(stage: DeclaredStage, outputs: Iterable[Path]) -> dict[str, int]:
    """The rows of each table among the outputs; tables that are a file per category are not counted."""
    tables = [stage.path(table) for table in stage.tables]
    counted = [path for path in outputs if path in tables]
    if not counted:
        return {}
    import pyarrow.parquet as pq  # a build that wrote a table has imported it

    return {stage.relative(path): pq.read_metadata(path).num_rows for path in counted}


def snapshot(stage: DeclaredStage) -> Snapshot:
    """Stat and content hash of every file that a build reads, and the version of what is no file.

    Raises
    ------
    InputChangedError
        A file is gone or cannot be read.
    """
    memory = session.memory(stage.config)
    try:
        stats = {str(path): signature(path) for path in stage.files()}
        contents = memory.hashes(stats, fingerprints.content)
        versions = {name: (_NO_FILE, version) for name, version in stage.versions(anew=True).items()}
        return versions | {
            stage.relative(path): (stat, contents[path] or memory.hash(path, fingerprints.content))  # raises the error
            for path, stat in stats.items()
        }
    except OSError as error:
        raise InputChangedError(
            f"{stage.name}: {error.filename}: {error.strerror}, while it was being read: put it back, and run again"
        ) from error
