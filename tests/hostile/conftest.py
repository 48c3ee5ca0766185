"""Counts of what was tried, kept for docs/reliability.md; small raw files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import reliability


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Counter[str]]]:
    """The counts of a proof, by what was tried; they are kept when the test has passed."""
    counts: dict[str, Counter[str]] = {}
    failed = request.session.testsfailed
    yield lambda proof: counts.setdefault(proof, Counter())
    if request.session.testsfailed == failed:
        for proof, counted in counts.items():
            reliability.add(request.config, proof, counted, reliability.INPUT)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], str]:
    """Write a file of these bytes or this text."""

    def written(name: str, content: bytes | str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written
