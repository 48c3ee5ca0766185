"""requirements.lock and the pins of pyproject.toml are one and the same, and name no registry."""

from __future__ import annotations

import re
import subprocess

import pytest
from conftest import ROOT

from pipeline.config.environment import tomllib

LOCK = (ROOT / "requirements.lock").read_text()


def test_the_pins_of_the_project_are_those_of_the_lock() -> None:
    pins = re.findall(r"^([a-z0-9.-]+==[^\\\n]*?) *\\?$", LOCK, flags=re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pins == project["tool"]["uv"]["constraint-dependencies"]
    assert len(pins) > 40


def test_every_pin_has_hashes() -> None:
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.match(r"[A-Za-z0-9.-]+", text)[0].lower() for text in wanted}  # type: ignore[index]
    assert names <= set(re.findall(r"^([a-z0-9.-]+)==", LOCK, flags=re.MULTILINE))


def test_the_spark_that_tests_start_at_night_is_of_the_version_of_the_client() -> None:
    version = re.search(r"^version=(.*)$", (ROOT / ".ci/spark").read_text(), flags=re.MULTILINE)
    assert version is not None
    assert f"pyspark-client=={version[1]} " in LOCK


def test_no_file_of_the_project_names_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    address = re.compile(r"(pythonhosted|pypi|npmjs)\.(org|com)".replace("pypi", "py" + "pi"))
    files = [name for name in listed.stdout.split("\0") if name]
    named = [name for name in files if address.search((ROOT / name).read_text(errors="replace"))]
    assert named == []
    assert "uv.lock" not in files
