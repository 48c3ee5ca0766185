"""`store-clustering sample-data`, as a user types it."""

from __future__ import annotations

import pandas as pd
from projects import Project

SMALL = ("--stores", "24", "--skus", "48", "--weeks", "2")


def bare(project: Project) -> Project:
    """The project without its raw files."""
    for path in project.path("data/raw").iterdir():
        path.unlink()
    project.configure(sample_data={"accept": True})
    return project


def test_files_of_the_size_asked_for_are_made_with_the_truth_beside_them(project: Project) -> None:
    done = bare(project).command("store-clustering", "sample-data", *SMALL)
    assert done.returncode == 0, done.stderr
    assert [line.rpartition("/")[2] for line in done.stdout.splitlines()] == [
        "sample_truth.parquet",
        "sales.parquet",
        "needs.csv",
        "external.parquet",
    ]
    stores = (pd.read_parquet(project.path(f"data/raw/{name}.parquet"))["STORE"] for name in ("sales", "external"))
    assert len(set().union(*stores)) == 24


def test_the_seed_decides_and_the_same_seed_gives_the_same_bytes(project: Project) -> None:
    path = project.path("data/raw/sales.parquet")
    made = []
    for seed in ("1", "1", "2"):
        assert bare(project).command("store-clustering", "sample-data", *SMALL, "--seed", seed).returncode == 0
        made.append(path.read_bytes())
    assert made[0] == made[1] != made[2]


def test_a_file_that_exists_is_never_replaced(project: Project) -> None:
    path = project.path("data/raw/needs.csv")
    before = path.read_bytes()
    project.configure(sample_data={"accept": True})
    done = project.command("store-clustering", "sample-data")
    assert done.returncode == 2
    assert done.stderr.startswith("error: raw files exist already, such as ")
    assert path.read_bytes() == before


def test_an_environment_of_real_data_gets_none(project: Project) -> None:
    bare(project).configure()
    done = project.command("store-clustering", "sample-data")
    assert done.returncode == 2
    assert done.stderr == (
        "error: environment dev takes real data only (sample_data.accept is false); create sample data in another environment, "
        "such as dev\n"
    )


def test_a_size_out_of_range_is_one_line_and_exit_2(project: Project) -> None:
    done = bare(project).command("store-clustering", "sample-data", "--stores", "3")
    assert done.returncode == 2
    assert done.stderr == "error: --stores: expected int >= 20\n"
