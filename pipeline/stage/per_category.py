"""One task per category (`CategoryStage`), and the stages that ask for them and join their tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import luigi
import msgspec

from pipeline import schema
from pipeline.config import raw_files
from pipeline.errors import OutputError, PipelineError, RawDataError, UsageError
from pipeline.freshness import fingerprints, seals, traces
from pipeline.run.parameters import CategoryParameter
from pipeline.run.session import session
from pipeline.settings.keys import normal
from pipeline.settings.per_category import for_category
from pipeline.stage.base import Stage
from pipeline.stage.evidence import own_reason
from pipeline.stage.from_raw import RawStage
from pipeline.stage.table import TableStage, module_of
from pipeline.storage import joining, parquet
from pipeline.storage.by_category import PerFile
from pipeline.storage.publication import Publication, names_in
from pipeline.storage.replacement import sweep
from pipeline.wording import listed, nearest


class CategoryStage(TableStage):
    """A `TableStage` for one category: it reads the category's own files, and only the settings that apply to it.

    Of a table that has a file per category, or that another `CategoryStage` publishes, it reads the category's.
    """

    category = CategoryParameter(description="the category, as it stands in the data")
    shares_process = True  # there are many, and most are small: see pipeline.run.shared_processes

    @classmethod
    def named(cls, category: str) -> str:
        """The name that users see for a category's task."""
        return f"{cls.get_task_family()}({category})"

    @property
    def name(self) -> str:
        """The task's name for users, with its category."""
        return self.named(self.category)

    @functools.cached_property  # safe: `project` fixes the root; with 500 categories, called ten thousand times
    def folder(self) -> Path:
        """A folder per category."""
        return super().folder / traces.slug(self.category)

    @functools.cached_property
    def _paths(self) -> dict[str, Path]:
        return {table: self.folder / f"{table}.parquet" for table in self.tables}

    def path(self, table: str) -> Path:
        """The target of a table."""
        return self._paths[table]

    @property
    def page(self) -> str:
        """The group of its family on the workbench, filtered by the category."""
        return f"{super().page}/{quote(self.category, safe='')}"

    @property
    def trace_path(self) -> Path:
        """A trace per category."""
        return super().trace_path.with_name(f"{super().trace_path.stem}-{traces.slug(self.category)}.json")

    def paths(self) -> dict[str, list[Path]]:
        """The files of each table it reads: the category's own file, if there is one per category."""
        return {argument: self._files(stage, table) for argument, (stage, table) in self.reads.items()}

    def _files(self, stage: type[Stage], table: str) -> list[Path]:
        required = self.clone(stage)
        if isinstance(required, RawStage) and table in required.per_category:
            return [required.category_path(table, self.category)]
        return list(required.files_of(table))

    def check_asked(self) -> None:
        """Refuse a category that is not in the data, before anything is built: by the list of the last build, or the raw sales.

        Nothing is refused if neither can be read: the run says why.

        Raises
        ------
        UsageError
            There is no such category.
        """
        listed_names = self._listed()
        if self.category in listed_names:
            return
        current = listed_names and all(task.complete() for task in self.deps())
        names = listed_names if current else self._in_raw_sales()
        if names and self.category not in names:
            raise UsageError(_unknown(self.category, names))

    def _listed(self) -> list[str]:
        """The categories of the last build; none if there was no build, or its list cannot be read."""
        path = self.clone(next(iter(self.reads.values()))[0]).path("categories")
        try:
            return [str(name) for name in parquet.read(path, schema.TABLES["categories"], ["category"])["category"]]
        except OutputError:
            return []

    def _in_raw_sales(self) -> list[str]:
        """The chosen categories that the raw sales name; none if they cannot be read, or are not on this machine."""
        from pipeline.engine import categories

        sales = self.clone(next(iter(self.reads.values()))[0])
        assert isinstance(sales, RawStage)  # noqa: S101  # the first stage below
        chosen = self.config.settings.internal.preprocessing
        if raw_files.is_far(self.config, "internal_sales"):
            return []
        try:
            files = [str(path) for path in raw_files.require(self.config, "internal_sales")]
            names = categories.names({"internal_sales": files}, self.config.settings.sources, sales.engine())
        except PipelineError:
            return []
        include = None if chosen.include is None else {normal(name) for name in chosen.include}
        exclude = {normal(name) for name in chosen.exclude}
        return [name for name in names if (include is None or name in include) and name not in exclude]

    def pinned_categories(self) -> set[str]:
        """Its own."""
        return {self.category}

    def begin(self) -> None:
        """Refuse a category that is not in the data."""
        for argument, (stage, table) in self.reads.items():
            if not issubclass(stage, RawStage) or table not in stage.per_category:
                continue
            if not all(path.is_file() for path in self.paths()[argument]):
                categories = parquet.read(self.clone(stage).path("categories"), schema.TABLES["categories"])
                names = [str(name) for name in categories["category"]]
                raise RawDataError(_unknown(self.category, names))

    def section(self, name: str) -> Any:
        """The settings of this category: its own settings over the general ones, none of other categories."""
        return for_category(super().section(name), self.category)


def _unknown(category: str, names: list[str]) -> str:
    return f"category {category!r} is not in the data{nearest(category, names)}: the categories are {listed(names, 10)}"


class CollectingStage(Stage):
    """Asks for one task per category, and joins their tables.

    Class attributes
    ----------------
    categories : the stage whose table `categories` lists the categories
    child : the task per category
    """

    reads: ClassVar[Mapping[str, tuple[type[Stage], str]]] = {}
    categories: ClassVar[type[Stage]]
    child: ClassVar[type[CategoryStage]]

    def computing(self) -> tuple[str, ...]:
        """The module that joins, too."""
        return (*super().computing(), "pipeline.storage.joining")

    def requires(self) -> list[luigi.Task]:
        """The stage that lists the categories."""
        return [self.clone(self.categories)]

    def _list(self) -> Path:
        path: Path = self.clone(self.categories).path("categories")
        return path

    def _current(self) -> list[str]:
        return [str(category) for category in parquet.read(self._list(), schema.TABLES["categories"])["category"]]

    def _tasks(self, categories: Sequence[str]) -> list[Stage]:
        return [self.clone(self.child, category=category) for category in categories]

    def _asked_for(self) -> list[str]:
        """The categories of the running build; else, of the last build."""
        if (asked := self.__dict__.get("_asked")) is not None:
            return list(asked)
        seen = session.memory(self.config).stat(str(self.trace_path))
        if seen is None or self.__dict__.get("_traced", (None,))[0] != seen:
            trace = traces.read(self.trace_path)
            self._traced = (seen, trace.children if trace else [])
        return self._traced[1]

    def children(self) -> list[Stage]:
        """The tasks of the running build; else, of the last build."""
        return self._tasks(self._asked_for())

    def stale_children(self) -> Iterator[Stage]:
        """The children that are not complete. If the seal holds, nothing has changed since the last check, and no task is made."""
        if not (categories := self._asked_for()):
            return
        example = self._example(categories)
        # All that the tasks of the categories require, this stage requires too: by itself, or by the stage that joins it.
        seal = self._evidence(example, categories) if all(task.complete() for task in self.deps()) else None
        memory, whole = session.memory(self.config), True
        if seal is not None and memory.sealed(self.name, seal.digest):
            for category in categories:
                session.fresh.add(self.child.named(category))
            return
        for task in self._tasks(categories):
            if not task.complete():
                whole = False
                yield task
        if seal is not None and whole:
            memory.seal(self.name, seal.digest, seal.stats)

    def _evidence(self, example: CategoryStage, categories: Sequence[str]) -> seals.Evidence | None:
        paths = [str(path) for path in (example.trace_path, *example.files(), *map(example.path, example.tables))]
        memory = session.memory(self.config)

        def facts() -> tuple[Any, ...]:  # the settings of one category, and of all others too
            sections = [msgspec.to_builtins(self.config.section(name)) for name in example.sections]
            libraries = fingerprints.libraries(memory, example.libraries)
            return example.settings(), sections, example.code(), libraries

        return seals.evidence(memory, paths, example.category, categories, facts)

    def _example(self, categories: Sequence[str]) -> CategoryStage:
        example: CategoryStage = self.clone(self.child, category=categories[0])
        return example

    def ask(self) -> list[Stage]:
        """A task per current category whose trace does not hold.

        The stage above is not checked again: a change after its publication belongs to the next run.
        """
        return [task for task in self._tasks(self._current()) if own_reason(task) is not None]

    def prepare(self) -> None:
        """Prepare the tasks per category too."""
        super().prepare()
        computing = (module_of(self.child.compute),)
        session.code((*computing, "pipeline.storage.parquet"), self.config)  # hash before importing
        session.prepare(computing)

    def begin(self) -> None:
        """Read the current categories."""
        self._asked = self._current()

    def end(self) -> None:
        """From now on, the trace lists the categories."""
        del self._asked

    def files(self) -> list[Path | str]:
        """The list of categories, and the targets of their tasks."""
        if not (categories := self._asked_for()):
            return [self._list()]
        example = self._example(categories)
        targets = [str(example.path(table)) for table in self.child.tables]
        return [self._list(), *seals.each(targets, example.category, categories)]

    def build(self, publication: Publication) -> list[str]:
        """Join the children's tables."""
        children, spill = self.children(), str(self.config.spill_folder)
        for table in self.tables:
            with publication.staged(self.path(table)) as path:
                joining.join([child.path(table) for child in children], schema.TABLES[table], path, spill)
        return list(self._asked or [])

    def strays(self, trace: traces.Trace) -> list[Path]:
        """Targets and traces of categories that the last build did not ask for and the data does not have.

        They come from categories that have left the data, also if a killed run built their tasks in between.
        """
        asked, example = {traces.slug(category) for category in trace.children}, self.clone(self.child, category="")
        targets, trace_path = example.folder.parent, example.trace_path
        prefix = trace_path.stem.removesuffix(traces.slug(""))
        names = [
            name.removesuffix(".json").removeprefix(prefix)
            for name in names_in(trace_path.parent)
            if name.startswith(prefix)
        ]
        gone = {name for name in (*names_in(targets), *names) if name not in asked and traces.is_slug(name)}
        if not gone:
            return []
        try:  # another run may have built these categories since then
            gone -= {traces.slug(category) for category in self._current()}
        except (OSError, PipelineError):  # the categories in the data cannot be read now
            return []
        paths = [targets / name / f"{table}.parquet" for name in sorted(gone) for table in self.child.tables]
        paths += [trace_path.with_name(f"{prefix}{name}.json") for name in sorted(gone)]
        return [path for path in paths if path.exists()]

    def clear(self, stray: Path) -> None:
        """Remove the file, and its category's folder if it is empty then."""
        super().clear(stray)
        folder = stray.parent
        if stray.suffix == ".parquet":
            sweep(folder)
            if not names_in(folder):  # a user's own file keeps the folder
                folder.rmdir()


class JoiningStage(CollectingStage, TableStage):
    """A `CollectingStage` that computes its tables from those of its children, and from further tables."""

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are read, and the stage that lists the categories."""
        return list(dict.fromkeys((*CollectingStage.requires(self), *TableStage.requires(self))))

    def files(self) -> list[Path | str]:
        """The list of categories, the targets of their tasks, and the tables that are read."""
        return [*CollectingStage.files(self), *TableStage.files(self)]

    def build(self, publication: Publication) -> list[str]:
        """Read the children's tables, each a category at a time, and the others; compute, write the tables."""
        children = dict(zip(self._asked_for(), self.children(), strict=True))
        each = {
            table: PerFile({category: child.path(table) for category, child in children.items()}, schema.TABLES[table])
            for table in self.child.tables
        }
        self.write(self.computed(each | self.read()), publication)
        return list(self._asked or [])
