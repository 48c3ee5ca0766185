"""The scheduler's page during and after a run, in a real browser. `pytest --screenshots FOLDER` keeps what it looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import chromium
import pytest
from projects import Project
from servers import central_scheduler

from pipeline.storage import locks

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Debian's chromium."""
    with chromium.new_page() as page:
        yield page


def show(page: Page, address: str) -> None:
    """Open the scheduler's page, with every task on it."""
    page.goto(address)
    page.select_option("select[name=taskTable_length]", "100")
    page.wait_for_timeout(1000)


def row(page: Page, name: str) -> list[str]:
    """The cells of a task: state, name, details."""
    cells = page.locator("#taskTable tbody tr", has_text=name).first.locator("td")
    return [cells.nth(number).inner_text().strip() for number in range(3)]


def message(page: Page, name: str) -> str:
    """The status message of a task, as a click on its button shows it."""
    from playwright.sync_api import expect

    page.locator("#taskTable tbody tr", has_text=name).first.locator("button.statusMessage").click()
    shown = page.locator("#statusMessageModal pre")
    expect(shown).not_to_be_empty()
    page.wait_for_timeout(400)  # it fades in
    text = shown.inner_text()
    page.keyboard.press("Escape")
    page.locator("#statusMessageModal").wait_for(state="hidden")
    return text


def test_the_page_shows_tasks_by_name_with_their_reason_while_a_run_waits_and_when_it_is_done(
    project: Project, page: Page, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    shots = request.config.getoption("--screenshots")

    def keep(name: str) -> None:
        if shots:
            page.screenshot(path=str(Path(shots) / name))

    with central_scheduler(tmp_path_factory.mktemp("luigid")) as port:
        address = f"http://127.0.0.1:{port}/static/visualiser/index.html"
        program = [str(Path(sys.executable).parent / "luigi"), "--module", "pipeline.tasks", "FullPipeline"]
        words = ["--env", "dev", "--workers", "2", "--scheduler-port", str(port), "--tag", "reason=rehearsal"]
        lock = project.path("outputs/dev/.locks/merging.json")
        with locks.held(lock):
            run = subprocess.Popen(
                [*program, *words],
                env={**os.environ, "STORE_CLUSTERING_HOME": str(project.home)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(
                60
            ):  # it runs twice: the first time it only asks for its tasks per category, and has no message yet
                show(page, address)
                if row_there(page, "Merging") and has_message(page, "Merging"):
                    break
            assert row(page, "Merging")[0] == "RUNNING"
            assert message(page, "Merging") == f"waits for process {os.getpid()}, which builds this"
            assert row(page, "Warehouse")[0] == "PENDING"
            keep("luigid-during-a-run.png")
        assert run.wait(timeout=120) == 0
        show(page, address)
        state, name, details = row(page, "category=Tea & Cocoa")
        assert (state, name) == ("DONE", "ClusterCategory")
        assert "env=dev" in details
        assert message(page, "category=Tea & Cocoa").startswith("missing: outputs/dev/cluster_category/tea-cocoa-")
        assert row(page, "Warehouse")[0] == "DONE"
        keep("luigid-after-a-run.png")


def row_there(page: Page, name: str) -> bool:
    """Whether the table has a row of this task."""
    return page.locator("#taskTable tbody tr", has_text=name).count() > 0


def has_message(page: Page, name: str) -> bool:
    """Whether the row of this task has a button for a status message."""
    return page.locator("#taskTable tbody tr", has_text=name).first.locator("button.statusMessage").count() > 0
