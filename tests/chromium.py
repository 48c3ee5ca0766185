"""A real browser for pages; what it keeps for itself stays out of the user's home."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def new_page() -> Iterator[Page]:
    """An empty page of 1400 x 1000 pixels; the test is skipped where there is no browser."""
    if PROGRAM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        sync_playwright() as driver,
        driver.chromium.launch(
            executable_path=PROGRAM, args=["--no-sandbox"], env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home}
        ) as browser,
    ):
        yield browser.new_page(viewport={"width": 1400, "height": 1000})
