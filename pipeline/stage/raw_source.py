"""Raw files as tasks: they exist, or an error names the file and the setting; only sample data is ever made."""

from __future__ import annotations

import logging
from pathlib import Path

import luigi

from pipeline import sample
from pipeline.config import raw_files
from pipeline.config.environment import Config
from pipeline.errors import MissingDataError
from pipeline.records import runs
from pipeline.records.failures import recording
from pipeline.run.parameters import CachedParameters, EnvParameter, ProjectParameter, TagParameter
from pipeline.run.parent_process import end_with_parent
from pipeline.run.session import session
from pipeline.storage import locks

log = logging.getLogger("luigi-interface.pipeline")


def check(config: Config, name: str) -> list[Path]:
    """The files of a source.

    Raises
    ------
    MissingDataError
        There are no files, or they are sample data and the environment does not accept it.
    """
    files = raw_files.require(config, name)
    if not config.settings.sample_data.accept:
        for path in files:
            if sample.is_sample(path):
                raise MissingDataError(
                    f"{path} is sample data, and environment {config.env} takes real data only: put the real file at "
                    f"{raw_files.setting(name)}, or set sample_data.accept in configs/{config.env}.toml"
                )
    return files


class RawSource(CachedParameters, luigi.ExternalTask):
    """The raw files of one source, which no task makes."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()
    source = luigi.Parameter()

    @property
    def name(self) -> str:
        """The task's name for users."""
        return f"{self.task_family}({self.source})"

    def check(self) -> list[Path]:
        """The raw files, after the checks of the module's `check`."""
        return check(self.config, self.source)

    def output(self) -> list[luigi.LocalTarget]:
        """The raw files."""
        return [luigi.LocalTarget(str(path)) for path in raw_files.existing(self.config, self.source)]

    def complete(self) -> bool:
        """Whether the files exist and may be used; if not, the reason is logged once."""
        try:
            self.check()
        except MissingDataError as error:
            if session.note_problem(str(error), self.name, dict(self.tag)):
                log.error("%s", error)  # noqa: TRY400  # a user can act on it: one line, no traceback
            return False
        return True


class SampleData(CachedParameters, luigi.Task):
    """Planted raw files, made only if no configured raw file exists. An existing file is never replaced."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    def _begun(self) -> Path:
        return self.config.outputs / ".sample_data_begun"

    def complete(self) -> bool:
        """Whether a raw file exists, or a source is elsewhere, and no sample is half-written after a kill or an error.

        A half-written sample beside a user's own file counts as complete: no run mixes real data with planted data.
        """
        config = self.config
        if any(raw_files.is_far(config, name) for name in raw_files.names(config)):
            return True
        files = [path for name in raw_files.names(config) for path in raw_files.existing(config, name)]
        if self._begun().exists():
            return not all(sample.is_sample(path) for path in files)
        return bool(files)

    def run(self) -> None:
        """Write the files. After a kill or an error halfway, the next run writes the missing ones."""
        end_with_parent()
        config = self.config
        with recording(config, dict(self.tag), self.name), locks.held(config.outputs / ".locks" / "sample_data"):
            if self.complete():
                return
            self._begun().touch()
            for path in sample.write(config.settings, config.home):
                log.info("sample data: %s", path)
            self._begun().unlink()
            runs.record(config, dict(self.tag), runs.BUILT, self.name, reason="no raw file exists")
