"""A project of its own for a benchmark: the shipped configs, raw files made by `benchmarks.data`, outputs beside them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import PROGRAMS, ROOT, Command, python, run

SETTLED = 2.5  # seconds after which a hash is remembered: a file written within the last two is read again


class Project:
    """A folder with configs and raw files; `shape` are arguments of `benchmarks.data`, none of them the sample data."""

    def __init__(self, home: Path, **shape: int) -> None:
        self.home = home
        home.mkdir(parents=True)
        shutil.copy(ROOT / "luigi.cfg", home)
        shutil.copytree(ROOT / "configs", home / "configs")
        if shape:
            run(python("data", home / "data" / "raw", *(f"--{name}={value}" for name, value in shape.items())))

    def luigi(self, job: str = "FullPipeline", *words: str, before: Callable[[], None] = lambda: None) -> Command:
        """The command that builds a job by Luigi."""
        luigi = [str(PROGRAMS / "luigi"), "--module", "pipeline.tasks", job, "--env", "dev", "--local-scheduler"]
        return Command([*luigi, *words], self.home, before)

    def run(self, job: str = "FullPipeline", *words: str) -> Command:
        """The command that builds a job by `store-clustering run`."""
        return Command([str(PROGRAMS / "store-clustering"), "run", job, "--env", "dev", *words], self.home)

    def cold(self) -> None:
        """Forget every output; the raw files stay."""
        shutil.rmtree(self.home / "outputs", ignore_errors=True)
        (self.home / "outputs").mkdir()

    def built(self, job: str = "FullPipeline") -> Project:
        """This project, with all that the job builds fresh and remembered."""
        run(self.luigi(job))
        time.sleep(SETTLED)
        run(self.luigi(job))
        return self

    def targets(self, folder: str = "outputs/dev") -> dict[str, int]:
        """A checksum of every published Parquet file, by its path."""
        import zlib

        found = sorted((self.home / folder).rglob("*.parquet"))
        return {str(path.relative_to(self.home)): zlib.crc32(path.read_bytes()) for path in found}
