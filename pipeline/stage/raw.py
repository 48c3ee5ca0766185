"""Raw files as tasks: there, or an error that names the file and the setting; made only where the sample may be."""

from __future__ import annotations

import logging
from pathlib import Path

import luigi

from pipeline import raw_files, runs, sample
from pipeline.config import Config, load
from pipeline.errors import MissingDataError
from pipeline.freshness import locks
from pipeline.stage.parameters import EnvParameter, ProjectParameter, TagParameter

log = logging.getLogger("luigi-interface.pipeline")

_said: set[str] = set()


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


class RawSource(luigi.ExternalTask):
    """The raw files of one source; nothing here makes them."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()
    source = luigi.Parameter()

    def output(self) -> list[luigi.LocalTarget]:
        """The raw files."""
        return [luigi.LocalTarget(str(path)) for path in raw_files.found(load(self.env), self.source)]

    def complete(self) -> bool:
        """Whether the files are there and may be used; says once why not."""
        config = load(self.env)
        try:
            check(config, self.source)
        except MissingDataError as error:
            if str(error) not in _said:
                log.error("error: %s", error)  # noqa: TRY400  # a user can act on it: one line, no traceback
                _said.add(str(error))
            return False
        return True


class SampleData(luigi.Task):
    """Planted raw files, where none of the configured ones exists. No file that exists is ever replaced."""

    env = EnvParameter()
    project = ProjectParameter()
    tag = TagParameter()

    def _begun(self) -> Path:
        return load(self.env).outputs / ".sample_data_begun"

    def complete(self) -> bool:
        """Whether any raw file exists, and none is still to come from a sample that was begun."""
        config = load(self.env)
        if self._begun().exists():
            return False
        return any(raw_files.found(config, name) for name in raw_files.names(config))

    def run(self) -> None:
        """Make the files. Where a kill ended that halfway, the next run makes those that are still missing."""
        locks.end_with_parent()
        config = load(self.env)
        with locks.held(config.outputs / ".locks" / "sample_data"):
            if self.complete():
                return
            self._begun().touch()
            try:
                for path in sample.write(config.settings, config.home):
                    log.info("sample data: %s", path)
            finally:  # only a kill leaves the mark: after an error the files that are there are somebody's own
                self._begun().unlink()
            runs.record(config, dict(self.tag), runs.BUILT, "SampleData", reason="no raw file exists")
