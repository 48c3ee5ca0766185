"""A source in a database gives the tables that the same rows give in files, byte for byte."""

from __future__ import annotations

import shutil

import pytest
from databases import Database, arrow_of
from projects import Project, raw_frames

TABLES = {"internal_sales": "sales", "need_states": "needs", "external": "external"}


def published(project: Project) -> dict[str, bytes]:
    """Every table that stages compute."""
    outputs = project.path("outputs/dev")
    return {
        str(path.relative_to(outputs)): path.read_bytes()
        for path in sorted(outputs.rglob("*.parquet"))
        if "source_extract" not in path.parts
    }


def into(project: Project, database: Database, monkeypatch: pytest.MonkeyPatch, **given: object) -> None:
    """Have the project read its sources from a database."""
    monkeypatch.setenv("SHOP", database.url)
    sources = project.settings["sources"]
    for name, table in TABLES.items():
        for source in sources[name] if isinstance(sources[name], list) else [sources[name]]:
            del source["path"]
            source |= {**database.source(table), "connection": "${SHOP}", **given}
    project.configure()


@pytest.mark.parametrize(
    "name", ["postgresql", "duckdb_file", "sail", pytest.param("spark", marks=pytest.mark.nightly)]
)
def test_every_table_is_the_same_from_a_database(
    built: Project, name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(name)
    files = published(built)
    for table, frame in zip(TABLES.values(), raw_frames(), strict=True):
        database.write(table, arrow_of(frame))
    into(built, database, monkeypatch)
    shutil.rmtree(built.path("data/raw"))
    assert built.build().status == "SUCCESS"
    assert published(built) == files
    assert len(files) > 60
