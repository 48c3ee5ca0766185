"""The workbench in a real browser, while things happen in the project's files: by hand, by cron, by the page."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
import workbenches
from conftest import Shared
from projects import Project, build_in
from workbench_pages import PATIENCE, Open, keep

from pipeline.storage import locks


@pytest.fixture(scope="module")
def opened(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    home = tmp_path_factory.mktemp("opened") / "store-clustering"
    shutil.copytree(shared("built", build_in), home, dirs_exist_ok=True)
    project = Project(home, {})
    said: list[str] = []
    with workbenches.served(home) as bench, chromium.new_page() as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
        )
        page.goto(bench.address)
        yield Open(page, bench, project, said)
        assert [line for line in said if "401" not in line and "ERR_" not in line] == [], "nothing on the console"


@pytest.fixture
def cron(opened: Open) -> Callable[..., subprocess.Popen[str]]:
    """Start a run as cron does: another process, which the workbench knows nothing of."""

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [workbenches.PROGRAM, "run", "--quiet", *words],
            env={"PATH": os.environ["PATH"], "STORE_CLUSTERING_HOME": str(opened.project.home), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
            text=True,
        )

    return start


def test_the_address_loses_its_token_and_all_tasks_are_shown_fresh(
    opened: Open, request: pytest.FixtureRequest
) -> None:
    assert "token" not in opened.page.url
    opened.now("tasks of dev are fresh")
    group = opened.page.locator(".task", has_text="ClusterCategory \u00d7 3")
    assert "fresh" in group.inner_text()
    assert "Merging" in opened.page.locator(".columns").inner_text()
    keep(request, opened.page, "workbench-pipeline.png")


def test_a_setting_that_is_edited_makes_its_targets_stale_on_the_page_without_a_reload(opened: Open) -> None:
    page = opened.page
    opened.go("pipeline/Merging")
    page.evaluate("() => { window.notReloaded = true }")
    opened.set(merging={"min_cluster_size": 4})
    opened.wait_for("merging.min_cluster_size", ".details")
    assert page.locator(".details del").inner_text() == "5"
    assert page.locator(".details ins").inner_text() == "4"
    assert "stale" in page.locator(".task[aria-pressed=true]").inner_text()
    opened.set(merging={"min_cluster_size": -4})
    opened.now("cannot be used")
    assert "min_cluster_size" in page.locator(".problems").inner_text()
    opened.set()
    opened.now("tasks of dev are fresh")
    assert page.evaluate("() => window.notReloaded")


def test_the_page_launches_what_it_shows_and_two_browsers_see_the_run(
    opened: Open, request: pytest.FixtureRequest
) -> None:
    page = opened.page
    opened.set(warehouse={"readable_from": "v1.1.0"})
    opened.now("1 of")
    with page.context.browser.new_context() as second_context, locks.held(opened.project.path("outputs/dev/.locks/warehouse.json")):  # fmt: skip
        second = second_context.new_page()
        second.goto(opened.bench.address)
        page.fill("#tags", "reason=test")
        opened.launch("FullPipeline")
        command = "uv run store-clustering run FullPipeline --env dev --tag=reason=test"
        opened.wait_for(command, "#plan")
        opened.now("A run of dev is going on")
        second.locator("#now").get_by_text("A run of dev is going on").wait_for(timeout=PATIENCE)
        assert second.get_by_role("button", name="Cancel the run").is_visible()
        refused = opened.bench.post("/api/dev/launch", {})
        assert (refused.status, "is going on" in refused.json()["errors"][0]) == (409, True)
        keep(request, page, "workbench-during-a-run.png")
    opened.now("tasks of dev are fresh")
    opened.wait_for("built", "#plan .log")
    opened.go("runs")
    newest = page.locator("#history tbody tr").first
    newest.get_by_text("reason=test").wait_for(timeout=PATIENCE)
    assert "done" in newest.inner_text()
    opened.go("changes")
    opened.wait_for("launch refused", "#main")
    assert command in page.locator("tbody").inner_text()
    assert "127.0.0.1" in page.locator("tbody").inner_text()


def test_a_run_by_cron_is_seen_live_and_cancelled_as_by_ctrl_c(
    opened: Open, cron: Callable[..., subprocess.Popen[str]]
) -> None:
    page = opened.page
    opened.set(warehouse={"readable_from": "v1.0.0"})
    opened.go("runs")
    opened.now("1 of")
    with locks.held(opened.project.path("outputs/dev/.locks/warehouse.json")):
        run = cron()
        opened.now("A run of dev is going on")
        opened.wait_for("building", "#now-running")
        opened.wait_for("Warehouse", "#now-running")
        opened.wait_for("Informed scheduler", ".log")
        opened.go("pipeline")
        page.get_by_role("button", name="Cancel the run").click()
        assert run.wait(timeout=60) in (-2, 130)
    opened.now("1 of")
    assert opened.bench.get("/api/dev/audit").json()[0]["action"] == "cancel"
    run = cron()
    assert run.wait(timeout=200) == 0
    opened.now("tasks of dev are fresh")


def test_a_raw_file_that_fails_a_run_is_said_in_one_line_and_its_repair_is_seen(opened: Open) -> None:
    needs = opened.project.path("data/raw/needs.csv")
    good = needs.read_text()
    try:
        needs.write_text("SKU,CAT\n1,Bread\n")
        opened.go("pipeline/InternalPreprocessing")
        opened.wait_for("input changed", ".details")
        opened.launch("InternalPreprocessing")
        opened.wait_for("NEED", "#plan .problems")
        opened.go("pipeline")
        failed = opened.page.locator(".task.is-failed")
        failed.wait_for(timeout=PATIENCE)
        assert "NEED" in failed.inner_text()
        opened.wait_for("The last run failed: ", "#now")
        assert "NEED" in opened.page.locator("#now").inner_text()
        opened.go("pipeline/InternalPreprocessing")
        opened.wait_for("NEED", ".details .problems")
        opened.go("runs")
        assert "NEED" in opened.page.locator("#history tbody tr").first.inner_text()
    finally:  # the next tests have the same project
        needs.write_text(good)
    opened.now("tasks of dev are fresh")


def test_a_server_that_is_killed_takes_no_run_with_it_and_the_next_one_shows_it(opened: Open) -> None:
    opened.set(warehouse={"readable_from": "v1.1.0"})
    opened.go("pipeline")
    opened.now("1 of")
    with locks.held(opened.project.path("outputs/dev/.locks/warehouse.json")):
        opened.launch("FullPipeline")
        opened.now("A run of dev is going on")
        opened.bench.end(signal.SIGKILL)
        opened.page.locator("#lost").wait_for(timeout=PATIENCE)
        with workbenches.served(opened.project.home) as other:
            opened.page.goto(other.address)
            opened.now("A run of dev is going on")
            holder = other.get("/api/dev/audit").json()[0]
            assert holder["action"] == "launched"
            output = f"/api/dev/output/{holder['output']}"
            assert other.get(output).status == 200
    for _ in range(300):
        if workbenches_done(opened.project.home):
            break
        time.sleep(0.2)
    assert workbenches_done(opened.project.home)
    opened.bench = workbenches.start(opened.project.home)
    try:
        opened.page.goto(opened.bench.address)
        opened.now("tasks of dev are fresh")
        opened.bench.log_in()
        assert opened.bench.get("/api/dev/runs").json()[0]["status"] == "done"
    finally:
        opened.bench.end()


def workbenches_done(home: Path) -> bool:
    """Whether the newest run has ended well."""
    from pipeline.records import runs

    newest = runs.read(max((home / "outputs/dev/.runs").glob("*.jsonl")))
    return newest is not None and newest.status == "done"
