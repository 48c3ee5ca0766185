"""What every test may ask for. It imports nothing heavy: a file of pure tests starts within a second."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import messages
import pytest

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from projects import Project

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

Shared = Callable[[str, Callable[[Path], object]], Path]  # a name, what fills the folder -> the folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="keep what pages look like in a browser")
    parser.addoption("--reliability", metavar="FOLDER", help="keep the counts of what the proofs tried")
    parser.addoption("--messages", metavar="FILE", help="list every error and warning that the tests provoke")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spread the whole suite over all cores; named tests run in this process, since workers take seconds to start."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    is_worker = hasattr(config, "workerinput")  # which is given the same command line
    if whole and not is_worker and config.getoption("numprocesses", 0) is None:
        config.option.numprocesses = "auto"
        config.option.dist = "worksteal"  # a worker keeps the tests of a file together, and what they share


def pytest_configure() -> None:
    """Note every error that is made in this process."""
    begin = PipelineError.__init__

    def noted(self: PipelineError, *args: object) -> None:
        begin(self, *args)
        messages.PROVOKED.update(self.lines)

    PipelineError.__init__ = noted


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the list of messages; a worker of xdist hands its own to the leading process."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["messages"] = sorted(messages.PROVOKED)
    elif path := session.config.getoption("--messages"):
        messages.write(Path(path), messages.PROVOKED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over what a worker of xdist noted."""
    messages.PROVOKED.update(getattr(node, "workeroutput", {}).get("messages", ()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Fill a folder once for all processes of a test run; no test changes what is in it."""
    from pipeline.storage import locks

    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        ready = base / "shared" / name
        with locks.held(base / "shared" / f"{name}.lock"):
            if not ready.exists():
                filling = tmp_path_factory.mktemp(name)
                fill(filling)
                filling.rename(ready)
        return ready

    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project that nothing was built in."""
    import projects

    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    yield projects.make_project(tmp_path)
    projects.session.renew()


@pytest.fixture
def built(shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project that everything was built in: a copy, so that a test may do as it likes with it."""
    import projects

    template = shared("built", projects.build_in)
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    yield projects.copy_of(template, tmp_path)
    projects.session.renew()


@pytest.fixture
def completejourney() -> Path:
    """The real sales of a grocer."""
    folder = SHARED / "data" / "completejourney"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture
def parquet_bytes() -> Callable[[Path], dict[str, bytes]]:
    """Every published Parquet file below a folder, by its path there."""
    return lambda folder: {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
