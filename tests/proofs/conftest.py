"""The project that the trials start from: made once, for all processes of a test run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Shared
from projects import build_in
from trials import Outputs, Prepared, Trial, prepare


@pytest.fixture(scope="session")
def prepared(shared: Shared) -> Prepared:
    """A stale project, and what an undisturbed run makes of it."""
    built = shared("built", build_in)
    folder = shared("prepared", lambda folder: prepare(folder, built))
    facts = json.loads((folder / "facts.json").read_text())
    stale, done = folder / "stale", folder / "done"
    old, new = Outputs.of(stale), Outputs.of(done)
    same = old.parquet.items() & new.parquet.items()
    assert 2 * len(same) < len(new.parquet), (
        f"too many targets do not tell old from new: {sorted(name for name, _ in same)}"
    )
    assert old.database != new.database
    return Prepared(stale, done, old, new, facts["calls"], facts["seconds"], facts["tasks"])


@pytest.fixture
def trial(prepared: Prepared, tmp_path: Path) -> Trial:
    """A stale project of the test's own."""
    return prepared.trial(tmp_path)
