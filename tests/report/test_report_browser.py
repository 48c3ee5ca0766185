"""The report in a real browser. `pytest --screenshots FOLDER` keeps what it looks like."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import chromium
import pytest
import report_tables
from report_tables import HOSTILE

from pipeline.report import html

if TYPE_CHECKING:
    from playwright.sync_api import Page

STORES = 24


@dataclass
class Opened:
    """The page, and all that it said and asked for since it was opened."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, anchor: str) -> None:
        """Follow a link within the page."""
        self.page.evaluate("anchor => { location.hash = anchor }", anchor)
        self.page.wait_for_function("anchor => document.querySelector('nav a[aria-current]')?.hash === anchor"
                                    " || /^#(store|search|everything)/.test(anchor)", arg=anchor)  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    html.write(report_tables.source(folder / "tables", stores=STORES, sample=True), {"report": path})
    with chromium.new_page() as page:
        found = Opened(page)
        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("dialog", lambda dialog: (found.said.append(dialog.message), dialog.dismiss()))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(path.as_uri())
        yield found
        assert found.said == [], "nothing on the console, whatever was done"
        assert found.asked == [path.as_uri()], "one file, and not one request beside it"


def test_a_category_is_drawn_with_a_mark_per_store_and_explained_to_keyboard_and_pointer(opened: Opened) -> None:
    page = opened.page
    for number, name in enumerate(sorted(HOSTILE)):
        opened.go(f"#category-{number}")
        assert page.locator("#category h2").inner_text() == name
        assert page.locator("svg.map .axis ~ *").count() == STORES
        assert page.locator("svg.silhouettes path[fill]").count() == 3
        assert page.locator("svg.line .taken").count() == 4
        assert page.locator("table.heatmap").first.locator("td.heat").count() == 12
        assert page.locator("svg.volumes rect").count() == 9, "three clusters, three tiers"
    chart = page.locator(".chart", has=page.locator("svg.map"))
    chart.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text().startswith("store <i>000</i>, @NAME: =town <i>000</i>: cluster 1")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    chart.locator("svg.map .axis ~ *").nth(STORES // 2).dispatch_event("pointerenter")
    assert page.locator("#tip").inner_text().startswith("store =001")
    assert page.locator("#tip").inner_text().endswith("outlier")


def test_a_store_between_clusters_and_what_is_around_them_is_shown_in_figures(opened: Opened) -> None:
    page = opened.page
    opened.go("#category-0")
    around = page.locator("figure", has=page.get_by_role("heading", name="What is around each cluster"))
    cells = around.locator("tbody tr").inner_text().replace("\u2212", "-").split()
    assert cells == ["<s>age</s>", "20", "10", "-1.2", "20", "±0.0", "30", "+1.2", "100"]
    split = page.locator("figure", has=page.get_by_role("heading", name="Stores between clusters"))
    assert split.locator("tbody tr").inner_text().split() == ["<i>000</i>", "60", "40", "0"]
    opened.go("#outside")
    assert page.locator("#drawn-outside svg.map .axis ~ *").count() == STORES
    assert page.locator("#drawn-outside table.heatmap").first.locator("td.heat").count() == 6
    opened.go("#chain")
    assert page.locator("#drawn-chain tbody tr").first.inner_text().split()[-3:] == ["102", "202", "20"]
    assert "cluster 1 has 12, cluster 2 has 11" in page.locator("#drawn-chain").inner_text()
    opened.go("#store-0")
    page.wait_for_selector("#found:not([hidden])")
    assert "Cluster over all categories: 1 of 2" in page.locator("#found").inner_text()
    assert "likely in 1 (50 %), 2 (50 %)" in page.locator("#found").inner_text()
    assert "sales mix: likely in 1 (60 %), 2 (40 %)" in page.locator("#found tbody tr").first.inner_text()


def test_the_search_finds_a_store_by_number_and_by_label_without_a_mouse(opened: Opened) -> None:
    page = opened.page
    opened.go("#overview")
    page.keyboard.press("/")
    page.keyboard.type("=003")
    page.keyboard.press("Enter")
    assert page.locator("#found h2").inner_text() == "Store =003"
    assert page.locator("#found tbody tr").count() == len(HOSTILE)
    assert page.locator("#found tbody tr").first.locator("td").nth(1).inner_text() == "1: =high <1>"
    page.locator("#search").fill("town")
    page.keyboard.press("Enter")
    assert page.locator("#found h2").inner_text() == f"{STORES} stores found"
    page.locator("#found a").first.press("Enter")
    page.wait_for_function("() => document.querySelector('#found h2')?.textContent === 'Store <i>000</i>'")
    page.locator("#search").fill("nobody")
    page.keyboard.press("Enter")
    assert page.locator("#found h2").inner_text() == "No store found"


def test_a_search_keeps_its_list_on_the_way_back_and_on_reload(opened: Opened) -> None:
    page = opened.page
    opened.go("#overview")
    page.locator("#search").fill("town & <i>0%")
    page.keyboard.press("Enter")
    assert page.locator("#found h2").inner_text() == "No store found"
    page.locator("#search").fill("town")
    page.keyboard.press("Enter")
    page.locator("#found a").nth(2).click()
    page.wait_for_function("() => document.querySelector('#found h2')?.textContent.startsWith('Store')")
    page.go_back()
    page.wait_for_function(
        "text => document.querySelector('#found h2')?.textContent === text", arg=f"{STORES} stores found"
    )
    assert page.locator("#search").input_value() == "town"
    opened.asked.clear()
    page.reload()
    assert page.locator("#found h2").inner_text() == f"{STORES} stores found"
    page.go_back()
    page.wait_for_function("() => document.querySelector('#found h2')?.textContent === 'No store found'")
    assert page.locator("#search").input_value() == "town & <i>0%"
    opened.asked[:] = [page.url.split("#")[0]]
    page.locator("#search").fill("")
    opened.go("#overview")


def test_the_mark_of_k_is_the_lowest_criterion_of_those_that_may_be_taken_and_the_rest_are_crosses(
    opened: Opened,
) -> None:
    page = opened.page
    opened.go("#category-0")
    chart = page.locator("figure", has=page.get_by_role("heading", name="Why this number of clusters"))
    first = chart.locator("svg.line").first
    assert first.locator("path.barred").count() == 2
    heights = "marks => marks.map(mark => Number(mark.getAttribute('cy')))"
    taken, tried = (first.locator(f"circle.{kind}").evaluate_all(heights) for kind in ("taken", "tried"))
    assert len(taken) == len(tried) == 1
    assert taken[0] > tried[0], "lower on the page"
    first.locator("path.barred").last.dispatch_event("pointerenter")
    assert page.locator("#tip").inner_text().endswith("; too small a cluster")
    assert "Lower in the criterion, and not taken" not in chart.inner_text()
    opened.go("#outside")


def test_no_colour_of_a_cluster_means_anything_else_on_a_category_page(opened: Opened) -> None:
    page = opened.page
    opened.go("#category-0")
    clusters = page.evaluate(
        "COLOURS.map(text => { const dot = document.createElement('i'); dot.style.color = text; return dot.style.color; })"
    )
    used = page.evaluate(
        """() => [...document.querySelectorAll('#category .heat, #category svg.volumes rect, #category svg.silhouettes path, #category svg.line *')]
            .flatMap(one => { const style = getComputedStyle(one); return [style.backgroundColor, style.fill, style.stroke]; })"""
    )
    assert set(used) & set(clusters) <= {"rgb(0, 0, 0)"}
    tints = set(
        page.locator("#category td.heat").evaluate_all("cells => cells.map(cell => cell.style.backgroundColor)")
    )
    assert len(tints) > 1


def test_categories_are_filtered_and_sorted(opened: Opened) -> None:
    page = opened.page
    opened.go("#overview")
    page.locator("#filter").fill("🍞")
    assert page.locator("#category-list li:visible").count() == 1
    page.locator("#filter").fill("")
    for _ in range(2):
        page.locator("#categories th button", has_text="sales").first.press("Enter")
    shown = page.locator("#categories tbody tr td:nth-child(5)").all_inner_texts()
    figures = [int(text.replace(",", "")) for text in shown]
    assert figures == sorted(figures, reverse=True)
    assert page.locator("#categories th[aria-sort=descending]").count() == 1


def test_an_accessibility_checker_finds_nothing(opened: Opened) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for anchor in ("#overview", "#category-0", "#store-0", "#quality", "#outside", "#chain"):
        opened.go(anchor)
        found = Axe().run(opened.page)
        assert found.violations_count == 0, f"{anchor}: {found.generate_report()}"


def test_everything_can_be_printed(opened: Opened, tmp_path: Path) -> None:
    opened.go("#everything")
    opened.page.wait_for_selector("#category article:nth-child(7)")
    opened.page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    pages = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert pages > len(HOSTILE), "every category begins a page"
    width = 688  # of A4 without its margins, in the pixels of CSS
    paper = opened.page.context.browser.new_page(viewport={"width": width, "height": 1000})
    paper.emulate_media(media="print")
    paper.goto(f"{opened.page.url.split('#')[0]}#everything")
    paper.wait_for_selector("#category article:nth-child(7)")
    widest = "[...document.querySelectorAll('main table, main .chart')].map(one => one.getBoundingClientRect().right)"
    assert paper.evaluate(f"Math.max(...{widest})") <= width + 1, "nothing is cut off at the edge of the paper"
    paper.close()


def test_of_two_categories_that_are_asked_for_at_once_the_last_is_shown(opened: Opened) -> None:
    page = opened.page
    page.evaluate("() => { location.hash = '#store-0'; location.hash = '#everything'; location.hash = '#category-2'; }")
    page.wait_for_function("() => document.querySelector('nav a[aria-current]')?.hash === '#category-2'")
    page.wait_for_timeout(200)
    assert page.locator("#category h2").all_inner_texts() == [sorted(HOSTILE)[2]]
    assert page.locator("#found").is_hidden()
    assert page.locator("#notice").is_hidden()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("delete window.DecompressionStream", "This browser is too old to read the categories"),
        ("document.getElementById('data-0').textContent = 'eJyrVg'", "copy it again"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_unpack_a_category_says_why_and_shows_the_rest(
    opened: Opened, harm: str, words: str
) -> None:
    page = opened.page.context.browser.new_page()
    page.goto(opened.page.url.split("#")[0])
    page.evaluate(f"() => {{ {harm}; location.hash = '#category-0'; }}")
    page.wait_for_selector("#notice:not([hidden])")
    assert words in page.locator("#notice").inner_text()
    page.evaluate("() => { location.hash = '#quality'; }")
    page.wait_for_selector("#quality:not([hidden])")
    assert page.locator("#notice").is_hidden()
    page.close()


def test_what_it_looks_like(opened: Opened, request: pytest.FixtureRequest) -> None:
    shots = request.config.getoption("--screenshots")
    started = time.monotonic()
    opened.go("#category-5")
    assert time.monotonic() - started < 5
    assert opened.page.locator(".sample").is_visible()
    if shots:
        opened.page.screenshot(path=str(Path(shots) / "report-hostile-names.png"), full_page=True)
