"""`RawStage`: reads raw files through the engine, computes, publishes tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from pipeline import schema
from pipeline.config import raw_files
from pipeline.freshness import fingerprints, traces
from pipeline.run.session import session
from pipeline.stage.far import SECRET, WHEN, BucketMirror, SourceExtract
from pipeline.stage.raw_source import RawSource, SampleData
from pipeline.stage.table import Frames, TableStage, function, module_of
from pipeline.storage import parquet
from pipeline.storage.publication import Publication, names_in
from pipeline.storage.replacement import sweep

if TYPE_CHECKING:
    import pandas as pd


class RawStage(TableStage):
    """Reads raw files through the engine, computes, publishes tables; some tables may be a file per category.

    Class attributes
    ----------------
    sources : which raw files it reads: internal_sales, need_states, external, overrides
    planted : whether sample data has these files
    gather : `module:function` of the engine
    per_category : the tables that are a file per category
    compute_each : with such tables, `module:function` of core; gets the `sales` of a batch of categories, and the settings. `compute` then
        gets its other tables, of every batch, as `parts`
    besides_each : the arguments of `besides` that it gets too
    """

    sources: ClassVar[tuple[str, ...]] = ()
    planted: ClassVar[bool] = True
    gather: ClassVar[str]
    per_category: ClassVar[tuple[str, ...]] = ()
    compute_each: ClassVar[str]
    besides_each: ClassVar[tuple[str, ...]] = ()

    def requires(self) -> list[luigi.Task]:
        """One task per source of raw files; or the sample data, if it must be made first.

        Luigi ignores the requirements of an external task, so both at once would not work.
        """
        sample = self.clone(SampleData)
        if (
            self.planted
            and self.source_names()
            and self.config.settings.sample_data.when_missing
            and not sample.complete()
        ):
            return [sample]
        return [self.clone(self._kind(name), source=name) for name in self.source_names()]

    def _kind(self, name: str) -> type[luigi.Task]:
        """The task that has the files of a source here."""
        source = raw_files.source(self.config, name)
        if source.is_in_bucket:
            return BucketMirror
        return SourceExtract if source.is_in_database else RawSource

    def source_names(self) -> list[str]:
        """The sources it reads, the external ones by position."""
        return [name for name in raw_files.names(self.config) if name.split(".")[0] in self.sources]

    def settings(self) -> dict[str, Any]:
        """The settings of the sections, without those that say when a source is asked, and its secret."""
        return {
            key: value for key, value in super().settings().items() if key.rpartition(".")[2] not in (*WHEN, SECRET)
        }

    def files(self) -> list[Path]:
        """The raw files."""
        return [path for name in self.source_names() for path in raw_files.existing(self.config, name)]

    def computing(self) -> tuple[str, ...]:
        """The modules of `gather` and `compute`."""
        return (module_of(self.gather), *super().computing())

    def findings(self) -> list[str]:
        """What was read and may not be what was meant, and internal sales files with equal content."""
        return [*self._read_with("doubts"), *self._copies()]

    def notes(self) -> list[str]:
        """Which weeks were read."""
        return self._read_with("notes")

    def _read_with(self, what: str) -> list[str]:
        """What the engine said beside its tables, in the build that this process made."""
        lines: list[str] = self.__dict__.get("_remarks", {}).get(what, [])
        return lines

    def _copies(self) -> list[str]:
        if "internal_sales" not in self.source_names():
            return []
        memory = session.memory(self.config)
        files = raw_files.existing(self.config, "internal_sales")
        try:
            return raw_files.copies(files, lambda path: memory.hash(path, fingerprints.content))
        except FileNotFoundError:  # deleted after publication: the next run reports it
            return []

    def category_path(self, table: str, category: str) -> Path:
        """The file of a category."""
        return self.folder / table / f"{traces.slug(category)}.parquet"

    def files_of(self, table: str) -> list[Path]:
        """The files of the last publication of a table: all categories, if it is a file per category."""
        if table not in self.per_category:
            return super().files_of(table)
        trace = traces.read(self.trace_path)
        below = self.relative(self.folder / table) + "/"
        return [self.config.home / path for path in sorted(trace.outputs if trace else {}) if path.startswith(below)]

    def strays(self, trace: traces.Trace) -> list[Path]:
        """Files of categories that are not in the last trace: a killed build published them before its trace."""
        return [
            folder / name
            for folder in (self.folder / table for table in self.per_category)
            for below in (f"{self.relative(folder)}/",)
            for name in names_in(folder)
            if below + name not in trace.outputs
            and name.endswith(".parquet")
            and traces.is_slug(name.removesuffix(".parquet"))
        ]

    def build(self, publication: Publication) -> list[str]:
        """Read the raw files, compute, write the tables."""
        settings = self.config.settings
        files = {name: [str(path) for path in raw_files.require(self.config, name)] for name in self.source_names()}
        internal = {"settings": settings.internal.preprocessing} if "internal_sales" in self.sources else {}
        parts: list[Frames] = []
        each = {"each": lambda sales: parts.append(self._batch(sales, publication))} if self.per_category else {}
        for table in self.per_category:
            sweep(self.folder / table)
        read = function(self.gather)(files, sources=settings.sources, **internal, engine=self.engine(), **each)
        self._remarks = {what: getattr(read, what, []) for what in ("doubts", "notes")}
        batches = {"parts": parts} if self.per_category else {}
        frames = self.computed(
            {name: table for name, table in read.items() if name != "sales" or not batches} | batches
        )
        if batches:
            slugs = [traces.slug(category) for category in frames["categories"]["category"]]
            frames["categories"] = frames["categories"].assign(file=slugs)
        self.write(frames, publication)
        return []

    def _batch(self, sales: pd.DataFrame, publication: Publication) -> Frames:
        """Compute the tables of some categories from their sales, and write those that are a file per category; returns the others."""
        besides = {argument: self.config.section(self.besides[argument]) for argument in self.besides_each}
        frames = function(self.compute_each)(sales=sales, settings=self.section(self.sections[0]), **besides)
        for table in self.per_category:
            published = frames.pop(table)
            rows = {str(category): part for category, part in published.groupby("category", sort=True)}
            for category in frames["categories"]["category"]:
                with publication.staged(self.category_path(table, category)) as path:
                    parquet.write(rows.get(category, published.iloc[:0]), schema.TABLES[table], path)
        return frames

    def engine(self) -> Any:
        """The engine's settings, its spill folder below the project's root."""
        import msgspec

        engine = self.config.settings.engine
        return msgspec.structs.replace(engine, spill_folder=str(self.config.spill_folder))
