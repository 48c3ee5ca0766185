"""When a database is asked, what makes its copy stale, what a lost connection leaves, and that no secret is written or said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from databases import PASSWORD, Database, arrow_of
from hostile.test_secrets import texts
from projects import Project, raw_frames
from servers import free_port

from pipeline import tasks
from pipeline.engine.remote import drivers, refusals
from pipeline.errors import RemoteError
from pipeline.stage import far

EXTRACT = "SourceExtract(internal_sales)"


@pytest.fixture
def shop(project: Project, duckdb_file: Database, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose sales are in a database."""
    duckdb_file.write("sales", arrow_of(raw_frames()[0]))
    monkeypatch.setenv("SHOP", duckdb_file.url)
    set_source(project)
    return project


def set_source(project: Project, **source: object) -> None:
    columns = project.settings["sources"]["internal_sales"]["columns"]
    project.settings["sources"]["internal_sales"] = {
        "columns": columns, "table": "sales", "connection": "${SHOP}", **source
    }  # fmt: skip
    project.configure()


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the database is asked from now on."""
    asked: list[str] = []
    batches = drivers._DuckDB.batches

    def counted(session: drivers._DuckDB, query: str) -> object:
        asked.append(query)
        return batches(session, query)

    monkeypatch.setattr(drivers._DuckDB, "batches", counted)
    return asked


def test_equal_sums_cut_everything_off(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXTRACT in shop.build(tasks.InternalPreprocessing).built
    again = shop.build(tasks.InternalPreprocessing)
    assert again.built == {EXTRACT}, "without a version query every run asks"
    assert again.cut_off == {"InternalPreprocessing"}


def test_a_version_that_is_the_same_is_all_that_is_asked(
    shop: Project, duckdb_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_source(shop, version_query="SELECT COUNT(*), SUM(SALES) FROM sales")
    shop.build(tasks.InternalPreprocessing)
    asked = counting(monkeypatch)
    again = shop.build(tasks.InternalPreprocessing)
    assert (again.built, again.cut_off) == (set(), set())
    assert asked == ["SELECT COUNT(*), SUM(SALES) FROM sales"]
    frame = raw_frames()[0]
    frame.loc[0, "SALES"] += 1
    duckdb_file.write("sales", arrow_of(frame))
    changed = shop.build(tasks.InternalPreprocessing)
    assert changed.built == {EXTRACT, "InternalPreprocessing"}
    assert changed.reasons[EXTRACT].startswith("input changed: table sales")


@pytest.mark.parametrize("refresh", ["nightly", "manual"])
def test_a_database_is_not_asked_before_its_turn(
    shop: Project, duckdb_file: Database, monkeypatch: pytest.MonkeyPatch, refresh: str
) -> None:
    set_source(shop, refresh=refresh)
    shop.build(tasks.InternalPreprocessing)
    asked = counting(monkeypatch)
    assert shop.build(tasks.InternalPreprocessing).built == set()
    assert asked == []
    with monkeypatch.context() as patch:
        patch.setitem(far.TURNS, "nightly", lambda: "another day")  # type: ignore[arg-type]
        assert (EXTRACT in shop.build(tasks.InternalPreprocessing).built) == (refresh == "nightly")
    shop.path("outputs/dev/source_extract/internal_sales.parquet").unlink()
    assert EXTRACT in shop.build(tasks.InternalPreprocessing).built


def test_a_lost_connection_is_one_line_and_yesterdays_result_stays(
    shop: Project, duckdb_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_source(shop, version_query="SELECT COUNT(*) FROM sales")
    shop.build(tasks.InternalPreprocessing)
    before = shop.published()
    Path(duckdb_file.url.removeprefix("duckdb://")).unlink()
    done = shop.command("store-clustering", "run", "InternalPreprocessing")
    assert done.returncode == 30, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "does not answer as it should" in line]
    assert "[sources.internal_sales]: duckdb" in line
    assert shop.published() == before


def test_the_password_of_a_database_is_in_no_file_and_in_no_output(
    project: Project, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.write("sales", arrow_of(raw_frames()[0]))
    said = []
    set_source(project, version_query="SELECT COUNT(*) FROM sales")
    broken = postgresql.url.replace(PASSWORD, f"{PASSWORD}x")
    elsewhere = f"postgresql://robot:{PASSWORD}@127.0.0.1:{free_port()}/postgres"
    for url, code in (
        (postgresql.url, 0),
        (broken, 30),
        (elsewhere, 30),
        (postgresql.url.replace(PASSWORD, f"a@{PASSWORD}"), 30),
    ):
        for words in (["run", "InternalPreprocessing"], ["status"], ["why", "InternalPreprocessing"], ["check"]):
            done = project.command("store-clustering", *words, SHOP=url)
            said.append(done.stdout + done.stderr)
            if words[0] == "run":
                assert done.returncode == code, said[-1]
    assert not [text for text in said if PASSWORD in text]
    assert not [path for path, text in texts(project.home) if PASSWORD in text]


def test_another_password_makes_nothing_stale_and_another_database_does() -> None:
    place = far.place_of("postgresql://robot:old@db.example/shop")
    assert far.place_of("postgresql://robot:new@db.example/shop?sslmode=require") == place
    assert far.place_of("postgresql://robot:old@db.example/other") != place


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://bob:s3cret@host/db", 'FATAL: password "s3cret" of bob:s3cret'),
        ("postgresql://bob:s3%40cret@host/db", "password s3@cret and s3%40cret"),
        ("postgresql://bob:s3@cret@host/db", 'could not translate host name "cret@host"'),
        ("postgresql://bob:s3/cret@host/db", 'invalid integer value "cret" for port'),
        ("postgresql://bob:s3?cret@host/db", 'unexpected "cret@host/db" in URI'),
        ("sc://host:15002/;token=s3cret;use_ssl=true", "token s3cret is refused"),
        ("databricks://token:s3cret@host?http_path=/sql/1", "Invalid access token s3cret"),
    ],
)
def test_what_a_driver_says_holds_no_secret(url: str, text: str) -> None:
    assert "cret" not in refusals.without_secrets(text, url)


def test_without_such_a_source_no_driver_is_imported(built: Project) -> None:
    done = built.command("python", "-c", "import sys\nfrom pipeline import tasks\nimport luigi\n"
        "assert luigi.build([tasks.FullPipeline(env='dev')], local_scheduler=True, log_level='ERROR')\n"
        "assert not [name for name in sys.modules if name.startswith(('adbc', 'obstore', 'pyspark', 'pipeline.engine', 'duckdb', 'pyarrow'))]")  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_nothing_to_do_costs_a_version_query_and_imports_its_driver_alone(
    project: Project, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.write("sales", arrow_of(raw_frames()[0]))
    monkeypatch.setenv("SHOP", postgresql.url)
    set_source(project, version_query="SELECT COUNT(*) FROM sales")
    project.build(tasks.InternalPreprocessing)
    program = """
import sys, luigi
from pipeline import tasks
assert luigi.build([tasks.InternalPreprocessing(env="dev")], local_scheduler=True, log_level="ERROR")
heavy = ("pandas", "duckdb", "sklearn", "scipy", "obstore", "pyspark", "adbc_driver_snowflake", "pipeline.core", "pipeline.engine.reading")
print([name for name in sys.modules if name.startswith(heavy)], "adbc_driver_postgresql" in sys.modules)
"""
    done = project.command("python", "-c", program)
    assert (done.returncode, done.stdout) == (0, "[] True\n"), done.stderr


def test_a_missing_driver_is_named_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_snowflake", None)
    with (
        pytest.raises(RemoteError, match="uv sync --extra snowflake"),
        drivers.opened("snowflake://a:b@c/d", "sources.internal_sales"),
    ):
        pass
