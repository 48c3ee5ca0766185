"""The cases of ../shared/data/found, where they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import SHARED
from engine.found.cases import Case

from pipeline.settings import Engine

FOUND = SHARED / "data" / "found"


@pytest.fixture
def found(request: pytest.FixtureRequest, engine: Engine) -> Callable[[str], Case]:
    """A case by the name of its folder; the test is skipped where the shared data is not there."""

    def case(name: str) -> Case:
        if not (FOUND / name).is_dir():
            pytest.skip(f"{FOUND / name} is not there: the cases are shared with the project, not part of it")
        return Case(FOUND / name, engine)

    return case
