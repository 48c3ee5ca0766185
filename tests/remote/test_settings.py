"""Where a source is: every fault in one line, none with a secret; and what `check` says of a source that is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from databases import Database, arrow_of
from projects import Project, raw_frames

from pipeline.config import environment
from pipeline.errors import SettingsError

COLUMNS = {"store_id": "STORE", "sku_id": "SKU", "category": "CAT", "sales_value": "SALES"}


def faults(project: Project, **source: Any) -> list[str]:
    project.settings["sources"]["internal_sales"] = {"columns": COLUMNS, **source}
    project.configure()
    environment.forget()
    with pytest.raises(SettingsError) as caught:
        environment.load("dev")
    return caught.value.lines


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ({}, "sources.internal_sales: names nothing to read: set path, or table or sql with connection"),
        ({"table": "a", "sql": "SELECT 1", "connection": "${SHOP}"}, "sources.internal_sales: sets table and sql: leave one of them"),
        ({"table": "a"}, "sources.internal_sales.connection: is missing: name the variable"),
        ({"path": "a.csv", "version_query": "SELECT 1"}, "sources.internal_sales.version_query: goes with table or sql"),
        ({"table": "a", "connection": "postgresql://bob:s3cret@host/db"}, "sources.internal_sales.connection: the URL of a database holds secrets"),
        ({"table": "a", "connection": "postgresql://bob:${SHOP}@host/db"}, "sources.internal_sales.connection: the URL of a database holds secrets"),
        ({"table": "a", "connection": ["s3cret"]}, "sources.internal_sales.connection: the URL of a database holds secrets"),
        ({"table": "a", "connection": "${ORACLE}"}, "sources.internal_sales.connection: is no URL of a database that can be read; it must begin with one of postgresql://"),
        ({"table": "a", "connection": "${SHOP}", "week_columns": ["w*"]}, "sources.internal_sales.week_columns: is for files"),
        ({"table": "a", "connection": "${SHOP}", "refresh": "weekly"}, "sources.internal_sales.refresh: invalid"),
    ],
)  # fmt: skip
def test_a_source_is_in_one_place_and_its_connection_is_a_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, source: dict[str, Any], fault: str
) -> None:
    monkeypatch.setenv("SHOP", "postgresql://bob:s3cret@host/db")
    monkeypatch.setenv("ORACLE", "oracle://bob:s3cret@host/db")
    lines = faults(project, **source)
    assert [line for line in lines if fault in line], lines
    assert not [line for line in lines if "s3cret" in line or "oracle" in line]


def test_an_environment_may_put_a_source_elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", "duckdb:///x")
    project.configure("prod", sources={"internal_sales": {"table": "sales", "connection": "${SHOP}"}})
    there = environment.load("prod").settings.sources.internal_sales
    assert (there.path, there.table, there.columns.store_id) == ("", "sales", "STORE")
    project.settings["sources"]["internal_sales"] = {"table": "sales", "connection": "${SHOP}", "columns": COLUMNS}
    project.configure("test", sources={"internal_sales": {"path": "data/raw/sales.parquet"}})
    environment.forget()
    here = environment.load("test").settings.sources.internal_sales
    assert (here.path, here.table, here.connection) == ("data/raw/sales.parquet", "", "")


@pytest.fixture
def shop(project: Project, duckdb_file: Database) -> Project:
    frame = raw_frames()[0]
    duckdb_file.write("sales", arrow_of(frame))
    duckdb_file.write("broken", arrow_of(frame.assign(SALES=frame["SALES"].where(frame["STORE"] > 1))))
    return project


def checked(project: Project, url: str, **source: Any) -> Any:
    project.settings["sources"]["internal_sales"] = {"columns": COLUMNS, "connection": "${SHOP}", **source}
    project.configure()
    return project.command("store-clustering", "check", SHOP=url)


def test_check_looks_at_a_table_as_at_a_file_and_leaves_nothing(shop: Project, duckdb_file: Database) -> None:
    done = checked(shop, duckdb_file.url, table="sales")
    assert done.returncode == 0, done.stdout
    assert "internal_sales: table sales: 864 rows, 36 stores, 24 SKUs, 3 categories" in done.stdout
    assert not shop.path("outputs/dev/source_extract").exists()
    done = checked(shop, duckdb_file.url, table="broken")
    assert done.returncode == 30
    assert "table broken: column 'SALES' is missing, not finite or beyond 1e13 in 24 rows of 864" in done.stdout


def test_check_says_what_a_database_refuses_beside_the_faults_of_files(shop: Project, duckdb_file: Database) -> None:
    Path(shop.path("data/raw/needs.csv")).write_text("SKU,CAT\n1,Tea\n")
    done = checked(shop, duckdb_file.url, sql="SELECT * FROM nowhere")
    assert done.returncode == 30
    assert "error: internal_sales: [sources.internal_sales]: duckdb does not answer as it should: " in done.stdout
    assert "no column 'NEED'" in done.stdout
    done = checked(shop, duckdb_file.url, sql="SELECT STORE, SKU, CAT FROM sales")
    assert "sql of [sources.internal_sales]: no column 'SALES'; found: STORE, SKU, CAT" in done.stdout
