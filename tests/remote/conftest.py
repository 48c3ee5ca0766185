"""Databases for the tests of this folder, each started once."""

from __future__ import annotations

from collections.abc import Iterator

import databases
import pytest
from databases import Database


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    with databases.postgresql() as database:
        yield database


@pytest.fixture
def duckdb_file(tmp_path) -> Iterator[Database]:
    with databases.duckdb_file(tmp_path) as database:
        yield database


@pytest.fixture(params=["postgresql", "duckdb_file"])
def database(request: pytest.FixtureRequest) -> Database:
    return request.getfixturevalue(request.param)
