"""Take the README's picture of the report: the sample data's Coffee, its clusters in words and what each of them sells.

    uv run luigi --module pipeline.tasks FullPipeline --env dev --local-scheduler
    uv run python docs/picture.py

Needs chromium, and sample data in `data/raw`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "outputs" / "dev" / "report.html"
PICTURE = ROOT / "docs" / "screenshots" / "report-sample.png"
CATEGORY = "Coffee"
WIDTH, MARGIN = 1080, 12


def main() -> None:
    """Write the PNG: from the second row of clusters to the end of the table of share indices."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 800})
        page.goto(REPORT.as_uri())
        page.get_by_role("link", name=CATEGORY, exact=True).first.click()
        page.wait_for_selector("#category table")
        top = page.evaluate(
            "[...document.querySelectorAll('#category .cards > li')][2].getBoundingClientRect().top + scrollY"
        )
        bottom = page.evaluate("document.querySelector('#category table').getBoundingClientRect().bottom + scrollY")
        page.set_viewport_size({"width": WIDTH, "height": int(bottom - top) + 2 * MARGIN})
        page.evaluate("top => window.scrollTo(0, top)", top - MARGIN)
        page.wait_for_timeout(200)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
