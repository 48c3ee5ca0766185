"""`LoadingStage`: reads tables of other stages, by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from pipeline import schema
from pipeline.freshness import fingerprints
from pipeline.run.command_line import root_task
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.stage.build import Snapshot
from pipeline.stage.deliveries import DeliveriesStage, comparison
from pipeline.wording import printable

if TYPE_CHECKING:
    import pandas as pd

CURRENCY = "sources.internal_sales.currency"


class LoadingStage(Stage):
    """Reads tables of other stages, including tables that are a file per category.

    Class attributes
    ----------------
    loads : (stage, table) of every table to read; a table that two stages publish is read from one of them
    compares : the stage that compares the raw files with those of the last load: nothing is published if it fails
    reads_comparison : whether its result is read too
    """

    loads: ClassVar[tuple[tuple[type[Stage], str], ...]] = ()
    compares: ClassVar[type[DeliveriesStage]]
    reads_comparison: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if root_task():
            session.announce_at_end(self.announcement()[1], self.announce)

    def announcement(self) -> tuple[str, Path]:
        """What is announced at the end of a run: its name for people, and its path."""
        raise TypeError(f"{type(self).__name__} must define which file it announces")

    def announce(self) -> None:
        """Print where the file is, and whether it is from this run."""
        what, path = self.announcement()
        if not path.exists():
            return
        shown = printable(str(path))
        with session.traversal():
            is_fresh = self.name in session.fresh or next(self.reasons(), None) is None
        if is_fresh:
            sys.stdout.write(f"{what}: {shown}\n")
        else:
            sys.stdout.write(f"{what}: {shown} (from the last good run: this run did not build it)\n")

    def requires(self) -> list[luigi.Task]:
        """The stages whose tables are read."""
        return [self.clone(stage) for stage in dict.fromkeys([*(stage for stage, _ in self.loads), self.compares])]

    def loaded(self) -> dict[str, list[Path]]:
        """The files of every table, from the last publication."""
        return {table: self.clone(stage).files_of(table) for stage, table in self.loads}

    def contents(self, read: Snapshot) -> dict[str, list[str]]:
        """The content hash of each file of every table, from a snapshot of what is read."""
        return {table: [read[self.relative(path)][1] for path in paths] for table, paths in self.loaded().items()}

    @property
    def currency(self) -> str:
        """The currency of amounts; empty where the settings do not say it."""
        sales = self.config.settings.sources.internal_sales
        return sales.currency_of_amounts if sales else ""

    def files(self) -> list[Path]:
        """The files of every table, and of the comparison."""
        compared = [self._comparison()] if self.reads_comparison else []
        return [*(path for paths in self.loaded().values() for path in paths), *compared]

    def computing(self) -> tuple[str, ...]:
        """The modules that compute, and the one that makes the tables of the comparison."""
        return (*super().computing(), *(("pipeline.core.frames",) if self.reads_comparison else ()))

    def compared(self) -> dict[str, pd.DataFrame]:
        """The tables of the comparison with the last load."""
        return comparison(self._comparison())

    def _comparison(self) -> Path:
        path: Path = self.clone(self.compares).document
        return path

    def settings(self) -> dict[str, Any]:
        """The settings it reads, and the whole description of each table: its comments are published too."""
        described = {f"schema.{name}": fingerprints.text(repr(table))[:12] for name, table in schema.TABLES.items()}
        return super().settings() | described
