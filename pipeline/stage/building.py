"""A stage's build: under its lock, from inputs that did not change meanwhile, published whole, and told in a trace and a run record."""

from __future__ import annotations

import contextlib
import errno
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import runs
from pipeline.errors import InputChangedError, OutputError, plain, worded
from pipeline.freshness import fingerprints, locks, traces
from pipeline.freshness.memory import Signature, signature
from pipeline.stage import session
from pipeline.tables import Publication, sweep

if TYPE_CHECKING:
    from pipeline.stage.base import Stage
    from pipeline.stage.raw import SampleData

log = logging.getLogger("luigi-interface.pipeline")

Snapshot = dict[str, tuple[Signature, str]]


def build_if_stale(stage: Stage, started: float) -> None:
    """Build under the stage's lock, unless what it reads turns out to be what its trace says (early cutoff).

    Parameters
    ----------
    stage : whose targets are stale, or were when the run looked
    started : when its task began, of the monotonic clock in seconds

    Raises
    ------
    InputChangedError
        A file that it reads changed while it was read, twice.
    """
    with locks.held(
        stage.config.outputs / ".locks" / stage.trace_path.name,
        waiting=lambda holder: stage.say(f"waits for {holder}, which builds this"),
    ):
        reason = stage.own_reason()
        if reason is None:
            stage.say("cut off: what it reads is unchanged")
            runs.record(stage.config, dict(stage.tag), runs.CUT_OFF, stage.name)
            return
        stage.say(str(reason))
        trace = _build(stage, started)
        told = {"reason": str(reason), "seconds": trace.seconds}
        if found := stage.findings():
            told["findings"] = found
        runs.record(stage.config, dict(stage.tag), runs.BUILT, stage.name, **told)
        log.info("%s: built in %.2f s (%s)", plain(stage.name), trace.seconds, reason)


def _build(stage: Stage, started: float) -> traces.Trace:
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
                locks.check_parent()
                outputs = publication.publish(stage.mode)
                stage.progress(100)
                break
        finally:
            publication.discard()
            stage.end()
    else:
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        others = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise InputChangedError(
            f"{stage.name}: {changed[0]}{others} changed while it was read, twice: let its writer finish, and run again"
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
    )
    # before the new trace: a run that is killed meanwhile leaves the old one, which knows what is to be cleared away
    if (old := traces.read(stage.trace_path)) is not None:
        stage.replaced(old, trace)
    for stray in stage.strays(trace):
        stage.clear(stray)
    traces.write(stage.trace_path, trace)
    return trace


def snapshot(stage: Stage) -> Snapshot:
    """Stat and content hash of every file that a build reads.

    Raises
    ------
    InputChangedError
        A file is gone, or cannot be read.
    """
    memory = session.memory(stage.config)
    try:
        stats = {str(path): signature(path) for path in stage.files()}
        contents = memory.hashes(stats, fingerprints.content)
        return {
            stage.relative(path): (stat, contents[path] or memory.hash(path, fingerprints.content))  # says why not
            for path, stat in stats.items()
        }
    except OSError as error:
        raise InputChangedError(
            f"{stage.name}: {error.filename}: {error.strerror}, while it was being read: put it back, and run again"
        ) from error


@contextlib.contextmanager
def recording(task: Stage | SampleData) -> Iterator[None]:
    """Have an error of the block in the run's record; where even that cannot be written, the error matters more."""
    try:
        yield
    except Exception as error:
        said = unwritable(error, task.config.outputs) if isinstance(error, OSError) else error
        with contextlib.suppress(Exception):
            runs.record(task.config, dict(task.tag), runs.FAILED, task.name, error=worded(said))
        if said is error:
            raise
        raise said from error


_NEXT = {
    errno.ENOSPC: "free the disk",
    errno.EDQUOT: "free the disk",
    errno.EACCES: "correct the permissions",
    errno.EPERM: "correct the permissions",
    errno.EROFS: "correct the permissions",
    errno.ENOENT: "put it back",
    errno.EISDIR: "move away what is in its place",
    errno.ENOTDIR: "move away what is in its place",
}


def unwritable(error: OSError, folder: Path) -> OutputError:
    """An error of the disk, as one that says which file, and that nothing is lost."""
    return OutputError(
        f"{error.filename2 or error.filename or folder}: {error.strerror or error}; the last good outputs stay; "
        f"{_NEXT.get(error.errno or 0, 'check the disk')}, and run again"
    )
