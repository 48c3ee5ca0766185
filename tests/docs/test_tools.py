"""What developers call beside .ci/: the justfile, the hooks before a commit, the workflow of GitHub."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

JUST = Path(sys.executable).parent / "just"
SCRIPTS = sorted(path.name for path in (ROOT / ".ci").iterdir())
CHECK = (ROOT / ".ci" / "check").read_text()


def test_the_justfile_lists_a_command_for_each_script_of_ci() -> None:
    recipes = subprocess.run([JUST, "--list"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert recipes.returncode == 0, recipes.stderr
    assert all(" # " in line for line in recipes.stdout.splitlines()[1:]), "each recipe says what it is for"
    called = set(re.findall(r"\.ci/(\w+)", (ROOT / "justfile").read_text()))
    assert called == set(SCRIPTS)


@pytest.mark.parametrize(("words", "command"), [(["check"], ".ci/check"), (["pythons", "3.10", "3.13"], ".ci/pythons 3.10 3.13"), (["test", "-k", "k"], "uv run pytest -k k")])  # fmt: skip
def test_a_recipe_runs_its_script_with_the_words_it_is_given(words: list[str], command: str) -> None:
    dry = subprocess.run([JUST, "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert dry.stderr.strip() == command


def test_the_hooks_run_what_is_locked_and_what_the_check_runs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", hooks) == ["local"], "no hook is fetched from elsewhere"
    entries = re.findall(r"entry: (.+)", hooks)
    assert len(entries) == len(re.findall(r"- id:", hooks))
    tools = {entry.split()[2] for entry in entries} - {"python"}
    assert tools == set(re.findall(r"^uv run ([\w-]+)", CHECK, flags=re.MULTILINE)) - {"pytest"}


def test_the_workflow_calls_the_script_of_ci_and_nothing_else_that_checks() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    commands = re.findall(r"run: (.+)", workflow)
    assert commands[-1] == ".ci/run"
    assert [command for command in commands if re.search(r"pytest|ruff|mypy|\.ci/(?!run$)", command)] == []
