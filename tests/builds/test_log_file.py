"""Log files: one line per event, the run id in each, put aside when they have grown."""

from __future__ import annotations

import json
import re
from pathlib import Path

from projects import Project

from pipeline.run.log_file import put_aside


def log(project: Project) -> list[str]:
    """The lines of dev's log."""
    return project.path("logs/clustering_dev.log").read_text().splitlines()


def run_id(project: Project) -> str:
    """The id of the last run."""
    return max(path.stem for path in project.path("outputs/dev/.runs").glob("*.jsonl"))


def test_every_line_has_when_level_and_run_and_is_one_event(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    assert built.luigi("FullPipeline").returncode == 0
    pattern = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} (INFO|WARNING) {run_id(built)} \d+ \S.*"
    assert all(re.fullmatch(pattern, line) for line in log(built))
    assert sum("Merging: built in" in line for line in log(built)) == 1
    assert sum("Luigi Execution Summary" in line for line in log(built)) == 1


def test_as_json_every_line_is_an_object_with_the_run(built: Project) -> None:
    built.configure(logging={"format": "json"})
    built.path("outputs/dev/.trace/merging.json").unlink()
    assert built.luigi("FullPipeline", "--workers", "2").returncode == 0
    lines = [json.loads(line) for line in log(built)]
    assert {line["run_id"] for line in lines} == {run_id(built)}
    assert {line["env"] for line in lines} == {"dev"}
    assert any(line["message"].startswith("Merging: built in") for line in lines)


def test_an_error_is_one_line_of_the_log_too(built: Project) -> None:
    built.path("data/raw/sales.parquet").write_bytes(b"x")
    assert built.luigi("FullPipeline").returncode == 30
    (error,) = [line for line in log(built) if " ERROR " in line]
    assert "InternalPreprocessing: " in error
    assert "sales.parquet" in error
    assert not any("Traceback" in line for line in log(built))


def test_a_log_that_has_grown_is_put_aside_when_a_run_begins(built: Project) -> None:
    path = built.path("logs/clustering_dev.log")
    path.parent.mkdir(exist_ok=True)
    path.write_text("old line\n" * 1000)
    built.configure(logging={"max_size_mb": 0.005})
    built.luigi("FullPipeline")
    assert built.path("logs/clustering_dev.log.1").read_text() == "old line\n" * 1000
    assert "old line" not in path.read_text()


def test_the_last_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for number in range(5):
        path.write_text(f"{number}")
        put_aside(path, 1, 2)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.log.1": "4", "a.log.2": "3"}
    path.write_text("")
    put_aside(path, 1, 2)
    assert path.exists()
    path.write_text("5")
    put_aside(path, 1, 0)
    assert not path.exists()
