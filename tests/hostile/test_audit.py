"""The dependency audit: a known vulnerability fails it, a machine without network does not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.parametrize(
    ("answer", "ends_with", "code"),
    [
        ("echo 'Found no known vulnerabilities'", 0, 0),
        ("echo 'luigi 3.8.1 has 1 known vulnerability: GHSA-xxxx-yyyy-zzzz'", 1, 1),
        ("echo 'error: Request failed after 3 retries' >&2", 2, 0),
    ],
)
def test_what_the_audit_makes_of_an_answer(answer: str, ends_with: int, code: int, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\n[ "$2" = --help ] && exit 0\n{answer}\nexit {ends_with}\n')
    uv.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([ROOT / ".ci" / "audit"], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == code
    assert ("nothing was looked up" in done.stdout) == (ends_with == 2)
