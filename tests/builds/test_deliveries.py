"""What did not arrive, from raw files to the database, the report, the record and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import msgspec
import pandas as pd
from projects import Project

from pipeline import tasks
from pipeline.config import environment
from pipeline.records import runs
from pipeline.settings import SalesSource
from pipeline.stage import deliveries


@contextmanager
def database(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(project.database), read_only=True) as connection:
        yield connection


def findings(project: Project) -> list[str]:
    """The findings in the database."""
    with database(project) as connection:
        words = connection.execute(
            "SELECT DISTINCT words FROM delivery_changes WHERE is_finding ORDER BY words"
        ).fetchall()
    return [text for (text,) in words]


def without(project: Project, category: str) -> None:
    sales = project.sales()
    project.write_sales(sales[sales["CAT"] != category])


def last_events(project: Project) -> list[dict[str, Any]]:
    environment.forget()
    *_, run = runs.every(environment.load("dev"))
    return run.events


GONE = "1 of 3 categories is gone, with 33 % of the sales: Bread"


def test_a_category_that_did_not_arrive_is_told_by_run_log_record_report_and_database(built: Project) -> None:
    assert findings(built) == []
    without(built, "Bread")
    done = built.command("store-clustering", "run")
    assert done.returncode == 0, done.stderr
    assert f"look at: {GONE}" in done.stdout
    assert f"Deliveries: {GONE}" in built.path("logs/clustering_dev.log").read_text()
    assert findings(built) == [GONE]
    assert GONE in built.path("outputs/dev/report.html").read_text()
    (event,) = [event for event in last_events(built) if event["task"] == "Deliveries"]
    assert event["findings"] == [GONE]


def test_with_quiet_it_is_the_only_line(built: Project) -> None:
    without(built, "Bread")
    done = built.command("store-clustering", "run", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"warning: Deliveries: {GONE}\n"


def test_what_is_published_is_what_the_next_load_is_compared_with(built: Project) -> None:
    without(built, "Bread")
    assert built.build().status == "SUCCESS"
    assert built.build().built == set()
    sales = built.sales()
    built.write_sales(pd.concat([sales, sales.head(1).assign(SALES=1.5)]))
    assert "Deliveries" in built.build().built
    assert findings(built) == []


def test_what_comes_back_is_no_finding(built: Project) -> None:
    sales = built.sales()
    built.write_sales(pd.concat([sales, sales]))
    assert built.build().status == "SUCCESS"
    assert findings(built) == ["sales rose to 2.0 times what they were: see whether a delivery is there twice"]
    built.write_sales(sales.assign(SALES=sales["SALES"] + 0.01))
    assert built.build().status == "SUCCESS"
    assert findings(built) == []


def test_the_comparison_is_the_same_when_it_is_built_again_from_what_is_published(built: Project) -> None:
    without(built, "Bread")
    assert built.build().status == "SUCCESS"
    path = built.path("outputs/dev/deliveries/comparison.json")
    before = path.read_bytes()
    path.unlink()
    assert built.build().built == {"Deliveries"}
    assert path.read_bytes() == before
    assert json.loads(before)["deliveries"][0]["findings"] == 1


def test_fail_on_keeps_what_was_published_and_accept_takes_it(built: Project) -> None:
    built.configure(deliveries={"fail_on": ["categories"]})
    assert built.build().built == set()
    names = ("outputs/clustering_dev.duckdb", "outputs/dev/report.html", "outputs/dev/store_clusters.xlsx")
    before = {name: built.path(name).read_bytes() for name in names}
    without(built, "Bread")
    for _ in range(2):  # every night anew, until somebody acts
        done = built.command("store-clustering", "run", "--quiet")
        assert done.returncode == 30
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"error: Deliveries: {GONE}; fail_on of [deliveries] asks to fail")
        assert "store-clustering run --env dev --accept" in line
        assert {name: built.path(name).read_bytes() for name in names} == before
    done = built.command("store-clustering", "run", "--accept")
    assert done.returncode == 0, done.stderr
    assert findings(built) == [GONE]
    assert built.command("store-clustering", "run", "--quiet").returncode == 0


def test_fail_on_named_after_the_load_was_published_fails_nothing(built: Project) -> None:
    without(built, "Bread")
    assert built.build().status == "SUCCESS"
    built.configure(deliveries={"fail_on": ["categories"]})
    assert built.build().built == set()
    built.path("outputs/dev/deliveries/comparison.json").unlink()
    assert built.build().status == "SUCCESS"


def test_another_kind_of_finding_does_not_fail(built: Project) -> None:
    built.configure(deliveries={"fail_on": ["outside_data"]})
    without(built, "Bread")
    assert built.build().status == "SUCCESS"
    assert findings(built) == [GONE]


def test_plain_luigi_fails_and_accepts_too(built: Project) -> None:
    built.configure(deliveries={"fail_on": ["categories"]})
    without(built, "Bread")
    assert built.luigi("FullPipeline").returncode == 30
    done = built.luigi("FullPipeline", "--Deliveries-accept")
    assert done.returncode == 0, done.stderr
    assert findings(built) == [GONE]


def test_a_failed_load_is_not_what_the_next_one_is_compared_with(built: Project) -> None:
    sales = built.sales()
    built.configure(deliveries={"fail_on": ["categories"]})
    without(built, "Bread")
    assert built.build().status == "FAILED"
    built.write_sales(sales.assign(SALES=sales["SALES"] + 0.01))
    assert built.build().status == "SUCCESS"
    assert findings(built) == []


def test_a_choice_of_categories_is_no_finding_and_a_missing_one_is_in_the_same_run(built: Project) -> None:
    built.configure(internal={"preprocessing": {"exclude": ["Coffee"]}})
    assert built.build().status == "SUCCESS"
    assert findings(built) == []
    built.configure(internal={"preprocessing": {"exclude": ["Tea & Cocoa"]}})
    without(built, "Bread")
    assert built.build().status == "SUCCESS"
    assert findings(built) == [GONE]


def test_a_source_that_is_read_in_another_way_is_not_compared_and_that_is_said(built: Project) -> None:
    built.settings["sources"]["internal_sales"]["exclude_rows"] = {"CAT": ["Bread"]}  # type: ignore[index]
    built.configure()
    done = built.command("store-clustering", "run")
    assert done.returncode == 0, done.stderr
    assert findings(built) == []
    assert "internal_sales: its settings changed since the last load, so it is not compared with it" in done.stdout


def test_without_a_database_or_with_one_of_an_earlier_version_nothing_is_compared(built: Project) -> None:
    built.database.unlink()
    without(built, "Bread")
    assert built.build(tasks.FullPipeline).status == "SUCCESS"
    assert findings(built) == []


def test_a_password_of_a_source_is_in_no_hash_and_no_trace(project: Project) -> None:
    def how_it_is_read(password: str, host: str = "box") -> str:
        columns = {"store_id": "S", "sku_id": "K", "category": "C", "sales_value": "V"}
        connection = f"postgresql://user:{password}@{host}/sales"
        return deliveries._hash(
            msgspec.convert({"table": "sales", "connection": connection, "columns": columns}, SalesSource)
        )

    assert how_it_is_read("a") == how_it_is_read("b")
    assert how_it_is_read("a") != how_it_is_read("a", "other")
    keys = tasks.Deliveries(env="dev").settings()
    assert not [key for key in keys if key.endswith(("connection", "fail_on", "version_query"))]
