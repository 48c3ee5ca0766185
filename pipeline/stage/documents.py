"""`DocumentStage`: writes files for people from the tables of other stages."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline.config import raw_files
from pipeline.freshness import fingerprints
from pipeline.run.session import session
from pipeline.sample import is_sample
from pipeline.stage.build import snapshot
from pipeline.stage.loading import CURRENCY, LoadingStage
from pipeline.stage.table import module_of
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep


def writer(name: str) -> Callable[..., list[str]]:
    """The function of `module:name` that writes documents, and returns what to say at the end of a run."""
    module, attribute = name.split(":")
    write: Callable[..., list[str]] = getattr(importlib.import_module(module), attribute)
    return write


class DocumentStage(LoadingStage):
    """Writes files for people into the environment's output folder.

    Class attributes
    ----------------
    write : `module:function` of report; gets the source of the tables, and a path to write to per target; returns lines for the end of a run
    targets : file name by target; the first one is announced at the end of a run
    """

    write: ClassVar[str]
    targets: ClassVar[Mapping[str, str]]

    @property
    def folder(self) -> Path:
        """The environment's output folder."""
        outputs: Path = self.config.outputs
        return outputs

    @property
    def document(self) -> Path:
        """The file that is announced at the end of a run."""
        return self.folder / next(iter(self.targets.values()))

    def announcement(self) -> tuple[str, Path]:
        """The task's name, and its first file."""
        return self.task_family.lower(), self.document

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The files."""
        return {name: luigi.LocalTarget(str(self.folder / file)) for name, file in self.targets.items()}

    def sweep(self) -> None:
        """Remove what a killed process left beside the files."""
        for file in self.targets.values():
            path = self.folder / file
            sweep(path.parent, path.name)

    def settings(self) -> dict[str, Any]:
        """The settings and descriptions of tables that are shown, and whether the raw files are sample data."""
        return super().settings() | {"sample_data": self._is_sample(), CURRENCY: self.currency}

    def _is_sample(self) -> bool:
        return any(
            is_sample(path) for name in raw_files.names(self.config) for path in raw_files.existing(self.config, name)
        )

    def computing(self) -> tuple[str, ...]:
        """The module of `write`, and those that read the tables."""
        return (module_of(self.write), "pipeline.report.source", *super().computing())

    def build(self, publication: Publication) -> list[str]:
        """Write every file."""
        import msgspec

        from pipeline.report.source import Source

        loaded, contents = self.loaded(), snapshot(self)
        source = Source(
            files=loaded,
            env=self.env,
            sample=self._is_sample(),
            currency=self.currency,
            settings={name: msgspec.to_builtins(self.section(name)) for name in self.sections},
            contents=self.contents(contents),
            libraries=fingerprints.libraries(session.memory(self.config), self.libraries),
            spill=str(self.config.spill_folder),
            frames=self.compared() if self.reads_comparison else {},
        )
        with ExitStack() as stack:
            paths = {
                name: stack.enter_context(publication.staged(self.folder / file)) for name, file in self.targets.items()
            }
            self._notes = list(writer(self.write)(source, paths))
        return []

    def notes(self) -> list[str]:
        """What the documents say first."""
        return list(self.__dict__.get("_notes", ()))
