"""Sources that are elsewhere: tasks that keep a local copy, of a table or query (`SourceExtract`) or of a bucket's files (`BucketMirror`)."""

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
from pipeline.config.environment import Config
from pipeline.errors import InputChangedError, MissingDataError, RemoteError
from pipeline.freshness import fingerprints, traces
from pipeline.records import runs
from pipeline.run.session import session
from pipeline.sample import is_sample
from pipeline.stage.base import Stage
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep

# What says when a source is asked, and the secret that says where: no result depends on them.
WHEN = ("version_query", "refresh")
SECRET = "connection"  # noqa: S105  # the name of a setting
_OF_FILES = ("csv", "excel", "week_format", "path")
# When a database is asked again: where this is not what it was in the last build.
TURNS: Mapping[str, Callable[[], str]] = {
    "always": runs.current,
    "nightly": lambda: f"{datetime.datetime.now().astimezone():%Y-%m-%d}",
    "manual": lambda: "once",
}
# By run and trace: asked once per run.
_answers: dict[tuple[str, str], str] = {}
_objects: dict[tuple[str, str], dict[str, str]] = {}


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

    def copy_to(self, folder: Path) -> list[Path]:
        """Write copies to a folder."""
        raise TypeError(f"{type(self).__name__} must define how it copies to {folder}")


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
        values[SECRET] = place_of(values[SECRET])
        mapped = self.config.settings.sources.need_states
        category = {"sources.need_states.columns.category": mapped and mapped.columns.category}
        return traces.flatten(values, self.table) | (category if self.source == "internal_sales" else {})

    def versions(self, *, anew: bool = False) -> dict[str, str]:
        """The version of the table or query, by what it is called.

        It is the answer of the version query, with the turn in which it was given, or the turn alone: as long as the answer is the same,
        or the turn is, so is the version. A database that does not answer has none: the build says so.
        """
        turn = TURNS[self.located.refresh]()
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
        with publication.staged(self.target) as path:
            self._write(path)
        return []

    def copy_to(self, folder: Path) -> list[Path]:
        """Ask the database, and write the copy to a folder."""
        self._write(folder / self.target.name)
        return [folder / self.target.name]

    def _write(self, path: Path) -> None:
        import msgspec

        from pipeline.engine.remote import extracts

        engine = msgspec.structs.replace(self.config.settings.engine, spill_folder=str(self.config.spill_folder))
        extracts.write(path, self.table, self.located, self.config.settings.sources, engine)


class BucketMirror(FarSource):
    """The local copies of a source's files, which are in a bucket: only what has another ETag is downloaded."""

    modules: ClassVar[tuple[str, ...]] = ("pipeline.storage.buckets",)
    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def folder(self) -> Path:
        """The folder of the copies."""
        return raw_files.mirror(self.config, self.source)

    def output(self) -> dict[str, luigi.LocalTarget]:
        """None that is known before: the trace names the copies."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Where the files are."""
        return {f"{self.table}.path": self.located.path}

    def versions(self, *, anew: bool = False) -> dict[str, str]:
        """The ETag of every object, by its URL; a bucket that does not answer has none: the build says so."""
        trace = traces.read(self.trace_path)
        if trace is not None and trace.run_id == runs.current() and not anew:
            return trace.inputs
        asked = (runs.current(), str(self.trace_path))
        if anew or asked not in _objects:
            try:
                _objects[asked] = self._objects()
            except RemoteError:
                if anew:
                    raise
                _objects[asked] = {self.located.path: "no answer"}
        return _objects[asked]

    def _objects(self) -> dict[str, str]:
        from pipeline.storage import buckets

        path = self.located.path
        names = {f"{self._bucket}/{key}": version for key, version in buckets.versions(path, self.table).items()}
        is_folder = path.endswith("/")
        return {name: version for name, version in names.items() if not is_folder or self._is_raw_file(name)}

    def _is_raw_file(self, name: str) -> bool:
        parts = name[len(self._common) :].split("/")
        return name.lower().endswith(raw_files.SUFFIXES) and not any(
            part.startswith(raw_files.HIDDEN) for part in parts
        )

    @property
    def _bucket(self) -> str:
        parts = urlsplit(self.located.path, allow_fragments=False)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def _common(self) -> str:
        """The beginning of every object's URL, which the copies' paths leave out."""
        from pipeline.storage import buckets

        return f"{self._bucket}/{buckets.folder_of(self.located.path)}"

    def sweep(self) -> None:
        """Remove what a killed process left beside the copies."""
        for folder in (self.folder, *(path for path in self.folder.rglob("*") if path.is_dir())):
            sweep(folder)

    def strays(self, trace: traces.Trace) -> list[Path]:
        """Copies that a killed build published before its trace."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        return [path for path in files if self.relative(path) not in trace.outputs]

    def build(self, publication: Publication) -> list[str]:
        """Download what is not here yet, and once more if it changes meanwhile."""
        try:
            self._download(publication)
        except InputChangedError:
            publication.discard()
            self._download(publication)
        return []

    def _download(self, publication: Publication) -> None:
        from pipeline.storage import buckets

        objects, trace = self.versions(anew=True), traces.read(self.trace_path)
        if not objects:
            raise self._nothing()
        for name, version in objects.items():
            path = self._copy(name)
            if trace is not None and trace.inputs.get(name) == version and self._is_here(path, trace):
                publication.keep(path, trace.outputs[self.relative(path)])
                continue
            with publication.staged(path) as temporary:
                buckets.download(self.located.path, name[len(self._bucket) + 1 :], version, temporary, self.table)
            if not self.config.settings.sample_data.accept and is_sample(temporary):
                raise MissingDataError(
                    f"{name} is sample data, and environment {self.env} takes real data only: upload the real file, or set "
                    f"sample_data.accept in configs/{self.env}.toml"
                )

    def copy_to(self, folder: Path) -> list[Path]:
        """Download everything to a folder."""
        from pipeline.storage import buckets

        objects = self.versions(anew=True)
        if not objects:
            raise self._nothing()
        paths = []
        for name, version in objects.items():
            paths.append(folder / self._copy(name).relative_to(self.folder))
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            buckets.download(self.located.path, name[len(self._bucket) + 1 :], version, paths[-1], self.table)
        return paths

    def _nothing(self) -> MissingDataError:
        return MissingDataError(
            f"no object at {self.located.path!r} (setting {self.table}.path, environment {self.env}): upload the file, or correct "
            f"the path in configs/base.toml or configs/{self.env}.toml; a folder ends in a slash"
        )

    def _copy(self, name: str) -> Path:
        relative = name[len(self._common) :]
        if any(part in ("", ".", "..") for part in relative.split("/")):
            raise RemoteError(
                f"[{self.table}]: {name}: a key with an empty part or dots for one has no copy; rename the object"
            )
        return self.folder / relative

    def _is_here(self, path: Path, trace: traces.Trace) -> bool:
        content = trace.outputs.get(self.relative(path))
        return (
            content is not None
            and path.is_file()
            and session.memory(self.config).hash(path, fingerprints.content) == content
        )


def copies(config: Config, name: str, folder: Path) -> list[Path]:
    """Make the copies of a source in another folder, for whoever looks at them before a run.

    Raises
    ------
    RemoteError : the database or the bucket does not answer
    RawDataError : a column of the sales is missing, or of another type
    MissingDataError : there is no such object
    """
    stage: FarSource = (SourceExtract if raw_files.source(config, name).is_in_database else BucketMirror)(
        env=config.env, source=name
    )
    folder.mkdir(parents=True)
    return stage.copy_to(folder)


def place_of(connection: str) -> str:
    """A hash of where a database is: a changed password changes nothing."""
    parts = urlsplit(connection)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.partition(';')[0]}"
    return hashlib.sha256(where.encode()).hexdigest()
