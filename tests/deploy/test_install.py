"""`deploy/install` refuses a package whose hash is not in the locks: what runs, and what builds. Without a network, from folders of wheels."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

from pipeline.config.environment import tomllib

BACKEND = """
import zipfile
def build_editable(folder, settings=None, metadata=None):
    name = "tested-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("tested-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tested\\nVersion: 1.0\\n")
        wheel.writestr("tested-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tested-1.0.dist-info/RECORD", "")
        wheel.writestr("tested.pth", "")
    return name
"""


def make_wheel(folder: Path, name: str, code: str) -> str:
    """Write a wheel of one module; its pin with its hash."""
    files = {
        f"{name}.py": code,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for path, text in files.items()
    )
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{name}-1.0.dist-info/RECORD": f"{record}{name}-1.0.dist-info/RECORD,,\n"}.items():
            wheel.writestr(zipfile.ZipInfo(file), text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with a dependency, a tool of developers and a build backend, each a wheel in a folder."""
    if not shutil.which("uv"):
        pytest.skip("no uv on this machine")
    home, wheels = tmp_path / "checkout", tmp_path / "wheels"
    (home / "deploy").mkdir(parents=True)
    wheels.mkdir()
    shutil.copy(ROOT / "deploy" / "install", home / "deploy")
    pins = {name: make_wheel(wheels, name, "VALUE = 1\n") for name in ("needed", "tool", "driver")}
    (home / "requirements.lock").write_text("".join(pins.values()))
    (home / "requirements-build.lock").write_text(make_wheel(wheels, "backend", BACKEND))
    (home / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["backend==1.0"]\nbuild-backend = "backend"\n'
        '[project]\nname = "tested"\nversion = "1.0"\ndependencies = ["needed>=1"]\n'
        '[project.optional-dependencies]\nfar = ["driver>=1"]\n[dependency-groups]\ndev = ["tool>=1"]\nspark-tests = []\n'
    )
    return home


def install(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    environment |= {
        "UV_FIND_LINKS": str(checkout.parent / "wheels"),
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(checkout.parent / "cache"),
        "UV_NO_CONFIG": "1",
    }
    return subprocess.run(
        [str(checkout / "deploy" / "install"), *words, ".venv", sys.executable],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def installed(checkout: Path) -> set[str]:
    return {path.name.split("-")[0] for path in checkout.glob(".venv/lib/*/site-packages/*.dist-info")}


def test_what_the_locks_pin_is_installed(checkout: Path) -> None:
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    assert installed(checkout) == {"needed", "backend", "tested"}
    done = install(checkout, "--dev")
    assert done.returncode == 0, done.stderr
    assert installed(checkout) == {"needed", "backend", "tested", "tool"}
    done = install(checkout, "--extra", "far")
    assert done.returncode == 0, done.stderr
    assert installed(checkout) == {"needed", "backend", "tested", "tool", "driver"}


@pytest.mark.parametrize("name", ["needed", "tool", "backend"])
@pytest.mark.parametrize("words", [(), ("--dev",)], ids=["production", "developers"])
def test_a_tampered_wheel_is_not_installed(checkout: Path, name: str, words: tuple[str, ...]) -> None:
    if name == "tool" and not words:
        pytest.skip("not installed in production")
    make_wheel(checkout.parent / "wheels", name, "raise SystemExit('not what was locked')\n")
    done = install(checkout, *words)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert name in done.stderr
    assert name not in installed(checkout)
    assert "tested" not in installed(checkout)


def test_a_package_that_is_not_in_the_locks_is_not_installed(checkout: Path) -> None:
    make_wheel(checkout.parent / "wheels", "other", "VALUE = 1\n")
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace('["needed>=1"]', '["needed>=1", "other"]'))
    done = install(checkout)
    assert done.returncode != 0
    assert "other" in done.stderr
    assert installed(checkout) == set()


def test_everything_that_installs_checks_hashes() -> None:
    """In CI, in the image and in the documented installation on a server."""
    scripts = [*(ROOT / ".ci").iterdir(), ROOT / "deploy" / "Dockerfile", ROOT / "deploy" / "install"]
    scripts += [
        ROOT / ".github" / "workflows" / "ci.yml",
        ROOT / "deploy" / "README.md",
        ROOT / "docs" / "operations.md",
    ]
    for script in scripts:
        for line in script.read_text().splitlines():
            if re.search(r"pip install(?! tool)", line) and not line.lstrip().startswith("#"):
                assert "--require-hashes" in line or "--no-index" in line, f"{script.name}: {line}"
            if "uv sync" in line:
                assert "--dry-run" in line or "no hashes" in line, f"{script.name}: {line}"
    assert "UV_NO_SYNC=1" in (ROOT / ".ci" / "run").read_text()


def test_the_readme_says_that_its_first_command_checks_no_hashes_and_what_does() -> None:
    start = (ROOT / "README.md").read_text().split("## Start")[1].split("\n## ")[0]
    assert "no hashes" in start
    assert "deploy/install" in start


def test_what_builds_the_project_is_pinned_by_the_lock_of_the_build() -> None:
    lock = (ROOT / "requirements-build.lock").read_text()
    pins = re.findall(r"^([a-z0-9.-]+==[^\\\n]*?) *\\?$", lock, flags=re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pins == project["tool"]["uv"]["build-constraint-dependencies"]
    assert set(project["build-system"]["requires"]) <= set(pins)
    names = {re.match(r"[a-z]+", text)[0] for text in project["dependency-groups"]["build"]}  # type: ignore[index]
    assert names <= {pin.split("==")[0] for pin in pins}
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:])
