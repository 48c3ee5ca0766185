"""Raw files as tasks: there, or an error that names the file and the setting; made only where the sample may be."""

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
from pipeline.run.parameters import EnvParameter, KnownParameters, ProjectParameter, TagParameter
from pipeline.run.parent_process import end_with_parent
from pipeline.run.session import session
from pipeline.storage import locks

log = logging.getLogger("luigi-interface.pipeline")


def check(config: Config, name: str) -> list[Path]:
    """The files of a source.

    Raises
    ------
    MissingDataError
        There are none, or they are sample data where these are not accepted.
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


class RawSource(KnownParameters, luigi.ExternalTask):
    """The raw files of one source; nothing here makes them."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()
    source = luigi.Parameter()

    @property
    def name(self) -> str:
        """The task as users name it."""
        return f"{self.task_family}({self.source})"

    def check(self) -> list[Path]:
        """The raw files, as `check` gives them."""
        return check(self.config, self.source)

    def output(self) -> list[luigi.LocalTarget]:
        """The raw files."""
        return [luigi.LocalTarget(str(path)) for path in raw_files.found(self.config, self.source)]

    def complete(self) -> bool:
        """Whether the files are there and may be used; says once why not."""
        try:
            self.check()
        except MissingDataError as error:
            if session.note_problem(str(error), self.name, dict(self.tag)):
                log.error("%s", error)  # noqa: TRY400  # a user can act on it: one line, no traceback
            return False
        return True


class SampleData(KnownParameters, luigi.Task):
    """Planted raw files, where none of the configured ones exists. No file that exists is ever replaced."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    def _begun(self) -> Path:
        return self.config.outputs / ".sample_data_begun"

    def complete(self) -> bool:
        """Whether any raw file exists, and none is still to come from a sample that a kill or an error cut short.

        Where a file of somebody's own came since, that sample is not finished: no run mixes own data with planted.
        """
        config = self.config
        files = [path for name in raw_files.names(config) for path in raw_files.found(config, name)]
        if self._begun().exists():
            return not all(sample.is_sample(path) for path in files)
        return bool(files)

    def run(self) -> None:
        """Make the files. Where a kill or an error ended that halfway, the next run makes those that are still missing."""
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
