"""The page's scripts share their names: the report joins them into one. So they are linted joined, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPTS = sorted((ROOT / "pipeline" / "report" / "templates").glob("*.js"))
OXLINT = Path(sys.executable).parent / "oxlint"


def unknown_or_unused(script: str, folder: Path) -> list[str]:
    """What oxlint says of names that nothing defines, and of those that nothing uses."""
    (folder / "joined.js").write_text(script)
    rules = ["--allow=all", "--deny=no-undef", "--deny=no-unused-vars", "--format=unix"]
    done = subprocess.run(
        [OXLINT, f"--config={ROOT / '.oxlintrc.json'}", *rules, str(folder / "joined.js")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [line.partition(": ")[2] for line in done.stdout.splitlines() if "joined.js:" in line]


def joined() -> str:
    return "\n".join(path.read_text() for path in SCRIPTS)


def test_every_name_of_the_page_s_scripts_is_defined_and_used(tmp_path: Path) -> None:
    assert len(SCRIPTS) > 1
    assert unknown_or_unused(joined(), tmp_path) == []


@pytest.mark.parametrize(
    ("code", "fault"), [("drawEverything();", "'drawEverything' is not defined"), ("function spare() {}", "'spare' is declared but never used")]
)  # fmt: skip
def test_a_name_that_nothing_defines_or_nothing_uses_is_seen(code: str, fault: str, tmp_path: Path) -> None:
    [line] = unknown_or_unused(f"{joined()}\n{code}\n", tmp_path)
    assert fault in line
