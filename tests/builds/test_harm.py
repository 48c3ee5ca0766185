"""Nothing of the user's is replaced or removed that a run cannot prove it published."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest
from projects import Project

from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.freshness import traces
from pipeline.records import runs
from pipeline.run.session import session


def a_database_of_the_user_s(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE forecasts AS SELECT 1 AS value")
    return path.read_bytes()


@pytest.mark.parametrize("program", ["luigi", "store-clustering"])
def test_a_database_that_no_run_published_is_refused_before_anything_is_built(project: Project, program: str) -> None:
    path = project.path("forecasts.duckdb")
    content = a_database_of_the_user_s(path)
    project.configure(warehouse={"path": "forecasts.duckdb"})
    done = project.luigi("FullPipeline") if program == "luigi" else project.command("store-clustering", "run")
    assert done.returncode == 2, done.stderr
    assert (
        "error: warehouse.path: forecasts.duckdb exists, but environment dev did not publish it, so it is not replaced; move it "
        "away, or choose another path"
    ) in done.stderr.splitlines()
    assert path.read_bytes() == content
    assert not project.path("outputs/dev/merging").exists()


def test_a_file_that_is_no_database_is_refused_too(project: Project) -> None:
    project.path("notes.db").write_text("mine")
    project.configure(warehouse={"path": "notes.db"})
    assert project.command("store-clustering", "run").returncode == 2
    assert project.path("notes.db").read_text() == "mine"


def test_our_own_database_is_replaced_also_where_its_trace_is_gone(built: Project) -> None:
    shutil.rmtree(built.path("outputs/dev/.trace"))
    assert built.build().status == "SUCCESS"


def test_a_database_whose_path_is_changed_stays_and_is_named(built: Project) -> None:
    built.configure(warehouse={"path": "outputs/another.duckdb"})
    done = built.command("store-clustering", "run")
    assert done.returncode == 0, done.stderr
    assert built.database.exists()
    assert (
        "look at: outputs/clustering_dev.duckdb: this earlier database is no longer updated; the new one is "
        "outputs/another.duckdb. Delete the old one when nobody needs it"
    ) in done.stdout.splitlines()


def test_a_forged_trace_has_no_database_of_another_environment_removed(built: Project) -> None:
    victim = built.path("outputs/clustering_prod.duckdb")
    shutil.copy(built.database, victim)
    path = built.path("outputs/dev/.trace/warehouse.json")
    trace = json.loads(path.read_text())
    trace["outputs"]["outputs/clustering_prod.duckdb"] = trace["outputs"]["outputs/clustering_dev.duckdb"]
    path.write_text(json.dumps(trace))
    built.database.chmod(0o644)
    built.database.write_bytes(b"spoilt")
    assert built.build().status == "SUCCESS"
    assert victim.exists()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o444), (0o027, 0o440), (0o077, 0o400)])
def test_the_database_has_no_more_permissions_than_the_umask_leaves_and_none_to_write(
    built: Project, umask: int, mode: int
) -> None:
    built.database.unlink()
    before = os.umask(umask)
    try:
        assert built.build().status == "SUCCESS"
    finally:
        os.umask(before)
    assert stat.S_IMODE(built.database.stat().st_mode) == mode


@pytest.mark.parametrize("name", ["logs", "pins", "outputs/.spill", "pins/dev", "logs/clustering_dev.log"])
def test_links_out_of_the_folders_that_runs_write_to_are_refused(
    project: Project, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    link = project.path(name)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    session.renew()
    with pytest.raises(SettingsError, match=r"this symbolic link leads to .*elsewhere"):
        environment.load("dev")


def test_a_folder_elsewhere_that_the_settings_name_may_hold_links(project: Project, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "latest").symlink_to("/dev/null")
    project.configure(logging={"folder": str(tmp_path / "logs")}, engine={"spill_folder": str(tmp_path / "logs")})
    session.renew()
    environment.load("dev")


def test_a_published_database_says_that_the_run_which_made_it_is_over(built: Project) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        [(status, finished)] = connection.execute("SELECT status, finished_at FROM latest_run").fetchall()
    assert status == "loaded"
    assert finished is not None


def test_a_killed_run_is_interrupted_although_its_number_belongs_to_another_process_now(project: Project) -> None:
    session.renew()
    config = environment.load("dev")
    runs.record(config, {}, runs.BUILT, "Merging")
    path = runs.folder(config) / f"{runs.current()}.jsonl"
    assert runs.read(path).status == "running"
    path.write_text(path.read_text().replace('"process_started": "', '"process_started": "1'))
    assert runs.read(path).status == "interrupted"


def test_a_trace_of_a_database_names_it_as_the_check_of_its_path_looks_for_it(built: Project) -> None:
    assert "outputs/clustering_dev.duckdb" in traces.read(built.path("outputs/dev/.trace/warehouse.json")).outputs
