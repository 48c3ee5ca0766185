"""`store-clustering run` and `store-clustering status`, as a user types them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest
from projects import CATEGORIES, Project

from pipeline.cli import main
from pipeline.errors import RawDataError


def test_run_says_what_was_built_and_why_and_where_the_database_is(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = built.command("store-clustering", "run", "--tag", "reason=try")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].split()[:2] == ["Merging", "built"]
    assert "no trace" in lines[1]
    sinks = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[2:7]}
    assert sinks == dict.fromkeys(
        ("Migrations", "AssignmentModel", "Warehouse", "Report", "Workbook"), "cut off  what it reads is unchanged"
    )
    assert re.match(r"1 built, 5 cut off, \d+ fresh; run ", lines[-4])
    outputs = built.path("outputs/dev")
    assert lines[-3:] == [
        f"database: {built.database}",
        f"report: {outputs / 'report.html'}",
        f"workbook: {outputs / 'store_clusters.xlsx'}",
    ]


def test_run_with_nothing_to_do_says_so_and_records_nothing(built: Project) -> None:
    before = list(built.path("outputs/dev/.runs").iterdir())
    done = built.command("store-clustering", "run")
    assert done.stdout.startswith("nothing to do: every target is fresh\n")
    assert list(built.path("outputs/dev/.runs").iterdir()) == before


def test_run_is_silent_on_success_with_quiet_and_speaks_on_failure(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = built.command("store-clustering", "run", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    built.path("data/raw/sales.parquet").write_bytes(b"x")
    done = built.command("store-clustering", "run", "--quiet")
    assert done.returncode == 30
    assert "sales.parquet" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_says_what_is_stale_and_builds_nothing(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    done = built.command("store-clustering", "run", "--dry-run")
    told = dict(re.split(r"  +", line, maxsplit=1) for line in done.stdout.splitlines()[1:])
    assert told == {
        **{
            f"MergeCategory({category})": "setting changed: merging.internal_weight (0.6 -> 0.7)"
            for category in CATEGORIES
        },
        "Merging": "upstream stale: MergeCategory(Bread)",
        **dict.fromkeys(
            ("Migrations", "AssignmentModel", "Warehouse", "Report", "Workbook"), "upstream stale: Merging"
        ),
    }
    assert built.command("store-clustering", "run", "--dry-run").stdout == done.stdout


@pytest.mark.parametrize("job", ["ExternalClustering", "external_clustering_job", "external_clustering"])
def test_a_job_goes_by_its_name_and_its_old_name(built: Project, job: str) -> None:
    built.path("outputs/dev/.trace/external_clustering.json").unlink()
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = built.command("store-clustering", "run", job)
    assert done.returncode == 0
    assert "ExternalClustering" in done.stdout
    assert "Merging" not in done.stdout


def test_a_category_can_be_clustered_alone(built: Project) -> None:
    for path in built.path("outputs/dev/.trace").glob("cluster_category-*.json"):
        path.unlink()
    done = built.command("store-clustering", "run", "--category", "Tea & Cocoa")
    assert done.returncode == 0
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:-4]] == ["ClusterCategory(Tea & Cocoa)"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["Mergin"], 2, "error: job 'Mergin' is unknown (did you mean 'Merging'?); allowed are"),
        (["--env", "nope"], 2, "error: environment 'nope' is unknown: allowed are dev;"),
        (["--tag", "x"], 2, "error: --tag 'x': expected KEY=VALUE"),
        (["--tag", "a=1", "--tag", "a=2"], 2, "error: --tag a is given twice"),
        (["Merging", "--category", "Bread"], 2, "error: --category goes with InternalClustering"),
        (["--category", "Bred"], 2, "error: category 'Bred' is not in the data (did you mean 'Bread'?)"),
        (["--workers", "0"], 2, "workers"),
    ],
)
def test_a_bad_word_is_an_error_that_names_the_good_one(built: Project, words: list[str], code: int, said: str) -> None:
    done = built.command("store-clustering", "run", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_run_without_raw_files_exits_20(project: Project) -> None:
    project.path("data/raw/needs.csv").unlink()
    done = project.command("store-clustering", "run")
    assert done.returncode == 20
    assert "no raw file at 'data/raw/needs.csv' (setting sources.need_states.path, environment dev" in done.stderr


def test_status_says_fresh_or_stale_and_why(built: Project) -> None:
    target = built.path("outputs/dev/merging/store_clusters.parquet")
    target.write_bytes(target.read_bytes()[:-1])
    done = built.command("store-clustering", "status", "--json")
    told = {task["task"]: task for task in json.loads(done.stdout)["tasks"]}
    assert told["ExternalClustering"]["fresh"] is True
    assert told["Merging"]["reason"].startswith("output altered: outputs/dev/merging/store_clusters.parquet")
    assert told["Warehouse"]["reason"] == "upstream stale: Merging"
    assert "ClusterCategory(Bread)" in told
    assert "upstream stale: Merging" in built.command("store-clustering", "status").stdout


def test_status_names_a_file_that_no_task_knows(built: Project) -> None:
    built.path("outputs/dev/merging/old.parquet").touch()
    done = built.command("store-clustering", "status")
    assert "orphan: outputs/dev/merging/old.parquet" in done.stdout


def test_status_names_a_missing_raw_file(built: Project) -> None:
    built.path("data/raw/external.parquet").unlink()
    done = built.command("store-clustering", "status")
    assert "RawSource(external.0)" in done.stdout
    assert "no raw file at 'data/raw/external.parquet'" in done.stdout


def test_a_bit_that_rots_without_a_new_stat_is_found_by_verify(built: Project) -> None:
    import os
    import time

    from pipeline.config import environment
    from pipeline.freshness.memory import Hashed, signature
    from pipeline.run.session import session

    target = built.path("outputs/dev/merging/store_clusters.parquet")
    good = target.read_bytes()
    found = environment.load("dev")
    memory = session.memory(found)
    digest = memory.hash(target, lambda path: __import__("hashlib").sha256(good).hexdigest())
    target.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    os.utime(target, ns=(0, time.time_ns() - 10**10))
    memory._contents.hashes[str(target)] = Hashed(signature(target), time.time_ns() + 10**10, digest)
    memory.changed = True
    session.renew()
    assert "output altered" not in built.command("store-clustering", "status").stdout
    assert "output altered" in built.command("store-clustering", "status", "--verify").stdout


def test_help_names_the_commands_and_the_exit_is_0(project: Project) -> None:
    done = project.command("store-clustering", "--help")
    assert done.returncode == 0
    assert [word for word in ("run", "status") if word not in done.stdout] == []
    assert "--dry-run" in project.command("store-clustering", "run", "--help").stdout


def test_runs_are_kept_with_their_settings_and_no_value_of_a_variable(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_FOLDER", "s3cr3t")
    built.configure(warehouse={"path": "outputs/${SECRET_FOLDER}.duckdb"})
    assert built.build().built == {"Warehouse"}
    record = max(built.path("outputs/dev/.runs").glob("*.toml"), key=lambda path: path.stat().st_mtime_ns)
    text = record.read_text()
    assert "s3cr3t" not in text
    assert '"outputs/${SECRET_FOLDER}.duckdb"' in text
    assert 'outliers = "isolation_forest"' in text, "defaults are written out"


def test_the_database_holds_the_runs_and_the_lineage_of_every_target(built: Project) -> None:
    import duckdb

    with duckdb.connect(str(built.database), read_only=True) as connection:
        runs = connection.execute("SELECT env, status, built, skipped FROM runs").fetchall()
        targets = {row[0] for row in connection.execute("SELECT target FROM lineage").fetchall()}
    ((env, status, built_so_far, cut_off),) = runs
    assert (env, status, cut_off) == ("dev", "loaded", 0)
    # as of its load: report and workbook may have been built before the database, or not yet
    assert 2 * len(CATEGORIES) + 11 <= built_so_far <= 2 * len(CATEGORIES) + 13
    published = {str(path.relative_to(built.home)) for path in built.path("outputs/dev").rglob("*.parquet")}
    assert {target for target in targets if target.endswith(".parquet")} == published
    assert len(pd.Series(sorted(targets))) > 20


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            TypeError("x"),
            40,
            "error: this is a bug in store-clustering, not in your data or settings: please report it",
        ),
        (OSError(28, "No space left on device", "/full/disk"), 30, "error: /full/disk: No space left on device;"),
        (RawDataError("a line"), 30, "error: a line"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_goes_wrong_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def command() -> None:
        raise error

    monkeypatch.setattr(main, "app", click.Command("store-clustering", callback=command))
    monkeypatch.setattr("sys.argv", ["store-clustering"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    last = capsys.readouterr().err.strip().splitlines()[-1:]
    assert said in "".join(last)


def test_a_reader_that_has_seen_enough_provokes_no_message(built: Project) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", "store-clustering status --json | head -n 1"],
        env={
            **os.environ,
            "STORE_CLUSTERING_HOME": str(built.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def shell(project: Project, line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, with the project's commands at hand."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, "STORE_CLUSTERING_HOME": str(project.home), "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_run_whose_reader_goes_away_has_the_exit_code_of_what_it_did(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = shell(built, "store-clustering run --json | true; echo ${PIPESTATUS[0]}")
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_closed_output_is_no_fault(built: Project) -> None:
    done = shell(built, "store-clustering status >&-; echo $?")
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_who_only_looks_needs_no_log(built: Project) -> None:
    built.configure(logging={"folder": "/proc/logs"})
    for words in (["status"], ["why", "Merging"], ["history"], ["check"], ["run", "--dry-run"]):
        done = built.command("store-clustering", *words)
        assert done.returncode == 0, done.stderr
    assert built.command("store-clustering", "run").returncode == 2


def test_results_of_an_unfinished_run_are_no_orphans(built: Project) -> None:
    built.path("outputs/dev/.trace/internal_clustering.json").unlink()
    assert json.loads(built.command("store-clustering", "status", "--json").stdout)["orphans"] == []


def test_a_run_that_lacked_a_file_is_in_the_history_with_its_tags(built: Project) -> None:
    built.path("data/raw/needs.csv").unlink()
    done = built.command("store-clustering", "run", "--tag", "reason=try")
    assert done.returncode == 20
    assert [line for line in done.stderr.splitlines() if "does not exist (yet?)" in line] == []
    (run,) = json.loads(built.command("store-clustering", "history", "--last", "1", "--json").stdout)["runs"]
    assert (run["status"], run["tags"]) == ("failed", {"reason": "try"})
    (event,) = run["events"]
    assert event["task"] == "RawSource(need_states)"
    assert "data/raw/needs.csv" in event["error"]


def test_a_dry_run_refuses_a_category_that_is_not_there_and_takes_one_with_blanks_around(built: Project) -> None:
    done = built.command("store-clustering", "run", "--category", "bread", "--dry-run")
    assert done.returncode == 2
    assert "category 'bread' is not in the data (did you mean 'Bread'?)" in done.stderr
    done = built.command("store-clustering", "run", "--category", " Bread ", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "nothing to do: every target is fresh\n")


def test_one_job_may_be_named_twice(built: Project) -> None:
    assert built.command("store-clustering", "run", "Merging", "--job", "merging_job").returncode == 0
    done = built.command("store-clustering", "run", "Merging", "--job", "InternalClustering")
    assert done.returncode == 2
    assert done.stderr == "error: two jobs are given, Merging and --job InternalClustering: give one\n"


def test_what_names_hold_never_acts_on_a_terminal(project: Project) -> None:
    sales, needs = project.sales(), pd.read_csv(project.path("data/raw/needs.csv"))
    name = "red\x1b[31m\nline"
    project.write_sales(sales.replace({"CAT": {"Bread": name}}))
    needs.replace({"CAT": {"Bread": name}}).to_csv(project.path("data/raw/needs.csv"), index=False)
    done = project.command("store-clustering", "run")
    assert done.returncode == 0, done.stderr
    assert "ClusterCategory(red?[31m line)" in done.stdout
    told = project.command("store-clustering", "why", "red?[31m line")
    assert told.stdout.startswith("ClusterCategory(red?[31m line): fresh")
    assert "\x1b" not in done.stdout + told.stdout + project.command("store-clustering", "status").stdout
