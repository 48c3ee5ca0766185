"""`TableStage`: reads tables of other stages, computes, publishes tables."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema
from pipeline.pins import archive, naming
from pipeline.stage.base import Stage
from pipeline.storage import joining, parquet
from pipeline.storage.by_category import OnDisk
from pipeline.storage.publication import Publication

Frames = dict[str, Any]  # by table: a frame, or an iterator of frames with keys of their own


def function(name: str) -> Callable[..., Frames]:
    """The function of `module:name`, imported just before the call."""
    module, attribute = name.split(":")
    compute: Callable[..., Frames] = getattr(importlib.import_module(module), attribute)
    return compute


def module_of(name: str) -> str:
    """The module of `module:name`."""
    return name.partition(":")[0]


class TableStage(Stage):
    """Reads tables of other stages, computes, publishes tables.

    Class attributes
    ----------------
    reads : argument of `compute` -> (stage, table)
    columns : argument of `compute` -> the only columns that are read
    in_parts : arguments of `compute` that are an iterable of frames, one per file: no more than one is in memory
    by_category : arguments of `compute` that are a table by category: no more than one category is in memory, and no file is read
        before the first use
    pinned : argument of `compute` -> (level, table, columns): read from the pin that `Settings.references` names for the
        level; None is passed if it names none
    compute : `module:function` of core; gets the tables and the settings of the first of `sections`
    besides : argument of `compute` -> a further single setting, such as `stores.closed`
    """

    reads: ClassVar[Mapping[str, tuple[type[Stage], str]]] = {}
    columns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    in_parts: ClassVar[tuple[str, ...]] = ()
    by_category: ClassVar[tuple[str, ...]] = ()
    pinned: ClassVar[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {}
    compute: ClassVar[str]
    besides: ClassVar[Mapping[str, str]] = {}

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are read."""
        return [self.clone(stage) for stage in dict.fromkeys(stage for stage, _ in self.reads.values())]

    def paths(self) -> dict[str, list[Path]]:
        """Files by argument."""
        return {argument: self.clone(stage).files_of(table) for argument, (stage, table) in self.reads.items()}

    def files(self) -> Sequence[Path | str]:
        """The tables that are read, including those of pins."""
        return [
            *(path for paths in self.paths().values() for path in paths),
            *(
                archive.path(self.config.home, pin, self.pinned[argument][1])
                for argument, pin in self._pins().items()
                if pin
            ),
        ]

    def _pins(self) -> dict[str, archive.Reference | None]:
        """The pin of each argument of `pinned`; None if the settings name none for its level."""
        named = {
            argument: getattr(self.config.settings.references, level) for argument, (level, *_) in self.pinned.items()
        }
        return {argument: naming.of_setting(self.config, name) if name else None for argument, name in named.items()}

    def build(self, publication: Publication) -> list[str]:
        """Read the tables, compute, write the tables."""
        self.write(self.computed(self.read()), publication)
        return []

    def read(self) -> dict[str, Any]:
        """The tables, by argument of `compute`; None for those of a pin that the settings do not name."""
        frames: dict[str, Any] = {}
        for argument, paths in self.paths().items():
            declared, columns = self._table(argument), self.columns.get(argument)
            read = functools.partial(parquet.read, table=declared, columns=columns)
            if argument in self.by_category:
                frames[argument] = OnDisk(paths, declared, str(self.config.spill_folder), columns)
            elif argument in self.in_parts:
                frames[argument] = map(read, paths)
            else:
                frames[argument] = read(paths)
        for argument, pin in self._pins().items():
            _, table, columns = self.pinned[argument]
            frames[argument] = (
                archive.table(self.config, pin, table, columns, self.pinned_categories()) if pin else None
            )
        return frames

    def pinned_categories(self) -> set[str] | None:
        """The only categories that are read of a pin's tables; None for all."""
        return None

    def _table(self, argument: str) -> schema.Table:
        return schema.TABLES[self.reads[argument][1]]

    def computing(self) -> tuple[str, ...]:
        """The module of `compute`."""
        return (module_of(self.compute),)

    def computed(self, read: Mapping[str, Any]) -> Frames:
        """What core computes from the tables."""
        besides = {argument: self.config.section(name) for argument, name in self.besides.items()}
        return function(self.compute)(**read, **besides, settings=self.section(self.sections[0]))

    def settings(self) -> dict[str, Any]:
        """The settings of the sections, and the single settings of `besides`."""
        return super().settings() | {name: list(self.config.section(name)) for name in self.besides.values()}

    def write(self, frames: Frames, publication: Publication) -> None:
        """Write every table as the new content of its target."""
        import pandas as pd

        for name in self.tables:
            table, declared = frames[name], schema.TABLES[name]
            with publication.staged(self.path(name)) as path:
                if isinstance(table, pd.DataFrame):
                    parquet.write(table, declared, path)
                else:
                    joining.write(table, declared, path, str(self.config.spill_folder))


class ModelStage(TableStage):
    """A `TableStage` that publishes its tables as one JSON document too, for programs that cannot read Parquet.

    Class attributes
    ----------------
    document : the file's name
    """

    document: ClassVar[str]

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The tables, and the document."""
        return {**super().output(), "document": luigi.LocalTarget(str(self.folder / self.document))}

    def write(self, frames: Frames, publication: Publication) -> None:
        """Write every table, and the document with all of them."""
        super().write(frames, publication)
        with publication.staged(self.folder / self.document) as path:
            path.write_text(parquet.as_json({table: frames[table] for table in self.tables}), encoding="utf-8")
