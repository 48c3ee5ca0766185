"""The kinds of stages: how each finds its files and makes its targets.

`RawStage` reads raw files through the engine; `TableStage` reads tables; `CategoryStage` is a `TableStage` for one
category; `CollectingStage` asks for one task per category and joins what they publish; `DatabaseStage` loads everything.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from pipeline import raw_files, schema, tables
from pipeline.config_faults import nearest
from pipeline.errors import RawDataError, SettingsError
from pipeline.freshness import fingerprints, traces
from pipeline.settings import for_category
from pipeline.stage import session
from pipeline.stage.base import Stage
from pipeline.stage.parameters import EnvParameter, ProjectParameter, TagParameter, root_task
from pipeline.stage.raw import RawSource, SampleData
from pipeline.tables import Publication

if TYPE_CHECKING:
    import pandas as pd

Frames = dict[str, "pd.DataFrame"]


def function(name: str) -> Callable[..., Frames]:
    """The function of `module:name`, imported when it is about to be called."""
    module, attribute = name.split(":")
    found: Callable[..., Frames] = getattr(importlib.import_module(module), attribute)
    return found


def module_of(name: str) -> str:
    """The module of `module:name`."""
    return name.partition(":")[0]


class TableStage(Stage):
    """Reads tables of other stages, computes, publishes tables.

    Class attributes
    ----------------
    reads : argument of `compute` -> (stage, table)
    compute : `module:function` of core; gets the tables and the settings of the first of `sections`
    """

    reads: ClassVar[Mapping[str, tuple[type[Stage], str]]] = {}
    compute: ClassVar[str]

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are read."""
        return [self.clone(stage) for stage in dict.fromkeys(stage for stage, _ in self.reads.values())]

    def paths(self) -> dict[str, Path]:
        """File by argument."""
        return {argument: self.clone(stage).path(table) for argument, (stage, table) in self.reads.items()}

    def files(self) -> list[Path]:
        """The tables that are read."""
        return list(self.paths().values())

    def build(self, publication: Publication) -> list[str]:
        """Read the tables, compute, write the tables."""
        read = {
            argument: tables.read(path, schema.TABLES[self.reads[argument][1]])
            for argument, path in self.paths().items()
        }
        self.write(self.computed(read), publication)
        return []

    def computing(self) -> tuple[str, ...]:
        """The module of `compute`."""
        return (module_of(self.compute),)

    def computed(self, read: Frames) -> Frames:
        """What core makes of the tables read."""
        return function(self.compute)(**read, settings=self.section(self.sections[0]))

    def write(self, made: Frames, publication: Publication) -> None:
        """Write every table to its target's new content."""
        for table in self.tables:
            with publication.staged(self.path(table)) as path:
                tables.write(made[table], schema.TABLES[table], path)


class RawStage(TableStage):
    """Reads raw files through the engine, computes, publishes tables; one of them may be a file per category.

    Class attributes
    ----------------
    sources : which raw files it reads: internal_sales, need_states, external
    gather : `module:function` of the engine
    per_category : the table that is a file per category, empty where there is none
    """

    sources: ClassVar[tuple[str, ...]] = ()
    gather: ClassVar[str]
    per_category: ClassVar[str] = ""

    def requires(self) -> list[luigi.Task]:
        """The raw files, each source a task; the sample data, where that is still to be made.

        Luigi does not look at what an external task requires, so the two are one or the other.
        """
        sample = self.clone(SampleData)
        if self.config.settings.sample_data.when_missing and not sample.complete():
            return [sample]
        return [self.clone(RawSource, source=name) for name in self.source_names()]

    def source_names(self) -> list[str]:
        """The sources it reads, the external ones by position."""
        return [name for name in raw_files.names(self.config) if name.split(".")[0] in self.sources]

    def files(self) -> list[Path]:
        """The raw files."""
        return [path for name in self.source_names() for path in raw_files.found(self.config, name)]

    def computing(self) -> tuple[str, ...]:
        """The modules of `gather` and `compute`."""
        return (module_of(self.gather), *super().computing())

    def category_path(self, category: str) -> Path:
        """The file of a category."""
        return self.folder / self.per_category / f"{traces.slug(category)}.parquet"

    def build(self, publication: Publication) -> list[str]:
        """Read the raw files, compute, write the tables."""
        settings = self.config.settings
        files = {name: [str(path) for path in raw_files.require(self.config, name)] for name in self.source_names()}
        internal = {"settings": settings.internal.preprocessing} if "internal_sales" in self.sources else {}
        read = function(self.gather)(files, sources=settings.sources, **internal, engine=self.engine())
        made = self.computed(read)
        if self.per_category:
            self._write_per_category(made, publication)
        self.write(made, publication)
        return []

    def engine(self) -> Any:
        """The engine's settings, its spill folder below the project's root."""
        import msgspec

        engine = self.config.settings.engine
        return msgspec.structs.replace(engine, spill_folder=str(self.config.home / engine.spill_folder))

    def _write_per_category(self, made: Frames, publication: Publication) -> None:
        tables.sweep(self.folder / self.per_category)
        categories = made["categories"]
        made["categories"] = categories.assign(file=[traces.slug(category) for category in categories["category"]])
        for category, rows in made[self.per_category].groupby("category", sort=True):
            with publication.staged(self.category_path(str(category))) as path:
                tables.write(rows, schema.TABLES[self.per_category], path)


class CategoryStage(TableStage):
    """A `TableStage` for one category: it reads the category's own file, and only the settings that hold for it."""

    category = luigi.Parameter(description="the category, as it stands in the data")

    @property
    def name(self) -> str:
        """The task as users name it, with its category."""
        return f"{self.task_family}({self.category})"

    @property
    def folder(self) -> Path:
        """A folder per category."""
        return super().folder / traces.slug(self.category)

    @property
    def trace_path(self) -> Path:
        """A trace per category."""
        return super().trace_path.with_name(f"{super().trace_path.stem}-{traces.slug(self.category)}.json")

    def paths(self) -> dict[str, Path]:
        """The category's own file of each table that is read."""
        found = {}
        for argument, (stage, _) in self.reads.items():
            required = self.clone(stage)
            assert isinstance(required, RawStage)  # noqa: S101  # only these have a file per category
            found[argument] = required.category_path(self.category)
        return found

    def begin(self) -> None:
        """Refuse a category that is not in the data."""
        for (stage, _), path in zip(self.reads.values(), self.paths().values(), strict=True):
            if not path.is_file():
                listed = tables.read(self.clone(stage).path("categories"), schema.TABLES["categories"])
                names = [str(name) for name in listed["category"]]
                raise RawDataError(
                    f"category {self.category!r} is not in the data{nearest(self.category, names)}: "
                    f"there are {len(names)} categories, {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"
                )

    def section(self, name: str) -> Any:
        """The settings with the category's overrides, and nobody else's."""
        return for_category(super().section(name), self.category)


class CollectingStage(Stage):
    """Asks for one task per category, and joins what they publish into one table each.

    Class attributes
    ----------------
    categories : the stage whose table `categories` names them
    child : the task per category
    """

    categories: ClassVar[type[Stage]]
    child: ClassVar[type[CategoryStage]]

    def requires(self) -> list[luigi.Task]:
        """The stage that knows which categories there are."""
        return [self.clone(self.categories)]

    def _list(self) -> Path:
        listed: Path = self.clone(self.categories).path("categories")
        return listed

    def _current(self) -> list[str]:
        return [str(category) for category in tables.read(self._list(), schema.TABLES["categories"])["category"]]

    def _tasks(self, categories: Sequence[str]) -> list[Stage]:
        return [self.clone(self.child, category=category) for category in categories]

    def children(self) -> list[Stage]:
        """The tasks of this build while it runs, else of the last one."""
        asked: list[str] | None = self.__dict__.get("_asked")
        if asked is None:
            trace = traces.read(self.trace_path)
            asked = trace.children if trace else []
        return self._tasks(asked)

    def ask(self) -> list[Stage]:
        """A task per category there is now, where its trace does not hold.

        The stage above is not looked at again: what changed since it was published belongs to the next run.
        """
        return [task for task in self._tasks(self._current()) if task.own_reason() is not None]

    def prepare(self) -> None:
        """Also what the tasks per category need."""
        super().prepare()
        session.code((module_of(self.child.compute), "pipeline.tables"), self.config)

    def begin(self) -> None:
        """Find out which categories there are now."""
        self._asked = self._current()

    def end(self) -> None:
        """From here on the trace says which there were."""
        del self._asked

    def files(self) -> list[Path]:
        """The list of categories, and what their tasks publish."""
        return [self._list(), *(child.path(table) for child in self.children() for table in self.tables)]

    def build(self, publication: Publication) -> list[str]:
        """Join the children's tables."""
        children = self.children()
        for table in self.tables:
            joined = tables.read([child.path(table) for child in children], schema.TABLES[table])
            with publication.staged(self.path(table)) as path:
                tables.write(joined, schema.TABLES[table], path)
        return list(self._asked or [])

    def replaced(self, old: traces.Trace, new: traces.Trace) -> None:
        """Clear away the targets and traces of categories that are gone."""
        super().replaced(old, new)
        for child in self._tasks(sorted(set(old.children) - set(new.children))):
            for table in self.tables:
                child.path(table).unlink(missing_ok=True)
            child.trace_path.unlink(missing_ok=True)
            if child.folder.is_dir():
                child.folder.rmdir()


class DatabaseStage(Stage):
    """Loads tables of other stages, lineage and run records into one DuckDB file.

    Class attributes
    ----------------
    loads : (stage, table) of every table that is loaded; a table that two stages publish is loaded once, from one
    """

    loads: ClassVar[tuple[tuple[type[Stage], str], ...]] = ()
    mode = 0o444  # who opens it for writing is refused, and cannot spoil it

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are loaded."""
        return [self.clone(stage) for stage in dict.fromkeys(stage for stage, _ in self.loads)]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if root_task():
            session.at_exit(self.database, self.announce)

    @property
    def database(self) -> Path:
        """The file that is published."""
        database: Path = self.config.database
        return database

    @property
    def folder(self) -> Path:
        """The folder of the database; it may hold those of other environments."""
        return self.database.parent

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The database."""
        return {"database": luigi.LocalTarget(str(self.database))}

    def sweep(self) -> None:
        """Remove what a killed process left beside the database."""
        tables.sweep(self.folder, self.database.name)

    def loaded(self) -> dict[str, list[Path]]:
        """The files of every table, as the stages last published them."""
        found: dict[str, list[Path]] = {}
        for stage, table in self.loads:
            required = self.clone(stage)
            if isinstance(required, RawStage) and table == required.per_category:
                trace = traces.read(required.trace_path)
                below = self.relative(required.folder / table) + "/"
                published = sorted(path for path in (trace.outputs if trace else {}) if path.startswith(below))
                found[table] = [self.config.home / path for path in published]
            else:
                found[table] = [required.path(table)]
        return found

    def files(self) -> list[Path]:
        """The files of every table."""
        return [path for paths in self.loaded().values() for path in paths]

    def settings(self) -> dict[str, Any]:
        """The settings it reads, and all that is said of each table: comments are loaded too."""
        described = {f"schema.{name}": fingerprints.text(repr(table))[:12] for name, table in schema.TABLES.items()}
        return super().settings() | described

    def build(self, publication: Publication) -> list[str]:
        """Load every table into a new file, and verify it by opening it."""
        from pipeline import history
        from pipeline.warehouse import load

        frames = {"lineage": history.lineage(self.config), "runs": history.runs_so_far(self.config)}
        with publication.staged(self.database) as path:
            load.build(path, self.loaded(), frames)
        return []

    def announce(self) -> None:
        """Say where the database is, and whether it is this run's."""
        try:
            database, is_fresh = self.database, next(self.reasons(), None) is None
        except SettingsError as error:  # the config was edited while the run went on
            sys.stderr.write(f"error: {error}\n")
            return
        if is_fresh:
            sys.stdout.write(f"store clusters: {database}\n")
        elif database.exists():
            sys.stdout.write(f"store clusters: {database} (of the last good run: this one did not get there)\n")

    def published(self) -> None:
        """Remove the log of a database that is no more: beside another file it would make that unreadable."""
        self.database.with_name(f"{self.database.name}.wal").unlink(missing_ok=True)


class Bundle(luigi.WrapperTask):
    """Stages under one name: publishes nothing, and is complete when they are."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    stages: ClassVar[tuple[type[Stage], ...]] = ()

    def requires(self) -> list[luigi.Task]:
        """The stages."""
        return [self.clone(stage) for stage in self.stages]

    def run(self) -> None:
        """Its stages have run: a raw file that changed since belongs to the next run."""
        self._just_looked = True

    def complete(self) -> bool:
        """Whether every stage is complete."""
        return bool(self.__dict__.pop("_just_looked", False)) or bool(super().complete())
