"""`store-clustering why`, as a user types it."""

from __future__ import annotations

import json

import pytest
from projects import CATEGORIES, Project


def why(project: Project, *words: str) -> list[str]:
    """The lines that `why` prints."""
    done = project.command("store-clustering", "why", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_changed_setting_is_told_old_and_new_and_its_effect_further_down_by_where_it_began(built: Project) -> None:
    built.configure(internal={"clustering": {"category": {"Bread": {"k_max": 2}}}})
    lines = why(built, "store_clusters")
    assert lines[0].startswith("Merging: stale, last built 2")
    assert lines[1:] == [
        "  upstream stale: InternalClustering, MergeCategory(Bread)",
        "  because of ClusterCategory(Bread):",
        "    setting changed: internal.clustering.k_max (3 -> 2)",
    ]


def test_tasks_that_are_stale_for_the_same_reason_are_told_of_together(built: Project) -> None:
    built.configure(internal={"clustering": {"k_max": 2}})
    assert why(built, "Merging")[2:] == [
        "  because of ClusterCategory(Bread), ClusterCategory(Coffee), ClusterCategory(Tea & Cocoa):",
        "    setting changed: internal.clustering.k_max (3 -> 2)",
    ]


def test_a_changed_file_is_named(built: Project) -> None:
    path = built.path("data/raw/needs.csv")
    path.write_text(path.read_text() + "\n")
    told = [line for line in why(built, "InternalPreprocessing") if "needs.csv" in line]
    assert len(told) == 1
    assert told[0].startswith("  input changed: data/raw/needs.csv (")
    assert " -> " in told[0]


def test_an_edited_output_and_another_library_are_reasons_side_by_side(built: Project) -> None:
    built.path("outputs/dev/merging/reassignments.parquet").write_bytes(b"x")
    trace = built.path("outputs/dev/.trace/merging.json")
    told = json.loads(trace.read_text())
    told["libraries"]["numpy"] = "1.0"
    told["code"]["pipeline.core.merging.repair"] = "0" * 64
    trace.write_text(json.dumps(told))
    lines = why(built, "Merging")
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "  code changed: pipeline.core.merging.repair",
        "  library changed: numpy",
        "  output altered: outputs/dev/merging/reassignments.parquet",
    ]
    assert "(1.0 -> " in lines[2]


def test_a_missing_raw_file_is_where_it_began(built: Project) -> None:
    built.path("data/raw/external.parquet").unlink()
    lines = why(built, "external_clusters")
    assert lines[1:5] == [
        "  upstream stale: ExternalPreprocessing",
        "  because of ExternalPreprocessing:",
        "    input removed: data/raw/external.parquet",
        "  because of RawSource(external.0):",
    ]
    assert lines[5].startswith("    missing: no raw file at 'data/raw/external.parquet'")


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ("Merging", "Merging"),
        ("merging_job", "Merging"),
        ("store_clusters", "Merging"),
        ("internal_clusters", "InternalClustering"),
        ("ClusterCategory(Tea & Cocoa)", "ClusterCategory(Tea & Cocoa)"),
        ("outputs/dev/merging/store_clusters.parquet", "Merging"),
        ("outputs/clustering_dev.duckdb", "Warehouse"),
        ("clustering_dev", "Warehouse"),
    ],
)
def test_a_target_goes_by_task_table_category_or_file(built: Project, target: str, task: str) -> None:
    lines = why(built, target)
    assert len(lines) == 1
    assert lines[0].startswith(f"{task}: fresh, last built ")


def test_a_category_is_all_its_tasks(built: Project) -> None:
    assert [line.partition(": ")[0] for line in why(built, "Bread")] == [
        "ClusterCategory(Bread)",
        "MergeCategory(Bread)",
    ]


def test_an_unknown_target_is_one_line_with_the_nearest_name_and_exit_2(built: Project) -> None:
    done = built.command("store-clustering", "why", "store_cluster")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: target 'store_cluster' is unknown (did you mean 'store_clusters'?): give a task"
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_script_reads_reasons_as_json(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    told = json.loads("\n".join(why(built, "clustering_dev", "--json")))
    (task,) = told["tasks"]
    assert task["reasons"] == [
        {"kind": "upstream stale", "what": name, "old": None, "new": None}
        for name in ("Merging", "Migrations", "AssignmentModel")
    ]
    changed = {"kind": "setting changed", "what": "merging.internal_weight", "old": "0.6", "new": "0.7"}
    merging = task["below"][0]
    assert {reason["what"] for reason in merging["reasons"]} >= {f"MergeCategory({name})" for name in CATEGORIES}
    assert [below["reasons"] for below in merging["below"] if below["task"].startswith("MergeCategory")] == [
        [changed] for _ in CATEGORIES
    ]
