"""Plain `luigi`, as a user or cron starts it: exit codes, one-line errors, tags, any working directory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pandas as pd
import pytest
from projects import CATEGORIES, Project, make_project
from servers import central_scheduler, free_port

from pipeline.run.parameters import TagParameter


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that say what is wrong."""
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return [line for line in done.stderr.splitlines() if "error: " in line or line.startswith("ERROR")]


def test_a_first_run_exits_0_and_ends_by_saying_where_the_database_is(project: Project) -> None:
    done = project.luigi("FullPipeline")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == f"store clusters: {project.database}"
    again = project.luigi("FullPipeline")
    assert again.returncode == 0
    assert "Did not run any tasks" in again.stderr


def test_the_exit_codes_hold_from_any_working_directory(
    built: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    built.path("data/raw/sales.parquet").write_bytes(b"not parquet")
    done = built.luigi("FullPipeline", cwd=elsewhere)
    assert done.returncode == 30, done.stderr


@pytest.mark.parametrize("env", ["nope", "../x", "base", "/etc/passwd"])
def test_an_environment_that_has_no_file_is_one_line_and_exit_2(built: Project, env: str) -> None:
    done = built.command("luigi", "--module", "pipeline.tasks", "FullPipeline", f"--env={env}", "--local-scheduler")
    assert done.returncode == 2, done.stderr
    assert errors(done) == [
        f"error: environment {env!r} is unknown: allowed are dev; "
        f"an environment is a file configs/<name>.toml in {built.home}"
    ]


def test_no_environment_is_one_line_and_exit_2(built: Project) -> None:
    done = built.command("luigi", "--module", "pipeline.tasks", "Merging", "--local-scheduler")
    assert done.returncode == 2
    assert errors(done) == ["error: no environment given: add --env, one of dev"]


def test_a_bad_config_is_a_line_per_fault_and_exit_2_and_nothing_is_lost(built: Project) -> None:
    before = built.database.read_bytes()
    built.configure(merging={"intrenal_weight": 0.5, "method": "nested"}, external={"clustering": {"k_max": "ten"}})
    done = built.luigi("FullPipeline")
    assert done.returncode == 2
    assert [line.split("; allowed")[0] for line in errors(done)] == [
        "error: configs/dev.toml: external.clustering.k_max: expected `int`, got `str`, found 'ten'",
        "error: configs/dev.toml: merging.intrenal_weight: unknown key (did you mean 'internal_weight'?)",
    ]
    assert built.database.read_bytes() == before


def test_a_missing_raw_file_in_prod_is_one_line_and_exit_20(built: Project) -> None:
    built.configure("prod")
    before = built.database.read_bytes()
    built.path("data/raw/external.parquet").unlink()
    done = built.command("luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "prod", "--local-scheduler")
    assert done.returncode == 20, done.stderr
    [line] = errors(done)
    assert "no raw file at 'data/raw/external.parquet' (setting sources.external[0].path, environment prod" in line
    assert built.database.read_bytes() == before


def test_a_job_does_not_ask_for_files_it_does_not_read(project: Project) -> None:
    project.path("data/raw/external.parquet").unlink()
    assert project.luigi("InternalPreprocessing").returncode == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="SALES"), ["SALES", "STORE, SKU, CAT", "columns"]),
        (lambda frame: frame.head(0), ["no rows"]),
        (lambda frame: frame.assign(SALES="n/a"), ["SALES"]),
    ],
)
def test_bad_sales_are_one_line_and_exit_30_and_the_last_database_stays(built: Project, change, said) -> None:
    before = built.database.read_bytes()
    built.write_sales(change(built.sales()))
    done = built.luigi("FullPipeline")
    assert done.returncode == 30, done.stderr
    [line] = errors(done)
    assert "sales.parquet" in line
    assert [word for word in said if word not in line] == []
    assert built.database.read_bytes() == before


def test_an_empty_file_is_one_line_and_exit_30(built: Project) -> None:
    built.path("data/raw/sales.parquet").write_bytes(b"")
    done = built.luigi("FullPipeline")
    assert done.returncode == 30
    [line] = errors(done)
    assert "sales.parquet" in line


def test_no_store_in_common_is_one_line_and_exit_30_and_the_last_database_stays(built: Project) -> None:
    before = built.database.read_bytes()
    path = built.path("data/raw/external.parquet")
    frame = pd.read_parquet(path)
    frame["STORE"] += 10_000
    frame.to_parquet(path, index=False)
    done = built.luigi("FullPipeline")
    assert done.returncode == 30, done.stderr
    assert errors(done) == [
        "ERROR: Merging: the internal sales and the outside data have no store in common: sales have '1', '10', '11' and 33 "
        "more, outside data has '10001', '10002', '10003' and 33 more; write the keys in the same way, or correct "
        "columns.store_id in [sources.internal_sales] or [[sources.external]]"
    ]
    assert built.database.read_bytes() == before


def test_an_override_for_a_category_that_is_not_there_is_warned_of_in_every_run(built: Project) -> None:
    built.configure(internal={"clustering": {"category": {"Bred": {"k": 2}}}}, merging={"category": {"Bread": {}}})
    done = built.luigi("FullPipeline")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.startswith("warning")] == [
        "warning: internal.clustering.category.Bred: has no effect: the data has no such category (did you mean 'Bread'?); "
        "correct the name, or remove it (environment dev)"
    ]


def test_two_environments_cannot_publish_one_database(built: Project) -> None:
    before = built.database.read_bytes()
    built.configure("staging", warehouse={"path": "outputs/clustering_dev.duckdb"})
    done = built.command("luigi", "--module", "pipeline.tasks", "FullPipeline", "--env=staging", "--local-scheduler")
    assert done.returncode == 2, done.stderr
    assert errors(done) == [
        "error: warehouse.path: outputs/clustering_dev.duckdb is the database of environment dev; give "
        "staging a database of its own, such as outputs/clustering_{env}.duckdb"
    ]
    assert built.database.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "tags"),
    [(["--tag", "{}"], ()), (["--tag", '{"reason": "a=b"}', "--tag", "who=me"], (("reason", "a=b"), ("who", "me")))],
)
def test_the_command_that_luigis_page_shows_can_be_given_again(
    words: list[str], tags: tuple[tuple[str, str], ...]
) -> None:
    assert TagParameter().parse(words[1::2]) == tags


def test_tags_of_every_job_are_kept_in_the_run_record(built: Project) -> None:
    for job in (
        "InternalPreprocessing",
        "InternalClustering",
        "ExternalPreprocessing",
        "ExternalClustering",
        "Merging",
    ):
        for path in built.path("outputs/dev/.trace").glob("*.json"):
            path.unlink()
        done = built.luigi(job, "--tag", "reason=rehearsal", "--tag", f"job={job}")
        assert done.returncode == 0, done.stderr
        record = max(built.path("outputs/dev/.runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        first = json.loads(record.read_text().splitlines()[0])
        assert first["tags"] == {"job": job, "reason": "rehearsal"}


@pytest.mark.parametrize("tag", ["novalue", "=x", "a b=c", "k=line\nbreak"])
def test_a_malformed_tag_is_one_line_and_exit_2(built: Project, tag: str) -> None:
    done = built.luigi("FullPipeline", "--tag", tag)
    assert done.returncode == 2
    [line] = errors(done)
    assert "expected KEY=VALUE" in line


def test_the_log_file_is_in_the_configured_folder(project: Project) -> None:
    project.configure(logging={"folder": "journal"})
    assert project.luigi("ExternalPreprocessing").returncode == 0
    assert "ExternalPreprocessing: built in" in project.path("journal/clustering_dev.log").read_text()


@pytest.fixture
def luigid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A central scheduler on 127.0.0.1; its port."""
    with central_scheduler(tmp_path_factory.mktemp("luigid")) as port:
        yield port


def test_luigid_and_two_workers_give_the_bytes_of_a_local_run_with_one(
    built: Project,
    tmp_path_factory: pytest.TempPathFactory,
    luigid: int,
    parquet_bytes,
) -> None:
    other = make_project(tmp_path_factory.mktemp("central"))
    words = ["luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev", "--workers", "2"]
    done = other.command(*words, "--scheduler-port", str(luigid))
    assert done.returncode == 0, done.stderr
    assert parquet_bytes(other.home / "outputs") == parquet_bytes(built.home / "outputs")
    other.path("outputs/dev/.trace/merging.json").unlink()
    again = other.command(*words, "--scheduler-port", str(luigid))
    assert again.returncode == 0
    assert "Merging" in again.stderr, "a second run within ten seconds has to run"
    assert other.path("outputs/dev/.trace/merging.json").exists()


def test_a_failed_run_can_be_repeated_at_once_through_luigid(project: Project, luigid: int) -> None:
    words = ["luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev", "--scheduler-port", str(luigid)]
    good = project.path("data/raw/sales.parquet").read_bytes()
    project.path("data/raw/sales.parquet").write_bytes(b"")
    assert project.command(*words).returncode == 30
    project.path("data/raw/sales.parquet").write_bytes(good)
    done = project.command(*words)
    assert done.returncode == 0, done.stderr
    assert len(CATEGORIES) == 3


def test_a_job_that_there_is_not_is_one_line_and_exit_2(built: Project) -> None:
    done = built.command("luigi", "--module", "pipeline.tasks", "Mergin", "--env", "dev", "--local-scheduler")
    assert done.returncode == 2
    assert errors(done) == [
        "error: task 'Mergin' is unknown (did you mean 'Merging'?); allowed are InternalPreprocessing, InternalClustering, "
        "ExternalPreprocessing, ExternalClustering, Merging, FullPipeline"
    ]


def test_a_scheduler_that_is_not_there_is_one_line(built: Project) -> None:
    built.path("once.cfg").write_text("[core]\nrpc-retry-attempts = 1\n")
    words = ["--module", "pipeline.tasks", "Merging", "--env", "dev", "--scheduler-port", str(free_port())]
    done = built.command("luigi", *words, LUIGI_CONFIG_PATH=str(built.path("once.cfg")))
    assert done.returncode == 40
    (line,) = set(errors(done))  # Luigi says it twice
    assert line.endswith(": start luigid there, or give --local-scheduler")


def test_a_folder_that_cannot_be_written_is_one_line_and_the_last_outputs_stay(built: Project) -> None:
    before = built.database.read_bytes()
    built.configure(logging={"folder": "/proc/logs"})
    done = built.luigi("FullPipeline")
    assert done.returncode == 2
    [line] = errors(done)
    assert line.startswith("error: logging.folder: /proc/logs: ")
    assert line.endswith("name a folder that can be written")
    built.configure(warehouse={"path": "/proc/store_clusters.duckdb"})
    done = built.luigi("FullPipeline")
    assert done.returncode == 30
    assert "/proc/" in errors(done)[0]
    assert built.database.read_bytes() == before
