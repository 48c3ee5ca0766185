"""What a command advises works: each piece of advice is followed as it is written."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from projects import Project


def advised(text: str) -> list[str]:
    """The command in a message, between back quotes."""
    return shlex.split(re.findall(r"`(store-clustering [^`]+)`", text)[0])


def follow(project: Project, words: list[str]) -> str:
    done = project.command(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("asking", [["check"], ["run"], ["status"]], ids=lambda words: words[0])
def test_the_pin_that_is_missing_can_be_made_as_advised_and_then_all_is_well(built: Project, asking: list[str]) -> None:
    built.configure(merging={"reference": "spring"}, internal={"clustering": {"reference": "spring"}})
    refused = built.command("store-clustering", *asking)
    assert refused.returncode == 2
    refused.stderr += refused.stdout
    assert advised(refused.stderr) == ["store-clustering", "pin", "spring", "--env", "dev"]
    assert "pins/dev/spring" in follow(built, advised(refused.stderr))
    assert built.command("store-clustering", *asking).returncode == 0


def test_a_pin_of_another_environment_is_made_there(built: Project) -> None:
    built.configure("prod")
    shutil.copytree(built.path("outputs/dev"), built.path("outputs/prod"))
    built.configure(merging={"reference": "prod/spring"})
    refused = built.command("store-clustering", "check")
    words = advised(refused.stdout)
    assert words == ["store-clustering", "pin", "spring", "--env", "prod"]
    done = built.command(*words)
    if done.returncode:  # what it says of stale clusters there works too
        follow(built, advised(done.stderr))
        follow(built, words)
    assert built.command("store-clustering", "check").returncode == 0


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("dev", "no pin can have this name: is the name of an environment"),
        ("2026 spring", "no pin can have this name: expected a plain name"),
        ("nowhere/spring", "'nowhere' is no environment"),
    ],
)
def test_no_pin_is_advised_that_could_not_be_made(built: Project, name: str, because: str) -> None:
    built.configure(merging={"reference": name})
    refused = built.command("store-clustering", "check")
    assert refused.returncode == 2
    assert because in refused.stdout
    assert "`store-clustering pin" not in refused.stdout


def test_before_the_first_run_the_advice_does_not_go_in_a_circle(project: Project) -> None:
    project.configure(merging={"reference": "spring"})
    refused = project.command("store-clustering", "pin", "spring")
    assert refused.returncode == 20
    assert "remove merging.reference from the settings" in refused.stderr
    project.configure()
    follow(project, advised(refused.stderr))
    follow(project, ["store-clustering", "pin", "spring"])
    project.configure(merging={"reference": "spring"})
    follow(project, ["store-clustering", "run", "Merging"])


def test_stale_clusters_are_built_and_pinned_as_advised(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    refused = built.command("store-clustering", "pin", "spring")
    assert refused.returncode == 2
    follow(built, advised(refused.stderr))
    follow(built, ["store-clustering", "pin", "spring"])


def test_what_compare_assign_and_history_advise_where_nothing_is_built_works(project: Project) -> None:
    for words in (
        ["compare", "dev", "dev"],
        ["assign", "--external", "data/raw/external.parquet"],
    ):
        shutil.rmtree(project.path("outputs"), ignore_errors=True)
        refused = project.command("store-clustering", *words)
        assert refused.returncode == 20, refused.stderr
        follow(project, advised(refused.stderr))
        follow(project, ["store-clustering", *words])
