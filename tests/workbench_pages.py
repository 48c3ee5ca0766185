"""A page of a served workbench in a real browser, and what a person does on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from projects import Project
from workbenches import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 45_000  # ms; the machine may be busy


@dataclass
class Open:
    """A page of a served workbench, and the project that it shows."""

    page: Page
    bench: Served
    project: Project
    said: list[str]

    def go(self, view: str) -> None:
        """Show a view."""
        self.page.evaluate("view => { location.hash = view }", f"#dev/{view}")

    def task(self, name: str) -> object:
        """A task of the DAG."""
        return self.page.locator(".task", has=self.page.get_by_text(name, exact=True)).first

    def wait_for(self, text: str, within: str = "body") -> None:
        """Wait until the page says something."""
        self.page.locator(within).get_by_text(text).first.wait_for(timeout=PATIENCE)

    def now(self, text: str) -> None:
        """Wait until the line under the header says something."""
        self.wait_for(text, "#now")

    def set(self, **sections: object) -> None:
        """Edit the settings of dev in their file."""
        self.project.path("configs/dev.toml").write_text(tomli_w.dumps(sections))

    def launch(self, job: str) -> None:
        """Launch a job as a person does: look first, then launch."""
        self.go("pipeline")
        self.page.select_option("#job", job)
        self.page.get_by_role("button", name="What would be built?").click()
        self.page.locator("#launch").click(timeout=PATIENCE)


def keep(request: pytest.FixtureRequest, page: Page, name: str) -> None:
    """Keep what the page looks like, if that is wanted."""
    if shots := request.config.getoption("--screenshots"):
        page.screenshot(path=str(Path(shots) / name))
