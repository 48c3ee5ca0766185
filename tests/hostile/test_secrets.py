"""The secrets of a config are in nothing that is written or said: neither the URLs of alerts, nor any part of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from projects import Project
from servers import free_port

PASSWORD, TOKEN, FOLDER = "s3cr3t-pass", "t0ken-xyz", "f0lder-abc"
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("status", "--verify"),
    ("why", "Merging"),
    ("check",),
    ("history",),
    ("run", "--dry-run"),
)


def texts(home: Path) -> Iterator[tuple[Path, str]]:
    """Everything in every file below: as it stands, and what is packed in it."""
    for path in sorted(home.rglob("*")):
        if not path.is_file():
            continue
        yield path, path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet" and path.stat().st_size > 12 and path.read_bytes()[:4] == b"PAR1":
            yield path, str(pq.read_table(path).to_pydict())
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as packed:
                yield path, "".join(packed.read(name).decode("latin-1") for name in packed.namelist())
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as database:
                for (table,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall():
                    yield path, str(database.execute(f'SELECT * FROM "{table}"').fetchall())


@pytest.mark.nightly
def test_the_secrets_of_the_config_are_in_no_file_and_in_no_output(built: Project, tried) -> None:
    url = f"json://robot:{PASSWORD}@127.0.0.1:{free_port()}/{TOKEN}?rto=1&cto=1"
    variables = {"ALERT_URL": url, "SALES_FOLDER": "data/raw"}
    sources = {"sources": {"internal_sales": {"path": "${SALES_FOLDER}/sales.parquet"}}}
    alerts = {"urls": ["${ALERT_URL}"], "level": "always"}
    counts = tried("secrets of the config")
    said: list[str] = []

    def command(*words: str, code: int) -> None:
        done = built.command("store-clustering", *words, **variables)
        assert done.returncode == code, done.stderr
        said.append(done.stdout + done.stderr)

    built.configure(
        alerts=alerts, logging={"format": "json", "level": "DEBUG"}, merging={"internal_weight": 0.7}, **sources
    )
    command("run", "--tag", "why=secrets", code=0)
    assert "alert" in said[0], "that the alert could not be sent is said"
    for words in COMMANDS:
        command(*words, code=0)
    sales = built.path("data/raw/sales.parquet").read_bytes()
    built.path("data/raw/sales.parquet").write_bytes(b"x")
    built.configure(alerts=alerts, logging={"level": "DEBUG"}, **sources)
    command("run", code=30)
    command("status", code=0)
    built.path("data/raw/sales.parquet").write_bytes(sales)
    built.configure(alerts=alerts, merging={"method": "${ALERT_URL}"}, **sources)
    command("run", code=2)
    for text in said:
        assert PASSWORD not in text
        assert TOKEN not in text
        counts["outputs of commands without them"] += 1
    for path, text in texts(built.home):
        assert PASSWORD not in text, path
        assert TOKEN not in text, path
        counts["files and tables without them"] += 1


def test_the_settings_that_are_kept_of_a_run_hold_variables_as_they_are_written(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = built.path(f"data/{FOLDER}")
    built.path("data/raw").rename(folder)
    built.path("data/raw").mkdir()
    monkeypatch.setenv("FOLDER", FOLDER)
    built.settings["sources"]["internal_sales"]["path"] = "data/${FOLDER}/sales.parquet"
    built.settings["sources"]["need_states"]["path"] = "data/${FOLDER}/needs.csv"
    built.settings["sources"]["external"][0]["path"] = "data/${FOLDER}/external.parquet"
    built.configure(merging={"internal_weight": 0.7})
    assert built.build().status == "SUCCESS"
    kept = max(built.path("outputs/dev/.runs").glob("*.toml"), key=lambda path: path.stat().st_mtime_ns).read_text()
    assert "data/${FOLDER}/needs.csv" in kept
    assert FOLDER not in kept
