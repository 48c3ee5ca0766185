"""No file is written in place: who has the old one, by another name or open, keeps it whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from trials import RUN, Trial, counted


def test_a_run_writes_no_target_and_no_trace_in_place(
    trial: Trial, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    others = tmp_path_factory.mktemp("others")
    old: dict[Path, tuple[Path, bytes]] = {}
    files = [*trial.outputs.rglob("[!.]*"), *(trial.outputs / "dev" / ".trace").glob("*.json")]
    for number, path in enumerate(path for path in files if path.is_file() and not {".runs", ".locks"} & {*path.parts}):
        os.link(path, others / str(number))  # another name of the same file: what is written into it shows here
        old[path] = others / str(number), path.read_bytes()
    with counted(request.config, "old files kept whole under another name"):
        assert trial.run(*RUN).returncode == 0
        assert [str(path) for path, (other, content) in old.items() if other.read_bytes() != content] == []
    replaced = {path for path, (other, _) in old.items() if path.stat().st_ino != other.stat().st_ino}
    assert {trial.outputs / "clustering_dev.duckdb", trial.outputs / "dev" / ".trace" / "merging.json"} <= replaced
