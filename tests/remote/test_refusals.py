"""What an engineer meets with a PostgreSQL: names and types as they are there, and a line with the next step for all that goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import adbc_driver_postgresql.dbapi as driver
import numpy as np
import pandas as pd
import pytest
from databases import PASSWORD, Database, arrow_of
from projects import Project, raw_frames

from pipeline import tasks
from pipeline.engine.remote import drivers, refusals
from pipeline.errors import TASK_FAILED, RawDataError, RemoteError

COLUMNS = {"store_id": "Store ID", "sku_id": "SKU no.", "category": "Category", "sales_value": "Net Price", "week": "Sold At"}  # fmt: skip
TYPES = {"Store ID": "INTEGER", "Net Price": "NUMERIC(10, 2)", "Sold At": "TIMESTAMPTZ"}
GUEST = "guest-of-the-database"
STAYS = "what was published stays, and the next run asks again"


def execute(url: str, *statements: str) -> None:
    with driver.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def frame_of_the_shop() -> pd.DataFrame:
    frame = raw_frames()[0]
    moments = np.datetime64("2024-01-01T23:30:00") + np.arange(len(frame)) % 180 * np.timedelta64(1, "D")
    frame["WEEK"] = pd.to_datetime(moments, utc=True)
    names = {"STORE": "Store ID", "SKU": "SKU no.", "CAT": "Category", "SALES": "Net Price", "WEEK": "Sold At"}
    return frame.rename(columns=names)


@pytest.fixture(scope="module")
def shop(postgresql: Database) -> Database:
    """A database with names that need quotes, a view, an empty table, and a guest who may read nothing."""
    postgresql.write("Shop Sales", arrow_of(frame_of_the_shop()), TYPES)
    execute(
        postgresql.url,
        'CREATE OR REPLACE VIEW "Sales View" AS SELECT * FROM "Shop Sales"',
        'CREATE TABLE IF NOT EXISTS "Empty" AS SELECT * FROM "Shop Sales" WHERE FALSE',
        f"DO $$ BEGIN CREATE ROLE guest LOGIN PASSWORD '{GUEST}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    return postgresql


def set_source(
    project: Project, url: str, patch: pytest.MonkeyPatch, columns: object = COLUMNS, **source: object
) -> None:
    patch.setenv("SHOP", url)
    project.settings["sources"]["internal_sales"] = {"columns": columns, "connection": "${SHOP}", **source}
    project.configure()


def test_names_with_capitals_and_blanks_exact_numbers_and_moments_are_those_of_a_file(
    project: Project, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.path("outputs/dev/internal_preprocessing")
    frame = frame_of_the_shop()
    project.write_sales(frame.assign(**{"Store ID": frame["Store ID"].astype("int32")}))
    project.settings["internal"]["preprocessing"] = {"last_weeks": 20}
    project.settings["sources"]["internal_sales"] = {"path": "data/raw/sales.parquet", "columns": COLUMNS}
    project.configure()
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    files = {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}
    for source in ({"table": '"Shop Sales"'}, {"table": 'public."Sales View"'}, {"sql": 'TABLE "Sales View";'}):
        set_source(project, shop.url, monkeypatch, **source)
        outcome = project.build(tasks.InternalPreprocessing)
        assert outcome.status == "SUCCESS", outcome.failed
        assert {path.name: path.read_bytes() for path in folder.rglob("*.parquet")} == files


SLOW = "?options=-c%20statement_timeout%3D200"
VIEW = {"table": '"Sales View"'}
REFUSALS = {
    "a wrong password": (PASSWORD, "wrong", VIEW, 'authentication failed for user "robot"; correct user, password or token in the variable'),
    "no such user": ("robot", "nobody", VIEW, 'authentication failed for user "nobody"; correct user'),
    "no such database": ("/postgres", "/shop", VIEW, 'database "shop" does not exist; correct table, sql or connection'),
    "no such host": ("127.0.0.1", "db.invalid", VIEW, "could not translate host name"),
    "no quotes": ("", "", {"table": "shop_sales"}, 'relation "shop_sales" does not exist; correct table, sql or connection; names with capitals or blanks stand in quotes'),
    "a name of two words": ("", "", {"table": "Shop Sales"}, 'relation "shop" does not exist; correct table'),
    "no right": (f"robot:{PASSWORD}", f"guest:{GUEST}", VIEW, "permission denied for view Sales View; give the user of connection the right to read it (SELECT)"),
    "too slow": ("/postgres", f"/postgres{SLOW}", {"sql": 'SELECT *, PG_SLEEP(1) FROM "Sales View"'}, "canceling statement due to statement timeout; give the user of connection more time"),
    "no SQL": ("", "", {"sql": "SELEC 1"}, "syntax error at or near"),
    "two statements": ("", "", {"sql": 'SELECT 1; DROP TABLE "Shop Sales"'}, 'syntax error at or near ";"; correct sql'),
    "a division by zero": ("", "", {"sql": 'SELECT * FROM "Sales View" WHERE 1 / (SELECT 0) = 1'}, "division by zero; correct sql"),
    "a version query of an unknown column": ("", "", {**VIEW, "version_query": "SELECT MAX(loaded) FROM \"Sales View\""}, 'column "loaded" does not exist; correct sql, table or version_query'),
    "a version query that writes": ("", "", {**VIEW, "version_query": 'CREATE TABLE evil (x INTEGER)'}, "cannot execute CREATE TABLE in a read-only transaction; a source only reads"),
}  # fmt: skip


def test_whatever_is_refused_is_one_line_with_the_next_step_and_yesterdays_result_stays(
    project: Project, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_source(project, shop.url, monkeypatch, **VIEW)
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    before = project.published()
    for name, (word, other, source, words) in REFUSALS.items():
        set_source(project, shop.url.replace(word, other) if word else shop.url, monkeypatch, **source)
        failed = project.build(tasks.InternalPreprocessing).failed
        [error] = failed.values()
        assert error.startswith("[sources.internal_sales]: postgresql does not answer as it should: "), name
        assert words in error, f"{name}: {error}"
        assert STAYS in error, name
        assert not {PASSWORD, GUEST, "wrong"} & set(error.replace(";", " ").split()), name
    assert project.published() == before
    set_source(project, shop.url, monkeypatch, **VIEW)
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    assert project.published() == before
    assert RemoteError.exit_code == RawDataError.exit_code == TASK_FAILED


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"sales_value": "net price"}, "no column 'net price' (did you mean 'Net Price'?); found: Store ID, SKU no., Category, Net Price, Sold At"),
        ({"sales_value": "Category"}, "column 'Category' is of type VARCHAR, where sales_value must be a number"),
        ({"sales_value": "Sold At"}, "column 'Sold At' is of type TIMESTAMP WITH TIME ZONE, where sales_value must be a number"),
        ({"sales_value": "Store ID"}, "column 'Store ID' is sales_value and a key"),
        ({"store_id": "Sold At"}, "column 'Sold At' is of type TIMESTAMP WITH TIME ZONE"),
    ],
)  # fmt: skip
def test_a_column_that_is_mapped_wrongly_is_named(
    project: Project, shop: Database, monkeypatch: pytest.MonkeyPatch, columns: dict[str, str], words: str
) -> None:
    set_source(project, shop.url, monkeypatch, COLUMNS | columns, **VIEW)
    [error] = project.build(tasks.InternalPreprocessing).failed.values()
    assert error.startswith('table "Sales View": ')
    assert words in error
    assert "Sold At * " not in error, "a moment is no number of units"


def test_a_query_without_rows_is_refused_and_yesterdays_result_stays(
    project: Project, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_source(project, shop.url, monkeypatch, **VIEW)
    project.build(tasks.InternalPreprocessing)
    folder = project.path("outputs/dev/internal_preprocessing")
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    set_source(project, shop.url, monkeypatch, sql='SELECT * FROM "Empty"')
    done = project.command("store-clustering", "run", "InternalPreprocessing")
    assert done.returncode == TASK_FAILED
    assert "error: InternalPreprocessing: sql of [sources.internal_sales]: no rows; see what is in it" in done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before


def kill_backend(url: str, marker: str) -> None:
    """Kill the server's process that runs a statement, as soon as there is one."""
    with driver.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        while True:
            cursor.execute(
                f"SELECT pid FROM pg_stat_activity WHERE query LIKE '%{marker}%' AND pid <> PG_BACKEND_PID()"
            )
            if pid := cursor.fetchone():
                break
            time.sleep(0.02)
    time.sleep(0.3)
    os.kill(int(pid[0]), signal.SIGKILL)


def wait_for_recovery(url: str) -> None:
    for _ in range(200):
        try:
            driver.connect(url).close()
        except driver.Error:  # noqa: PERF203
            time.sleep(0.05)
        else:
            return


def test_a_server_that_dies_halfway_gives_no_rows_and_the_next_run_succeeds(
    project: Project, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_source(project, shop.url, monkeypatch, **VIEW)
    project.build(tasks.InternalPreprocessing)
    before = project.published()
    slow = 'SELECT * FROM "Sales View", (SELECT COUNT(PG_SLEEP(0.01)) FROM GENERATE_SERIES(1, 1000)) dying_sums(n)'
    set_source(project, shop.url, monkeypatch, sql=slow)
    killer = threading.Thread(target=kill_backend, args=(shop.url, "dying_sums"))
    killer.start()
    [error] = project.build(tasks.InternalPreprocessing).failed.values()
    killer.join()
    assert "see whether it is up and can be reached from here" in error, error
    assert project.published() == before
    wait_for_recovery(shop.url)
    set_source(project, shop.url, monkeypatch, **VIEW)
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    assert project.published() == before


def test_rows_that_stop_halfway_are_no_result(shop: Database) -> None:
    query = "SELECT n AS dying_rows, PG_SLEEP(0.001) IS NULL FROM GENERATE_SERIES(1, 1000000) n"
    killer = threading.Thread(target=kill_backend, args=(shop.url, "dying_rows"))
    killer.start()
    with pytest.raises(RemoteError, match="see whether it is up"), drivers.opened(shop.url, "sources.x") as session:
        for _ in session.batches(query):
            pass
    killer.join()
    wait_for_recovery(shop.url)


def test_a_server_that_accepts_and_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://robot:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/shop?connect_timeout=2"
        began = time.monotonic()
        with pytest.raises(RemoteError, match=r"time-?out"), drivers.opened(url, "sources.x"):
            pass
        assert time.monotonic() - began < 10


def test_how_long_to_wait_for_a_silent_host_is_said_unless_the_url_does() -> None:
    assert drivers.patient("postgresql://a@b/c").endswith(
        "/c?connect_timeout=30&keepalives_idle=60&keepalives_interval=15&keepalives_count=4"
    )
    assert drivers.patient("postgresql://a@b/c?connect_timeout=5&sslmode=require").count("connect_timeout") == 1


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("Incorrect username or password was specified.", "correct user, password or token"),
        ("UNAUTHENTICATED: Invalid access token", "correct user, password or token"),
        ("User does not have permission PERMISSION_DENIED on table x", "give the user of connection the right"),
        ("Statement reached its statement or warehouse timeout of 5 second(s) and was canceled.", "give the user of connection more time"),
        ("UNAVAILABLE: io exception", "see whether it is up and can be reached"),
        ("Object 'SHOP.SALES' does not exist or not authorized.", "give the user of connection the right"),
        ("something else", "see whether it is up, and what connection, table and sql name"),
    ],
)  # fmt: skip
def test_drivers_without_a_state_are_understood_by_their_words(text: str, step: str) -> None:
    assert f"; {step}" in str(refusals.refusal(Exception(text), "snowflake", "snowflake://a:b@c/d", "sources.x"))
