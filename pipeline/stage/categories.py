"""One task per category (`CategoryStage`), and the stage that asks for them and joins what they publish."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema, tables
from pipeline.config_faults import nearest
from pipeline.errors import RawDataError
from pipeline.freshness import traces
from pipeline.overrides import for_category
from pipeline.stage import session
from pipeline.stage.base import Stage
from pipeline.stage.gathering import RawStage
from pipeline.stage.parameters import CategoryParameter
from pipeline.stage.table import TableStage, module_of
from pipeline.tables import Publication


class CategoryStage(TableStage):
    """A `TableStage` for one category: it reads the category's own file, and only the settings that hold for it."""

    category = CategoryParameter(description="the category, as it stands in the data")

    @property
    def name(self) -> str:
        """The task as users name it, with its category."""
        return f"{self.task_family}({self.category})"

    @functools.cached_property  # of a task whose `project` says which root it is in: with 500 categories, asked for ten thousand times
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
    def trace_path(self) -> Path:
        """A trace per category."""
        return super().trace_path.with_name(f"{super().trace_path.stem}-{traces.slug(self.category)}.json")

    def paths(self) -> dict[str, list[Path]]:
        """The category's own file of each table that is read."""
        found = {}
        for argument, (stage, _) in self.reads.items():
            required = self.clone(stage)
            assert isinstance(required, RawStage)  # noqa: S101  # only these have a file per category
            found[argument] = [required.category_path(self.category)]
        return found

    def begin(self) -> None:
        """Refuse a category that is not in the data."""
        for (stage, _), (path,) in zip(self.reads.values(), self.paths().values(), strict=True):
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
                child.sweep()
                if not any(child.folder.iterdir()):  # a file of somebody's own keeps it
                    child.folder.rmdir()
