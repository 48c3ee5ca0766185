"""`DeclaredStage`: what a stage reads, how it computes and what it publishes, as its subclasses declare."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema
from pipeline.freshness import fingerprints, traces
from pipeline.run.parameters import CachedParameters, EnvParameter, ProjectParameter, TagParameter
from pipeline.run.session import session
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep
from pipeline.wording.variables import hidden

log = logging.getLogger("luigi-interface.pipeline")

REPORT = "report.html"  # in the environment's output folder


class DeclaredStage(CachedParameters, luigi.Task):
    """What a task that publishes targets declares: what it reads, how it computes, what it publishes.

    Class attributes
    ----------------
    sections : the config sections it reads; their values are traced
    modules : the modules that compute; their code is traced, with all that they import
    tables : the tables it publishes, names of `schema.TABLES`
    libraries : the libraries whose versions are traced
    mode : the most permissions of the targets, of those that the process's umask leaves; None takes none away
    needs : the source without which the stage publishes empty tables, so that a job of this name is refused; empty if there is none
    """

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    sections: ClassVar[tuple[str, ...]] = ()
    modules: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[str, ...]] = ()
    libraries: ClassVar[tuple[str, ...]] = fingerprints.LIBRARIES
    mode: ClassVar[int | None] = None
    needs: ClassVar[str] = ""

    # ---------------------------------------------------------------- where things are

    @property
    def folder(self) -> Path:
        """Where the targets are."""
        return _folder(self.config.outputs, self.task_family)

    @property
    def trace_path(self) -> Path:
        """Where the trace is."""
        return self.config.outputs / ".trace" / f"{_snake(self.task_family)}.json"

    def path(self, table: str) -> Path:
        """The target of a table."""
        return self.folder / f"{table}.parquet"

    def files_of(self, table: str) -> list[Path]:
        """The files that a table was last published in."""
        return [self.path(table)]

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The targets with a fixed name, by table."""
        return {table: luigi.LocalTarget(str(self.path(table))) for table in self.tables}

    def relative(self, path: Path | str) -> str:
        """A path as written in traces: relative to the project's root if it lies below it."""
        return str(path).removeprefix(os.path.join(self.config.home, ""))  # noqa: PTH118  # called for every file of every check

    # ---------------------------------------------------------------- what subclasses declare

    def files(self) -> Sequence[Path | str]:
        """Every file that a build would read now; plain strings if there are thousands."""
        raise TypeError(f"{type(self).__name__} must define which files it reads")

    def versions(self, *, anew: bool = False) -> dict[str, str]:  # noqa: ARG002  # for subclasses
        """What a build would read now that is no file here: its version by its name; with `anew` asked again in any case."""
        return {}

    def children(self) -> Sequence[DeclaredStage]:
        """The tasks that the last build of this stage asked for."""
        return []

    def stale_children(self) -> Iterator[DeclaredStage]:
        """The children that are not complete."""
        return (task for task in self.children() if not task.complete())

    def ask(self) -> Sequence[DeclaredStage]:
        """The tasks to ask for in this build; `files` contains their targets afterwards."""
        return []

    def begin(self) -> None:
        """Called before each attempt to build."""

    def end(self) -> None:
        """Called after each attempt to build, also after a failed one."""

    def sweep(self) -> None:
        """Remove what a killed process left beside the targets."""
        sweep(self.folder)

    def strays(self, trace: traces.Trace) -> list[Path]:  # noqa: ARG002  # for subclasses
        """Files that should not exist: leftovers of a killed build, or files that make a target beside them unreadable.

        `trace` is the trace of the last build.
        """
        return []

    def clear(self, stray: Path) -> None:
        """Remove a stray file."""
        stray.unlink(missing_ok=True)

    def build(self, publication: Publication) -> list[str]:
        """Read, compute, and write the targets' new content to `publication`; returns the categories asked for."""
        raise TypeError(f"{type(self).__name__} must define what it writes to {publication}")

    def owns(self, path: Path) -> bool:
        """Whether a file can be a target of this stage, from this build or an earlier one."""
        return path.is_relative_to(self.folder)

    def replaced(self, old: traces.Trace, new: traces.Trace) -> None:
        """Remove the targets of the old build that the new build did not make."""
        for target in old.outputs.keys() - new.outputs.keys():
            path = Path(os.path.normpath(self.config.home / target))
            if self.owns(path):  # nothing else is removed, even if a damaged trace names it
                path.unlink(missing_ok=True)

    def settings(self) -> dict[str, Any]:
        """The value, by dotted key, of every setting the stage reads, and the shape of the tables it publishes."""
        import msgspec

        values = {section: msgspec.to_builtins(self.section(section)) for section in self.sections}
        flat = {key: value for name, value in values.items() for key, value in traces.flatten(value, name).items()}
        shapes = {f"schema.{table}": _shape(schema.TABLES[table]) for table in self.tables}
        flat = {key: _without_variables(value) for key, value in flat.items()}
        return flat | shapes | {"schema.words": [schema.UNMAPPED, schema.NO_CATEGORY]}

    def section(self, name: str) -> Any:
        """The settings of a section that apply to this task."""
        return self.config.section(name)

    def findings(self) -> list[str]:
        """What a person should look at in the new targets, one line each."""
        return []

    def notes(self) -> list[str]:
        """What a person asks of what was just built, a line each."""
        return []

    def code(self) -> dict[str, str]:
        """The fingerprint, by module, of the code that builds this stage."""
        return session.code((*self.computing(), "pipeline.storage.parquet"), self.config)

    def computing(self) -> tuple[str, ...]:
        """The modules that compute."""
        return self.modules

    def say(self, text: str) -> None:
        """Show a text beside the task on the scheduler's page; works only while the task runs."""
        report = getattr(self, "set_status_message", None)
        if report is not None:
            report(text)

    def link(self) -> None:
        """Link the task on the scheduler's page to itself on the workbench, if the environment says where that is, else to the report.

        Works only while the task runs.
        """
        report, address = getattr(self, "set_tracking_url", None), os.environ.get("STORE_CLUSTERING_WORKBENCH", "")
        if report is not None and address:
            report(f"{address.rstrip('/')}/#{self.env}/pipeline/{self.page}")
        elif report is not None:
            report((self.config.outputs / REPORT).as_uri())

    @property
    def page(self) -> str:
        """Where the workbench shows the task."""
        return str(self.task_family)

    def progress(self, percent: int) -> None:
        """Show the progress of the build on the scheduler's page, in percent."""
        report = getattr(self, "set_progress_percentage", None)
        if report is not None:
            report(percent)


@functools.cache
def _folder(outputs: Path, family: str) -> Path:
    return outputs / _snake(family)


@functools.cache
def _snake(family: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in family).lstrip("_")


def _without_variables(value: Any) -> Any:
    """A setting as traces have it: in place of the value of a variable, what tells it from another value."""
    if isinstance(value, list | tuple):
        return [_without_variables(below) for below in value]
    if not isinstance(value, str) or (shown := hidden(value)) == value:
        return value
    return f"{shown} ({hashlib.sha256(value.encode(errors='surrogateescape')).hexdigest()[:12]})"


def _shape(table: schema.Table) -> list[Any]:
    """The parts of a table that its files depend on: the key, and name, type and nullability of each column."""
    columns = [*table.columns, *([table.more] if table.more else [])]
    return [list(table.key), [[column.name, column.type, column.nullable] for column in columns]]
