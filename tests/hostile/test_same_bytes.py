"""The same inputs give the same Parquet bytes, whatever the machine is set to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import Project

MACHINES = {
    "two threads": {"OMP_NUM_THREADS": "2", "threads": "2"},
    "four threads": {"OMP_NUM_THREADS": "4", "threads": "4"},
    "another hash seed": {"PYTHONHASHSEED": "12345"},
    "another time zone": {"TZ": "Asia/Kathmandu"},
    "another locale": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"},
    "umask 077": {"umask": "077"},
    "two workers": {"workers": "2"},
}
ALL_AT_ONCE = {name: value for machine in MACHINES.values() for name, value in machine.items()}


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(ALL_AT_ONCE, id="all at once"),
        *(pytest.param(settings, id=name, marks=pytest.mark.nightly) for name, settings in MACHINES.items()),
    ],
)
def test_the_same_bytes(machine: dict[str, str], built: Project, parquet_bytes, tried) -> None:
    expected = parquet_bytes(built.path("outputs/dev"))
    assert len(expected) > 20
    shutil.rmtree(built.path("outputs"))
    built.settings["engine"] = {"threads": int(machine.get("threads", "1"))}
    built.configure()
    given = {name: value for name, value in machine.items() if name.isupper()}
    program = str(Path(sys.executable).parent / "store-clustering")
    command = f"umask {machine.get('umask', '022')}; exec {program} run --quiet --workers {machine.get('workers', '1')}"
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "STORE_CLUSTERING_HOME": str(built.home), **given},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = parquet_bytes(built.path("outputs/dev"))
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []
    if "umask" in machine:
        assert {oct(path.stat().st_mode & 0o077) for path in built.path("outputs/dev").rglob("*.parquet")} == {"0o0"}
    tried("threads, workers, hash seed, time zone, locale, umask")["files of the same bytes"] += len(found)
