"""The password of a database and the key of a bucket are in nothing that a run writes, says or shows, whether it succeeds or fails."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from databases import PASSWORD, Database, arrow_of
from hostile.test_secrets import COMMANDS, texts
from projects import Project, raw_frames
from servers import central_scheduler
from workbenches import served

PAGES = ("/", "/api/session", *(f"/api/dev/{name}" for name in ("pipeline", "runs", "audit", "tables")))


def scheduler_says(port: int) -> str:
    """What luigid shows of its tasks, parameters included."""
    said = ""
    for status in ("DONE", "FAILED", "PENDING"):
        data = f'{{"status": "{status}", "upstream_status": ""}}'
        url = f"http://127.0.0.1:{port}/api/task_list?data={urllib.request.quote(data)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            said += answer.read().decode()
    return said


@pytest.mark.nightly
def test_a_password_and_a_key_are_in_no_file_no_output_no_page_and_not_at_luigid(
    built: Project,
    postgresql: Database,
    bucket: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    postgresql.write("sales", arrow_of(raw_frames()[0]))
    secrets = (PASSWORD, PASSWORD[::-1], os.environ["AWS_SECRET_ACCESS_KEY"])
    columns = built.settings["sources"]["internal_sales"]["columns"]
    source = {"columns": columns, "connection": "${SHOP}", "version_query": "SELECT COUNT(*) FROM sales"}
    rest: dict[str, Any] = {"logging": {"format": "json", "level": "DEBUG"}, "upload": {"url": "s3://shop/out"}}
    built.settings["sources"]["internal_sales"] = {"table": "sales", **source}
    built.configure(**rest)
    wrong = postgresql.url.replace(PASSWORD, PASSWORD[::-1])
    said: dict[str, str] = {}
    state = tmp_path_factory.mktemp("luigid")
    with central_scheduler(state) as port:
        for name, table, url, bucket_of_results, code in (
            ("succeeds", "sales", postgresql.url, "shop", 0),
            ("no such table", "nowhere", postgresql.url, "shop", 30),
            ("wrong password", "sales", wrong, "shop", 30),
            ("no such bucket", "sales", postgresql.url, "nowhere", 30),
        ):
            built.settings["sources"]["internal_sales"]["table"] = table
            built.configure(**(rest | {"upload": {"url": f"s3://{bucket_of_results}/out"}}))
            words = ("luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev")
            done = built.command(*words, "--scheduler-port", str(port), SHOP=url)
            said[name] = done.stdout + done.stderr
            assert done.returncode == code, said[name]
            said[f"{name}: luigid"] = scheduler_says(port)
            for command in COMMANDS:
                done = built.command("store-clustering", *command, SHOP=url)
                said[f"{name}: {command}"] = done.stdout + done.stderr
            with served(built.home, SHOP=url) as bench:
                for page in PAGES:
                    said[f"{name}: {page}"] = bench.get(page).body.decode()
    assert "SourceExtract" in said["succeeds: luigid"]
    assert "does not answer as it should" in said["wrong password"]
    assert [name for name, text in said.items() if any(secret in text for secret in secrets)] == []
    files = [*texts(built.home), *texts(state)]
    assert {".json", ".jsonl", ".log", ".html", ".xlsx", ".duckdb", ".parquet", ".pickle"} <= {
        Path(path).suffix for path, _ in files
    }
    assert [path for path, text in files if any(secret in text for secret in secrets)] == []
