"""`DatabaseStage`: loads everything into one DuckDB file; `Bundle`: stages under one name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from pipeline.freshness import traces
from pipeline.run.database import check_replaceable
from pipeline.run.parameters import CachedParameters, EnvParameter, ProjectParameter, TagParameter
from pipeline.stage.base import Stage
from pipeline.stage.build import snapshot
from pipeline.stage.loading import CURRENCY, LoadingStage
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep

if TYPE_CHECKING:
    from pipeline.report.result import Result


class DatabaseStage(LoadingStage):
    """Loads tables of other stages, lineage and run records into one DuckDB file."""

    mode = 0o444  # nobody opens it for writing by mistake

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._findings: list[str] = []
        self._notes: list[str] = []

    @property
    def database(self) -> Path:
        """The file that is published."""
        database: Path = self.config.database
        return database

    @property
    def folder(self) -> Path:
        """The folder of the database; it may hold databases of other environments too."""
        return self.database.parent

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The database."""
        return {"database": luigi.LocalTarget(str(self.database))}

    def sweep(self) -> None:
        """Remove what a killed process left beside the database."""
        sweep(self.folder, self.database.name)

    def build(self, publication: Publication) -> list[str]:
        """Load every table into a new file, and verify it by opening it."""
        from pipeline.alerts import changes, findings
        from pipeline.records import history
        from pipeline.warehouse import load

        frames = {
            "lineage": history.lineage(self.config),
            "runs": history.runs_so_far(self.config),
            "result": self._result().row(),
            **self.compared(),
        }

        with publication.staged(self.database) as path:
            settings = self.config.settings.warehouse
            load.build(
                path,
                self.loaded(),
                frames,
                str(self.config.spill_folder),
                settings.readable_from,
                self.config.settings.engine.memory_limit,
            )
            before = self.database if self.database.is_file() else None
            self._findings = findings.of_databases(before, path, self.config.settings.alerts)
            self._notes = [self._described(), changes.of_databases(before, path)]
        return []

    def notes(self) -> list[str]:
        """What the result is of, and how it differs from the previous one."""
        return self._notes

    def _described(self) -> str:
        result = self._result()
        return "; ".join(part for part in (f"result {result.result}", result.period) if part)

    def _result(self) -> Result:
        from pipeline.report.source import Source

        contents = self.contents(snapshot(self))
        source = Source(files=self.loaded(), env=self.env, contents=contents, currency=self.currency)
        return source.result

    def settings(self) -> dict[str, Any]:
        """The settings it reads, and the currency that it says."""
        return super().settings() | {CURRENCY: self.currency}

    def findings(self) -> list[str]:
        """What a person should look at: large differences from the previous database."""
        return self._findings

    def announcement(self) -> tuple[str, Path]:
        """The database, named after its content for people."""
        return "store clusters", self.database

    def begin(self) -> None:
        """Refuse to replace a file that this environment did not publish."""
        check_replaceable(self.config)

    def replaced(self, old: traces.Trace, new: traces.Trace) -> None:
        """Report the earlier database if a setting changed its path: it may be in use, and is never removed."""
        for target in old.outputs.keys() - new.outputs.keys():
            if (self.config.home / target).exists():
                self._findings.append(
                    f"{target}: this earlier database is no longer updated; the new one is "
                    f"{self.relative(self.database)}. Delete the old one when nobody needs it"
                )

    def strays(self, trace: traces.Trace) -> list[Path]:  # noqa: ARG002  # whatever was built
        """A leftover .wal file: beside a replaced database it makes that unreadable."""
        wal = self.database.with_name(f"{self.database.name}.wal")
        return [wal] if wal.exists() else []


class Bundle(CachedParameters, luigi.WrapperTask):
    """Stages under one name: publishes nothing, and is complete when they are."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    stages: ClassVar[tuple[type[Stage], ...]] = ()

    def requires(self) -> list[luigi.Task]:
        """The stages that the settings ask for."""
        return [self.clone(stage) for stage in self.stages if stage.is_wanted(self.config)]

    def run(self) -> None:
        """Nothing to do: the stages have run. A raw file that changed since then belongs to the next run."""
        self._just_checked = True

    def complete(self) -> bool:
        """Whether every stage is complete."""
        return bool(self.__dict__.pop("_just_checked", False)) or bool(super().complete())
