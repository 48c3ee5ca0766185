"""Trials: a stale project, its outputs before and after an undisturbed run, and what has to hold after a disturbed one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import prepared_process
import pytest
import reliability
from projects import Project, copy_of, raw_frames

from pipeline.errors import AlreadyRunningError
from pipeline.records import runs
from pipeline.storage import locks

BIN = Path(sys.executable).parent
PIPELINE = ("luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev")
RUN = (*PIPELINE, "--local-scheduler")
DATABASE = "clustering_dev.duckdb"
RENAMES = "rename,renameat,renameat2"
_OF_THE_RUN = ("lineage", "runs")  # tables that say who built it and when


@dataclass(frozen=True)
class Outputs:
    """What a project has published: Parquet by its bytes, the database by its tables' content."""

    parquet: dict[str, bytes]
    database: dict[str, str]

    @classmethod
    def of(cls, home: Path) -> Outputs:
        """Those of a project."""
        below = home / "outputs"
        parquet = {str(path.relative_to(below)): path.read_bytes() for path in sorted(below.rglob("[!.]*.parquet"))}
        return cls(parquet, database_content(below / DATABASE))


def database_content(path: Path) -> dict[str, str]:
    """A hash of every table's rows, by the table's name; opening it as any reader does."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        names = [str(row[0]) for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            name: hashlib.sha256(repr(connection.execute(f'FROM "{name}"').fetchall()).encode()).hexdigest()
            for name in sorted(names)
            if name not in _OF_THE_RUN
        }


@dataclass(frozen=True)
class Prepared:
    """A project in which everything is stale, its outputs before and after an undisturbed run, and facts about that run.

    `calls` counts the run's system calls by name, `seconds` is how long it took, `tasks` how many it built.
    """

    stale: Path
    done: Path
    old: Outputs
    new: Outputs
    calls: dict[str, int]
    seconds: float
    tasks: int

    def trial(self, home: Path, *, done: bool = False) -> Trial:
        """A copy of the stale project, or of the one that ran, to do with as a test likes."""
        shutil.copytree(self.done if done else self.stale, home, dirs_exist_ok=True)
        return Trial(home, self.old, self.new)


@dataclass
class Trial:
    """A project that something is done to while it runs."""

    home: Path
    old: Outputs
    new: Outputs
    before: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.before = {path.name for path in self.records()}

    @property
    def outputs(self) -> Path:
        """The folder of all outputs."""
        return self.home / "outputs"

    def records(self) -> list[Path]:
        """The run records there are, oldest first."""
        return sorted((self.outputs / "dev" / ".runs").glob("*.jsonl"))

    def new_runs(self) -> list[runs.Run]:
        """The runs since the trial began, as their records tell them."""
        found = [runs.read(path) for path in self.records() if path.name not in self.before]
        return [run for run in found if run is not None]

    def start(self, *words: str, through: Sequence[str] = (), **environ: str) -> subprocess.Popen[str]:
        """Start a command of the project, under another program where that is given."""
        for number in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:  # as nohup leaves it, and a child inherits that
                signal.signal(number, lambda *_: None)
        return subprocess.Popen(
            [*through, str(BIN / words[0]), *words[1:]],
            cwd=self.home,
            env={**os.environ, "STORE_CLUSTERING_HOME": str(self.home), "OMP_NUM_THREADS": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *words: str, through: Sequence[str] = (), kill_after: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the project to its end, traced by another program, or killed, where that is asked for."""
        if through and through[0] != "strace":  # a tracer can be attached to a process; others have to start it
            with self.start(*words, through=through) as process:
                said, errors = process.communicate(timeout=300)
            return subprocess.CompletedProcess(process.args, process.returncode, said, errors)
        return run(self.home, *words, through=through, kill_after=kill_after)

    def mixed(self) -> list[str]:
        """Targets that are neither old and complete nor new and complete."""
        now = Outputs.of(self.home)
        names = self.old.parquet.keys() | self.new.parquet.keys() | now.parquet.keys()
        whole = (self.old.parquet.items() | self.new.parquet.items()) & now.parquet.items()
        mixed = names - {name for name, _ in whole}
        return sorted(mixed) + ([DATABASE] if now.database not in (self.old.database, self.new.database) else [])

    def altered(self) -> list[str]:
        """Targets that are not the old ones."""
        return differing(Outputs.of(self.home), self.old)

    def leftovers(self) -> list[str]:
        """What a killed process may leave: temporary files, logs of databases, folders to spill into."""
        found = [path for path in self.outputs.rglob("*") if re.search(r"^\..*\.tmp|\.wal$|^duckdb-", path.name)]
        return sorted(str(path.relative_to(self.outputs)) for path in found)

    def stale(self) -> list[str]:
        """The tasks that `store-clustering status` finds stale, and the files that no task knows."""
        told = json.loads(self.run("store-clustering", "status", "--json").stdout)
        return [f"{one['task']}: {one['reason']}" for one in told["tasks"] if not one["fresh"]] + told["orphans"]

    def assert_converges(self, *words: str) -> None:
        """The next run succeeds, ends with the bytes of an undisturbed one, leaves nothing lying about, and all is fresh."""
        done = self.run(*(words or RUN))
        assert done.returncode == 0, done.stderr[-3000:]
        assert differing(Outputs.of(self.home), self.new) == []
        assert self.leftovers() == []
        assert self.stale() == []

    def assert_nobody_is_left(self) -> None:
        """No process of this project lives, and every lock can be taken: within seconds, as a process takes time to die.

        One with threads is gone from /proc before its files are closed, and its locks are dropped with those.
        """
        deadline = time.monotonic() + 5
        while (left := [*processes(self.home), *self.held()]) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left == []

    def held(self) -> list[str]:
        """The locks that somebody holds."""
        return [path.name for path in sorted((self.outputs / "dev" / ".locks").iterdir()) if is_held(path)]


def is_held(lock: Path) -> bool:
    """Whether somebody holds a lock."""
    try:
        with locks.held(lock, wait=False):
            return False
    except AlreadyRunningError:
        return True


def run(
    home: Path, *words: str, through: Sequence[str] = (), kill_after: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of a project to its end."""
    environ = {**os.environ, "STORE_CLUSTERING_HOME": str(home), "OMP_NUM_THREADS": "1"}
    assert prepared_process.can_run(environ)
    command, modules = [str(BIN / words[0]), *words[1:]], ("luigi.retcodes", "pipeline.cli.main", "pipeline.tasks")
    return prepared_process.run(
        command, home, environ, timeout=300, modules=modules, under=through, kill_after=kill_after
    )


def differing(found: Outputs, wanted: Outputs) -> list[str]:
    """The targets that differ."""
    names = found.parquet.keys() | wanted.parquet.keys()
    parquet = sorted(name for name in names if found.parquet.get(name) != wanted.parquet.get(name))
    return parquet + ([DATABASE] if found.database != wanted.database else [])


def processes(home: Path) -> list[int]:
    """The processes that were started for this project, or in its folder, and live."""
    mark = f"STORE_CLUSTERING_HOME={home}\0".encode()
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if mark in looked_up(lambda folder=folder: (folder / "environ").read_bytes())
        or os.fsencode(home) == looked_up(lambda folder=folder: os.fsencode((folder / "cwd").readlink()))
    ]


def looked_up(of: Callable[[], bytes]) -> bytes:
    """What /proc says of a process; nothing where it ended meanwhile."""
    try:
        return of()
    except OSError:
        return b""


def strace(*inject: str, trace: str, to: Path | str = "/dev/null") -> list[str]:
    """The command line that runs another one under strace: what is traced, and what is injected there."""
    injected = [word for one in inject for word in ("-e", f"inject={one}")]
    return ["strace", "-f", "-qq", "-o", str(to), "-e", f"trace={trace}", *injected]


def require_strace() -> None:
    """Skip where strace is missing, or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run([*strace(trace="fsync"), "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")


@contextmanager
def counted(config: pytest.Config, proof: str) -> Iterator[None]:
    """Count one thing that a proof tries, and whether it held."""
    counts: Mapping[str, int] = {"tried": 1, "held": 0}
    try:
        yield
        counts = {"tried": 1, "held": 1}
    finally:
        reliability.add(config, proof, counts)


def prepare(folder: Path, built: Path) -> None:
    """Make the two projects of `Prepared` in a folder, of a project that was built; count the calls of the run between them."""
    stale, done, facts = folder / "stale", folder / "done", folder / "facts.json"
    change(copy_of(built, stale))
    shutil.copytree(stale, done)
    run_alone = folder / "alone"
    shutil.copytree(stale, run_alone)
    began = time.monotonic()
    assert run(run_alone, *RUN).returncode == 0
    seconds = time.monotonic() - began
    shutil.rmtree(run_alone)
    traced = folder / "calls.txt"
    through = strace(trace=f"fsync,fdatasync,{RENAMES}", to=traced) if shutil.which("strace") else []
    assert run(done, *RUN, through=through).returncode == 0
    called = re.findall(r"^\d+ +(\w+)\(", traced.read_text(), flags=re.MULTILINE) if through else []
    calls = {"fsync": called.count("fsync"), "fdatasync": called.count("fdatasync")}
    calls["rename"] = len(called) - sum(calls.values())
    last = runs.read(max((done / "outputs" / "dev" / ".runs").glob("*.jsonl")))
    assert last is not None
    facts.write_text(json.dumps({"calls": calls, "seconds": seconds, "tasks": len(last.tasks(runs.BUILT))}))


def change(project: Project) -> None:
    """Other sales and other surroundings: everything that the project has published is stale."""
    sales, _, external = raw_frames(seed=1)
    project.write_sales(sales)
    external.to_parquet(project.path("data/raw/external.parquet"), index=False)
