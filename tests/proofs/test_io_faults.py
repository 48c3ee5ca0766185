"""Disks that are full or fail, and folders that cannot be written: one line says which file, the old targets stay."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from projects import CATEGORIES
from trials import (
    DATABASE,
    RENAMES,
    RUN,
    Outputs,
    Prepared,
    Trial,
    counted,
    differing,
    require_strace,
    strace,
)

from pipeline.errors import TASK_FAILED

NOBODY = 65534
WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


def job(name: str, *words: str) -> tuple[str, ...]:
    """The command of a job."""
    return ("luigi", "--module", "pipeline.tasks", name, "--env", "dev", "--local-scheduler", *words)


def assert_fails(trial: Trial, words: tuple[str, ...], file: str, *, through: Sequence[str] = ()) -> None:
    """The run ends with 30, and says in one line which file it is about, without a traceback."""
    done = trial.run(*words, through=through)
    assert done.returncode == TASK_FAILED, done.stderr[-3000:]
    lines = [line for line in done.stderr.splitlines() if re.match("error: ", line, flags=re.IGNORECASE)]
    assert any(re.search(f"^error: [^/]*: {re.escape(str(trial.outputs))}/?{file}", line, re.I) for line in lines), (
        lines
    )
    assert "Traceback" not in done.stderr
    failed = [line.split(": ")[1] for line in lines]
    assert len(failed) == len(set(failed)), f"more than a line for a task that failed: {lines}"
    assert trial.mixed() == []


@pytest.fixture
def disk(prepared: Prepared, tmp_path: Path) -> Iterator[Trial]:
    """A stale project whose outputs are on a small disk of their own."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(outputs)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield prepared.trial(tmp_path)
    finally:
        subprocess.run(["umount", "--lazy", str(outputs)], check=True)


@contextmanager
def full(trial: Trial, left: int) -> Iterator[None]:
    """A disk with so many bytes left."""
    ballast = trial.outputs / ".ballast"
    found = os.statvfs(trial.outputs)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - left)
    try:
        yield
    finally:
        ballast.unlink()


def fail_when_full(trial: Trial, words: tuple[str, ...], file: str, left: int = 0) -> None:
    """On a full disk the job fails, and every target is what it was before."""
    before = Outputs.of(trial.home)
    with full(trial, left):
        assert_fails(trial, words, file)
        assert differing(Outputs.of(trial.home), before) == []


def test_a_disk_that_is_full_in_the_first_stage_and_in_duckdb(disk: Trial, request: pytest.FixtureRequest) -> None:
    with counted(request.config, "a full disk"):
        fail_when_full(disk, job("ExternalPreprocessing"), "dev/external_preprocessing/")
    for name in ("ChainAgreement", "Migrations", "AssignmentModel"):
        assert disk.run(*job(name)).returncode == 0
    with counted(request.config, "a full disk"):
        fail_when_full(disk, RUN, rf"\.{DATABASE}", left=1 << 20)
    disk.assert_converges()


@pytest.mark.nightly
def test_a_disk_that_is_full_in_each_stage_in_turn(disk: Trial, request: pytest.FixtureRequest) -> None:
    for name, folder in (
        ("ExternalPreprocessing", "external_preprocessing"),
        ("ExternalClustering", "external_clustering"),
        ("InternalPreprocessing", "internal_preprocessing"),
    ):
        with counted(request.config, "a full disk"):
            fail_when_full(disk, job(name), f"dev/{folder}/")
        assert disk.run(*job(name)).returncode == 0
    for category in CATEGORIES:
        cluster = job("ClusterCategory", "--category", category)
        with counted(request.config, "a full disk"):
            fail_when_full(disk, cluster, "dev/cluster_category/")
        assert disk.run(*cluster).returncode == 0
    for name, folder in (
        ("InternalClustering", "internal_clustering/"),
        ("ChainClustering", "chain_clustering/"),
        ("ChainAgreement", "chain_agreement/"),
        ("Merging", "merging/"),
        ("Migrations", "migrations/"),
        ("AssignmentModel", "assignment_model/"),
        ("Report", "report.html"),
        ("Workbook", ".*store_clusters.xlsx"),
    ):
        with counted(request.config, "a full disk"):
            fail_when_full(disk, job(name), f"dev/{folder}")
        assert disk.run(*job(name)).returncode == 0
    for left in (0, 1 << 12, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 23):
        with counted(request.config, "a full disk"):
            fail_when_full(disk, RUN, rf"\.?{DATABASE}", left)
    disk.assert_converges()


@pytest.mark.nightly
@pytest.mark.parametrize("left", [0, 1 << 12, 3 << 12, 1 << 14, 3 << 13, 1 << 15, 3 << 14, 1 << 16, 1 << 20, 1 << 23])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_with_little_left_for_a_whole_run(
    disk: Trial, request: pytest.FixtureRequest, left: int, workers: str
) -> None:
    with counted(request.config, "a full disk"):
        with full(disk, left):
            assert_fails(disk, (*RUN, "--workers", workers), "")
        disk.assert_converges()


# what fails: the call, how, at which of them (a number, or the first with this path) and what is named.
# The tracer knows a call that renames by the path that it renames from.
FAULTS = {
    "sync of the first table": ("fsync", "EIO", 1, "dev/"),
    "sync of a table's folder": ("fsync", "EIO", "dev/external_preprocessing", "dev/external_preprocessing"),
    "sync of the traces' folder": ("fsync", "EIO", "dev/.trace", "dev/.trace"),
    "sync in the middle": ("fsync", "EIO", 30, "dev/"),
    "sync of the database": ("fsync", "EIO", f".{DATABASE}.{{pid}}.tmp", f".{DATABASE}"),
    "sync of the database's folder": ("fsync", "EIO", ".", ""),
    "sync of the last trace": ("fsync", "EIO", "dev/.trace/.warehouse.json.{pid}.tmp", "dev/.trace/warehouse.json"),
    "sync of a table when the disk is full": ("fsync", "ENOSPC", 1, "dev/"),
    "sync of a table over the quota": ("fsync", "EDQUOT", 1, "dev/"),
    "rename of the first table": ("rename", "EXDEV", 1, "dev/"),
    "rename of another table": ("rename", "EXDEV", 9, "dev/"),
    "rename on a failing disk": ("rename", "EIO", 20, "dev/"),
    "rename of the database": ("rename", "EXDEV", f".{DATABASE}.{{pid}}.tmp", f".{DATABASE}"),
    "rename of the last trace": (
        "rename",
        "EXDEV",
        "dev/.trace/.warehouse.json.{pid}.tmp",
        "dev/.trace/.warehouse.json",
    ),
}
FAULTS_IN_CI = ("rename of another table",)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(name, marks=() if name in FAULTS_IN_CI else pytest.mark.nightly) for name in FAULTS],
)
def test_a_disk_that_fails(prepared: Prepared, trial: Trial, request: pytest.FixtureRequest, fault: str) -> None:
    require_strace()
    call, error, at, file = FAULTS[fault]
    names = RENAMES if call == "rename" else call
    number, path = (1, ["-P", os.path.normpath(trial.outputs / at)]) if isinstance(at, str) else (at, [])
    with counted(request.config, "EIO, EXDEV, ENOSPC and EDQUOT from the disk"):
        through = [*strace(f"{names}:error={error}:when={number}", trace=names), *path]
        assert_fails(trial, RUN, re.escape(file), through=through)
        trial.assert_converges()


FOLDERS = {
    "dev/external_preprocessing": r"dev/external_preprocessing/external_features",
    "dev/.trace": r"dev/\.trace/",
    "dev/.runs": r"dev/\.runs/",
    ".": rf"\.{DATABASE}",
}


@pytest.mark.parametrize(
    "folder",
    [pytest.param(name, marks=() if name == "dev/.trace" else pytest.mark.nightly) for name in FOLDERS],
)
def test_a_folder_of_another_user(trial: Trial, request: pytest.FixtureRequest, folder: str) -> None:
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("only root can give a folder to another user, and do without its own rights")
    with counted(request.config, "a folder of another user"):
        os.chown(trial.outputs / folder, NOBODY, NOBODY)
        assert_fails(trial, RUN, FOLDERS[folder], through=WITHOUT_ROOTS_RIGHTS)
        os.chown(trial.outputs / folder, 0, 0)
        trial.assert_converges()
