"""`LoadingStage`: reads whatever tables other stages publish, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema
from pipeline.freshness import fingerprints
from pipeline.stage.base import Stage


class LoadingStage(Stage):
    """Reads tables of other stages, those that are a file per category included.

    Class attributes
    ----------------
    loads : (stage, table) of every table that is read; a table that two stages publish is read once, from one
    """

    loads: ClassVar[tuple[tuple[type[Stage], str], ...]] = ()

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are read."""
        return [self.clone(stage) for stage in dict.fromkeys(stage for stage, _ in self.loads)]

    def loaded(self) -> dict[str, list[Path]]:
        """The files of every table, as the stages last published them."""
        return {table: self.clone(stage).files_of(table) for stage, table in self.loads}

    def files(self) -> list[Path]:
        """The files of every table."""
        return [path for paths in self.loaded().values() for path in paths]

    def settings(self) -> dict[str, Any]:
        """The settings it reads, and all that is said of each table: comments are shown too."""
        described = {f"schema.{name}": fingerprints.text(repr(table))[:12] for name, table in schema.TABLES.items()}
        return super().settings() | described
