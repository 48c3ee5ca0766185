"""`RawStage`: reads raw files through the engine, computes, publishes tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema
from pipeline.config import raw_files
from pipeline.freshness import fingerprints, traces
from pipeline.run.session import session
from pipeline.stage.raw_source import RawSource, SampleData
from pipeline.stage.table import Frames, TableStage, function, module_of
from pipeline.storage import parquet
from pipeline.storage.publication import Publication, listed
from pipeline.storage.replacement import sweep


class RawStage(TableStage):
    """Reads raw files through the engine, computes, publishes tables; one of them may be a file per category.

    Class attributes
    ----------------
    sources : which raw files it reads: internal_sales, need_states, external, overrides
    planted : whether sample data has these files
    gather : `module:function` of the engine
    per_category : the table that is a file per category, empty where there is none
    """

    sources: ClassVar[tuple[str, ...]] = ()
    planted: ClassVar[bool] = True
    gather: ClassVar[str]
    per_category: ClassVar[str] = ""

    def requires(self) -> list[luigi.Task]:
        """The raw files, each source a task; the sample data, where that is still to be made.

        Luigi does not look at what an external task requires, so the two are one or the other.
        """
        sample = self.clone(SampleData)
        if self.planted and self.config.settings.sample_data.when_missing and not sample.complete():
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

    def findings(self) -> list[str]:
        """Sales that are there more than once."""
        if "internal_sales" not in self.sources:
            return []
        memory = session.memory(self.config)
        files = raw_files.found(self.config, "internal_sales")
        try:
            return raw_files.copies(files, lambda path: memory.hash(path, fingerprints.content))
        except FileNotFoundError:  # gone after publication: it belongs to the next run
            return []

    def category_path(self, category: str) -> Path:
        """The file of a category."""
        return self.folder / self.per_category / f"{traces.slug(category)}.parquet"

    def files_of(self, table: str) -> list[Path]:
        """The files that a table was last published in; of one that is a file per category, those of every category."""
        if table != self.per_category:
            return super().files_of(table)
        trace = traces.read(self.trace_path)
        below = self.relative(self.folder / table) + "/"
        return [self.config.home / path for path in sorted(trace.outputs if trace else {}) if path.startswith(below)]

    def strays(self, trace: traces.Trace) -> list[Path]:
        """Files of categories that the last build did not find: a killed one published them before its trace."""
        if not self.per_category:
            return []
        folder = self.folder / self.per_category
        return [
            folder / name
            for name in listed(folder)
            if self.relative(f"{folder}/{name}") not in trace.outputs
            and name.endswith(".parquet")
            and traces.is_slug(name.removesuffix(".parquet"))
        ]

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
        return msgspec.structs.replace(engine, spill_folder=str(self.config.spill_folder))

    def _write_per_category(self, made: Frames, publication: Publication) -> None:
        sweep(self.folder / self.per_category)
        categories = made["categories"]
        made["categories"] = categories.assign(file=[traces.slug(category) for category in categories["category"]])
        for category, rows in made[self.per_category].groupby("category", sort=True):
            with publication.staged(self.category_path(str(category))) as path:
                parquet.write(rows, schema.TABLES[self.per_category], path)
