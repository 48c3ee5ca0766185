"""The project that the trials start from: made once, for all processes of a test run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from trials import Outputs, Prepared, Trial, prepare

from pipeline.storage import locks


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A stale project, and what an undisturbed run makes of it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared"
    with locks.held(folder / "lock"):
        prepare(folder)
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
