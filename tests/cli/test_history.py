"""`store-clustering history` and the record that a run leaves."""

from __future__ import annotations

import json

from projects import CATEGORIES, Project


def history(project: Project, *words: str) -> str:
    """What `history` prints."""
    done = project.command("store-clustering", "history", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_runs_are_listed_with_who_when_tags_and_counts(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    assert built.command("store-clustering", "run", "--tag", "reason=trial", "--quiet").returncode == 0
    header, first, second = history(built).splitlines()
    assert header.split()[:3] == ["run,", "by", "its"]
    assert first.endswith(f"  {2 * len(CATEGORIES) + 14} built")
    assert "reason=trial" in second
    assert second.endswith(f"  {len(CATEGORIES) + 6} built, {len(CATEGORIES) + 8} fresh")
    assert len(history(built, "--last", "1").splitlines()) == 2


def test_one_run_is_told_with_the_settings_that_changed_and_every_task(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    assert built.command("store-clustering", "run", "--quiet").returncode == 0
    run_id = json.loads(history(built, "--json", "--last", "1"))["runs"][0]["run_id"]
    lines = history(built, run_id[:17]).splitlines()
    assert lines[0].startswith(f"run {run_id} of dev: done, by ")
    assert lines[2] == "setting changed since the run before: merging.internal_weight (0.6 -> 0.7)"
    assert lines[4].startswith("MergeCategory(")
    assert "setting changed: merging.internal_weight (0.6 -> 0.7)" in lines[4]
    assert [line.split("  ")[0] for line in lines if line.endswith("fresh")] == sorted(
        ["ChainAgreement", "ChainClustering", "Deliveries", "ExternalClustering", "ExternalPreprocessing", "InternalClustering", "InternalPreprocessing",
         "Overrides",
         *(f"ClusterCategory({category})" for category in CATEGORIES)]
    )  # fmt: skip


def test_a_failed_run_tells_its_error(built: Project) -> None:
    built.path("data/raw/sales.parquet").write_bytes(b"x")
    assert built.command("store-clustering", "run", "--quiet").returncode == 30
    (run,) = json.loads(history(built, "--json", "--last", "1"))["runs"]
    assert run["status"] == "failed"
    (failed,) = [event for event in run["events"] if event["event"] == "failed"]
    assert failed["task"] == "InternalPreprocessing"
    assert "sales.parquet" in failed["error"]


def test_no_run_yet_is_said_with_the_next_step(project: Project) -> None:
    assert history(project) == "no run of dev built anything yet: store-clustering run --env dev\n"


def test_an_unknown_run_and_one_that_means_several_are_one_line_and_exit_2(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    assert built.command("store-clustering", "run").returncode == 0
    for run, said in (("nope", "error: run 'nope' is unknown"), ("20", "error: run '20' means 2 runs")):
        done = built.command("store-clustering", "history", run)
        assert done.returncode == 2
        assert done.stderr.startswith(said)
        assert len(done.stderr.splitlines()) == 1


def test_names_beyond_ascii_are_kept_whatever_the_locale(built: Project) -> None:
    built.configure(internal={"clustering": {"category": {"K\u00e4se \u65e5\u672c": {"k": 2}}}})
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = built.command("store-clustering", "run", **plain)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    kept = sorted(built.path("outputs/dev/.runs").glob("*.toml"))[-1]
    assert "K\u00e4se \u65e5\u672c" in kept.read_text(encoding="utf-8")
    told = built.command("store-clustering", "history", "--json", **plain)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)
    done = built.command("store-clustering", "run", "--json", "--tag", "who=K\u00e4se", **plain)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    assert "cannot be read" not in told.stderr


def test_the_oldest_records_are_removed_beyond_what_is_kept_and_nothing_else(project: Project) -> None:
    folder = project.path("outputs/dev/.runs")
    folder.mkdir(parents=True)
    started = {
        "event": "started",
        "env": "dev",
        "tags": {},
        "at": "2026-01-01T00:00:00.000",
        "user": "a",
        "host": "b",
        "pid": 1,
    }
    ended = {"event": "finished", "status": "done", "fresh": [], "at": "2026-01-01T00:01:00.000"}
    for number in range(8):
        name = f"2026010{number}T000000-0000000{number}"
        lines = [started | {"run_id": name}, *([] if number == 2 else [ended])]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / f"{name}.toml").write_text(f"# The settings of run {name}, defaults included.\n")
    (folder / "00-notes.jsonl").write_text("mine\n")
    (folder / "20260103T000000-00000003.toml").write_text("# mine\n")
    project.settings["logging"] = {"keep_runs": 4}
    project.configure()
    assert project.command("store-clustering", "run", "ExternalPreprocessing", "--quiet").returncode == 0
    names = sorted(path.name for path in folder.iterdir())
    assert [name[:8] for name in names if name.endswith(".jsonl")][:5] == [
        "00-notes",
        "20260102",
        "20260105",
        "20260106",
        "20260107",
    ]
    assert "20260102T000000-00000002.toml" in names, "that run has not ended, as far as its record says"
    assert "20260103T000000-00000003.toml" in names, "it is not what a run wrote"
    assert "20260104T000000-00000004.toml" not in names
