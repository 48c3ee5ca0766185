"""The views of the workbench in a real browser, of what was built: tables, queries, the report, keyboard, phone, many categories."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
import workbenches
from conftest import Shared
from projects import Project, build_in
from workbench_pages import PATIENCE, Open, keep

from pipeline.records import runs


@pytest.fixture(scope="module")
def still(shared: Shared) -> Iterator[Open]:
    """A read-only workbench of what was built, which no test changes."""
    home = shared("built", build_in)
    said: list[str] = []
    with workbenches.served(home, "--read-only") as bench, chromium.new_page() as page:
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(bench.address)
        yield Open(page, bench, Project(home, {}), said)
        assert said == []


def test_a_table_is_shown_with_meaning_lineage_runs_and_rows_to_sort_and_search(
    still: Open, request: pytest.FixtureRequest
) -> None:
    page = still.page
    still.go("tables/store_clusters")
    still.wait_for("1 to 100 of 108 rows")
    still.page.get_by_role("link", name="candidate_store_clusters").first.wait_for(timeout=PATIENCE)
    text = page.locator("#main").inner_text()
    assert "one row per store and category" in text
    assert "Made by Merging from" in text
    still.wait_for("Over the runs")
    page.get_by_text("columns and their meaning").click()
    columns = page.locator("details[open] tbody tr")
    assert columns.first.inner_text().startswith("store_id")
    assert "trimmed" in columns.first.inner_text()
    page.get_by_role("button", name="store_id").click()
    page.get_by_role("button", name="store_id").click()
    page.locator("th[aria-sort=descending]").wait_for(timeout=PATIENCE)
    assert page.locator("[aria-label='Rows of store_clusters'] tbody td").first.inner_text() == "9"
    page.fill("#search-rows", "tea")
    page.press("#search-rows", "Enter")
    still.wait_for("1 to 36 of 36 rows")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[1].partition(",")[0]) == (37, "9")
    page.get_by_text("columns and their meaning").click()
    page.evaluate("() => scrollTo(0, 0)")
    keep(request, page, "workbench-table.png")


def test_the_workbook_is_a_click_away_from_the_tables(still: Open) -> None:
    still.go("tables")
    with still.page.expect_download() as download:
        still.page.get_by_role("link", name="store_clusters.xlsx").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_a_query_is_answered_and_a_wrong_one_is_explained(still: Open) -> None:
    page = still.page
    still.go("sql")
    page.select_option("#example", "0")
    page.press("#sql", "Control+Enter")
    still.wait_for("36 rows:")
    page.fill("#sql", "DROP TABLE store_clusters")
    page.get_by_role("button", name="Run").click()
    still.wait_for("only one statement that reads", ".problems")


def test_the_report_is_served_as_it_is_and_a_category_leads_to_its_page_in_it(still: Open) -> None:
    page = still.page
    still.go("pipeline/ClusterCategory")
    page.fill("#filter-group", "tea")
    assert page.locator("#main tbody tr").count() == 1
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Report of Tea & Cocoa").click()
    report = popup.value
    report.locator("#category h2").wait_for(timeout=PATIENCE)
    assert report.locator("#category h2").inner_text() == "Tea & Cocoa"
    outcome = report.evaluate(
        "base => fetch(base + '/api/session').then(() => 'answered', () => 'refused')", still.bench.base
    )
    assert outcome == "refused", "a report that somebody edited can ask the server for nothing"
    report.close()


def test_nothing_can_be_launched_on_a_read_only_page(still: Open) -> None:
    still.go("pipeline")
    still.now("tasks of dev are fresh")
    assert still.page.get_by_role("button", name="What would be built?").count() == 0


VIEWS = [
    "pipeline",
    "pipeline/Merging",
    "pipeline/ClusterCategory",
    "runs",
    "tables",
    "tables/store_clusters",
    "sql",
    "changes",
]


def test_every_view_is_accessible_and_fits_a_phone(still: Open) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = still.page
    for view in VIEWS:
        still.go(view)
        page.wait_for_timeout(600)
        page.set_viewport_size({"width": 1400, "height": 1000})
        found = Axe().run(page)
        assert found.violations_count == 0, f"{view}: {found.generate_report()}"
        page.set_viewport_size({"width": 380, "height": 800})
        page.wait_for_timeout(150)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 380, view
    page.set_viewport_size({"width": 1400, "height": 1000})


def test_the_pipeline_is_read_and_a_task_opened_with_the_keyboard_alone(still: Open) -> None:
    page = still.page
    still.go("pipeline")
    still.now("tasks of dev are fresh")
    page.locator("body").press("Tab")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "Merging" in page.evaluate("() => document.activeElement.textContent.slice(0, 40)"):
            break
    page.keyboard.press("Enter")
    still.wait_for("It is fresh.", ".details")
    assert page.evaluate("() => document.activeElement.classList.contains('task')"), "the focus stays where it was"


def test_five_hundred_categories_stay_usable(still: Open) -> None:
    page = still.page
    snapshot = still.bench.get("/api/dev/pipeline").json()
    example = next(node for node in snapshot["nodes"] if node["category"])
    others = [node for node in snapshot["nodes"] if not node["category"]]
    many = [{**example, "category": f"Category {at}", "task": f"ClusterCategory(Category {at})"} for at in range(500)]
    snapshot["nodes"] = [*others, *many]
    page.route("**/api/dev/pipeline", lambda route: route.fulfill(json=snapshot))
    try:
        began = time.monotonic()
        page.goto(f"{still.bench.base}/#dev/runs")
        page.reload()
        still.go("pipeline/ClusterCategory")
        still.page.locator(".task", has_text="\u00d7 500").wait_for(timeout=PATIENCE)
        page.fill("#filter-group", "Category 49")
        assert page.locator(".details tbody tr").count() == 11
        assert time.monotonic() - began < 20
        assert page.locator(".columns button").count() < 30, "the categories are one group"
        redrawn = page.evaluate(
            "() => { const began = performance.now(); const box = document.getElementById('filter-group'); box.value = '';"
            " box.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - began }"
        )
        assert page.locator(".details tbody tr").count() == 500
        assert redrawn < 2000
        page.fill("#filter-group", "fresh")
        assert page.locator(".details tbody tr").count() == 500
        page.fill("#filter-group", "failed")
        assert page.locator(".details tbody tr").count() == 0
    finally:
        page.unroute("**/api/dev/pipeline")
        page.reload()


@pytest.mark.nightly
def test_a_run_of_thousands_of_tasks_is_followed_by_a_page_that_stays_small(still: Open, built: Project) -> None:
    record = built.path("outputs/dev/.runs/20990101T000000-aaaaaaaa.jsonl")
    started = {"event": "started", "run_id": record.stem, "env": "dev", "tags": {}, "at": "2026-01-01T00:00:00", "user": "cron", "host": socket.gethostname(), "pid": os.getpid(), "process_started": runs.process_started(os.getpid())}  # fmt: skip
    outcome = {"event": "built", "at": "2026-01-01T00:00:05", "seconds": 0.5, "reason": "input changed"}
    with workbenches.served(built.home, "--read-only") as bench, still.page.context.browser.new_context() as context:
        page = context.new_page()
        page.goto(bench.address)
        opened = Open(page, bench, built, [])
        opened.now("tasks of dev are fresh")
        opened.go("runs")
        with record.open("w") as file:
            file.write(f"{json.dumps(started)}\n")
            for number in range(3000):
                file.write(f"{json.dumps(outcome | {'task': f'ClusterCategory(Category {number})'})}\n")
                if number % 100 == 0:
                    file.flush()
                    time.sleep(0.1)
        opened.now("3000 built")
        opened.wait_for("Category 2999", "#now-running")
        assert "The newest 50" in page.locator("#now-running").inner_text()
        assert page.evaluate("() => document.querySelectorAll('*').length") < 1500
        opened.go("pipeline")
        opened.now("3000 built")
        record.unlink()
        opened.now("tasks of dev are fresh")
