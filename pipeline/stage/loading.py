"""`LoadingStage`: reads whatever tables other stages publish, by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline import schema
from pipeline.freshness import fingerprints
from pipeline.run.command_line import root_task
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.wording import printable


class LoadingStage(Stage):
    """Reads tables of other stages, those that are a file per category included.

    Class attributes
    ----------------
    loads : (stage, table) of every table that is read; a table that two stages publish is read once, from one
    """

    loads: ClassVar[tuple[tuple[type[Stage], str], ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if root_task():
            session.announce_at_end(self.told()[1], self.announce)

    def told(self) -> tuple[str, Path]:
        """What people are told of at the end of a run, in their words, and where it is."""
        raise TypeError(f"{type(self).__name__} has to say which file people are told of")

    def announce(self) -> None:
        """Say where the file is, and whether it is this run's."""
        what, path = self.told()
        if not path.exists():
            return
        shown = printable(str(path))
        with session.traversal():
            is_fresh = self.name in session.fresh or next(self.reasons(), None) is None
        if is_fresh:
            sys.stdout.write(f"{what}: {shown}\n")
        else:
            sys.stdout.write(f"{what}: {shown} (of the last good run: this one did not get there)\n")

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
