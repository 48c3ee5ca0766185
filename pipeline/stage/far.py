"""Sources that are elsewhere: tasks that keep a local copy, `SourceExtract` of a table or query of a database."""

from __future__ import annotations

import datetime
import hashlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import luigi

from pipeline.config import raw_files
from pipeline.errors import RemoteError
from pipeline.freshness import traces
from pipeline.records import runs
from pipeline.stage.base import Stage
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep

# What says when a source is asked, and the secret that says where: no result depends on them.
WHEN = ("version_query", "refresh")
SECRET = "connection"  # noqa: S105  # the name of a setting
_OF_FILES = ("csv", "excel", "week_format", "path")
# When a database is asked again: where this is not what it was in the last build.
_TURNS: Mapping[str, Callable[[], str]] = {
    "always": runs.current,
    "nightly": lambda: f"{datetime.datetime.now().astimezone():%Y-%m-%d}",
    "manual": lambda: "once",
}
_answers: dict[tuple[str, str], str] = {}  # by run and trace: asked once per run


class FarSource(Stage):
    """Keeps a local copy of a source that is elsewhere.

    What is there has a version among the inputs of its trace, as files have. A copy that comes out as before is not replaced, and cuts
    off all that is after it.
    """

    source = luigi.Parameter()

    @property
    def name(self) -> str:
        """The task's name for users, with the source."""
        return f"{self.task_family}({self.source})"

    @property
    def trace_path(self) -> Path:
        """A trace per source."""
        return super().trace_path.with_name(f"{super().trace_path.stem}-{self.source}.json")

    @property
    def located(self) -> Any:
        """The settings of the source."""
        return raw_files.source(self.config, self.source)

    @property
    def table(self) -> str:
        """The table of the config that names the source."""
        return raw_files.setting(self.source).removesuffix(".path")

    def files(self) -> list[Path]:
        """None: what is read is not here."""
        return []


class SourceExtract(FarSource):
    """The local copy of a source that is in a database: of sales their sums, else all rows."""

    modules: ClassVar[tuple[str, ...]] = ("pipeline.engine.remote.extracts",)

    @property
    def target(self) -> Path:
        """The copy."""
        return raw_files.extract(self.config, self.source)

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The copy."""
        return {"extract": luigi.LocalTarget(str(self.target))}

    def sweep(self) -> None:
        """Remove what a killed process left beside the copy."""
        sweep(self.target.parent, self.target.name)

    def settings(self) -> dict[str, Any]:
        """The settings that say what is read: neither how files are written, nor the secret part of the connection."""
        import msgspec

        values = msgspec.to_builtins(self.located)
        values = {key: value for key, value in values.items() if key not in (*WHEN, *_OF_FILES)}
        values[SECRET] = _place(values[SECRET])
        mapped = self.config.settings.sources.need_states
        category = {"sources.need_states.columns.category": mapped and mapped.columns.category}
        return traces.flatten(values, self.table) | (category if self.source == "internal_sales" else {})

    def versions(self, *, anew: bool = False) -> dict[str, str]:
        """The version of the table or query, by what it is called.

        It is the answer of the version query, with the turn in which it was given, or the turn alone: as long as the answer is the same,
        or the turn is, so is the version. A database that does not answer has none: the build says so.
        """
        turn = _TURNS[self.located.refresh]()
        trace = traces.read(self.trace_path)
        what = f"table {self.located.table}" if self.located.table else f"sql of [{self.table}]"
        before = trace.inputs.get(what, "") if trace else ""
        if not self.located.version_query:
            return {what: turn}
        is_of_turn = before.endswith(f" ({turn})") or (trace is not None and trace.run_id == runs.current())
        if before and is_of_turn and not anew:
            return {what: before}
        answer = self._answer(anew=anew)
        return {what: before if before.rpartition(" (")[0] == answer else f"{answer} ({turn})"}

    def _answer(self, *, anew: bool) -> str:
        asked = (runs.current(), str(self.trace_path))
        if anew or asked not in _answers:
            try:
                extracts = importlib.import_module("pipeline.engine.remote.drivers")
                _answers[asked] = extracts.version(self.table, self.located)
            except RemoteError:
                if anew:
                    raise
                _answers[asked] = "no answer"
        return _answers[asked]

    def build(self, publication: Publication) -> list[str]:
        """Ask the database, and write the copy."""
        import msgspec

        from pipeline.engine.remote import extracts

        engine = msgspec.structs.replace(self.config.settings.engine, spill_folder=str(self.config.spill_folder))
        with publication.staged(self.target) as path:
            extracts.write(path, self.table, self.located, self.config.settings.sources, engine)
        return []


def _place(connection: str) -> str:
    """A hash of where a database is: a changed password changes nothing."""
    parts = urlsplit(connection)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.partition(';')[0]}"
    return hashlib.sha256(where.encode()).hexdigest()
