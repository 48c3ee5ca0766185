"""Names that are out to do harm go the whole way: raw files, run, report, workbook, CSV, database, logs, file names."""

from __future__ import annotations

import copy
import csv
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import chromium
import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pytest
from conftest import ROOT
from projects import SETTINGS, Project

from pipeline.report import workbook
from pipeline.run.session import session

pytestmark = pytest.mark.nightly

NAMES = (
    "=cmd()",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"; DROP TABLE x',
    "x" * 300,
    "🍞",
    "\u202egnp.exe",
    "قهوة",
    "../../x",
    "CON",
    "a*b",
    "Bread",
    "bread",
    "{{ 7 * 7 }}",
    "%s${HOME}`id`",
    "two\nlines\r\n2030-01-01 00:00:00,000 ERROR forged",
    "\x1b[31mred",
    "--env",
)
PROOF = "names of categories, stores, need states, labels and features that are out to do harm"
ESCAPED = re.compile(r"_x([0-9A-F]{4})_")  # how a workbook writes what XML cannot hold


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose categories, stores, need states, labels and features have these names, built by `luigi`."""
    made = Project(tmp_path_factory.mktemp("outer") / "a" / "home", copy.deepcopy(SETTINGS))
    made.settings["sources"]["external"][0]["labels"] = [NAMES[0], NAMES[1]]
    made.settings["sources"]["need_states"]["path"] = "data/raw/needs.parquet"
    made.settings["internal"]["clustering"]["k"] = 2
    made.configure()
    shutil.copy(ROOT / "luigi.cfg", made.home)
    raw = made.path("data/raw")
    raw.mkdir(parents=True)
    sales, needs, external = frames()
    made.write_sales(sales)
    needs.to_parquet(raw / "needs.parquet", index=False)
    external.to_parquet(raw / "external.parquet", index=False)
    done = made.luigi("FullPipeline", "--workers", "2")
    assert done.returncode == 0, done.stderr
    made.said = done.stdout + done.stderr
    yield made
    session.renew()


def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Every category sells every need state in every store, in two kinds of mixes."""
    random = np.random.default_rng(4)
    stores = list(NAMES) + [f"{name} 2" for name in NAMES]
    needs = pd.DataFrame([(f"{name} sku", category, name) for category in NAMES for name in NAMES[:6]],
                         columns=["SKU", "CAT", "NEED"])  # fmt: skip
    rows = []
    for category in NAMES:
        for at, store in enumerate(stores):
            mix = random.dirichlet(np.array([9, 6, 4, 3, 2, 1] if at % 2 else [1, 2, 3, 4, 6, 9]) * 30.0)
            rows += [(store, f"{name} sku", category, round(1000 * mix[n], 2)) for n, name in enumerate(NAMES[:6])]
    external = pd.DataFrame({"STORE": stores, NAMES[0]: stores, NAMES[1]: [name[::-1] for name in stores]})
    for name in NAMES[2:12]:
        external[name] = random.normal(50, 5, len(stores))
    return pd.DataFrame(rows, columns=["STORE", "SKU", "CAT", "SALES"]), needs, external


def key(name: str) -> str:
    """A name as the pipeline keeps keys."""
    return unicodedata.normalize("NFC", name.strip())


KEYS = {key(name) for name in NAMES}
STORES = KEYS | {key(f"{name} 2") for name in NAMES}


def test_the_database_has_every_name_and_a_column_for_each_category(project: Project, tried) -> None:
    with duckdb.connect(str(project.database), read_only=True) as connection:
        found = connection.execute("SELECT DISTINCT category, store_id FROM store_clusters").fetchall()
        wide = connection.execute("FROM store_clusters_wide")
        columns = [column[0] for column in wide.description]
        tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert set(found) == {(category, store) for category in KEYS for store in STORES}
    assert len(columns) == 2 + len(KEYS) + 2, "store, outside cluster, the two labels"
    assert "x" not in tables
    assert len({column.casefold() for column in columns}) == len(columns)
    tried(PROOF)["exact in the database"] += len(NAMES)


def test_no_file_is_named_by_the_data_and_none_is_elsewhere(project: Project, tried) -> None:
    outer = project.home.parent.parent
    assert {path.name for path in outer.iterdir()} == {"a"}
    assert {path.name for path in project.home.parent.iterdir()} == {"home"}
    assert {path.name for path in project.home.iterdir()} == {"configs", "data", "logs", "luigi.cfg", "outputs"}
    made = [path.relative_to(project.home).as_posix() for path in project.path("outputs").rglob("*")]
    assert [path for path in made if not re.fullmatch(r"[A-Za-z0-9_./-]+", path)] == []
    assert max(len(Path(path).name) for path in made) < 100
    assert len({path.casefold() for path in made}) == len(made)
    assert {Path(path).stem.upper() for path in made}.isdisjoint({"CON", "PRN", "AUX", "NUL"})
    tried(PROOF)["name no file"] += len(NAMES)


def test_no_name_ends_a_line_of_the_log_or_speaks_to_the_terminal(project: Project, tried) -> None:
    text = project.path("logs/clustering_dev.log").read_text()
    lines = text.split("\n")
    assert lines[-1] == ""
    for line in lines[:-1]:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ \S+ \d+ ", line), line
        assert line.isprintable(), line
    assert all(line.isprintable() for line in project.said.split("\n"))
    assert not re.search(r"^2030", project.said, re.MULTILINE)
    tried(PROOF)["end no line of the log or the terminal"] += len(NAMES)


def test_workbook_and_csv_have_every_name_and_no_formula(project: Project, tried) -> None:
    book = openpyxl.load_workbook(project.path("outputs/dev/store_clusters.xlsx"))
    for sheet in book:
        assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == []
    head, *rows = book["clusters"].iter_rows(values_only=True)
    at = {name: head.index(name) for name in ("Store", "Category")}
    read = {tuple(_plain(row[place]) for place in at.values()) for row in rows}
    with project.path("outputs/dev/csv/clusters.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.reader(file))
    assert [cell for row in cells for cell in row if workbook.guarded(cell) != cell and not cell.startswith("'")] == []
    written = {tuple(workbook.unguarded(row[cells[0].index(name)]) for name in at) for row in cells[1:]}
    assert written == {(store, category) for category in KEYS for store in STORES}
    assert read == {tuple(name.replace("\r\n", "\n") for name in pair) for pair in written}
    tried(PROOF)["no formula in workbook and CSV"] += len(NAMES)


def _plain(cell: object) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(cell)).replace("\r\n", "\n")


def test_the_report_shows_every_name_as_text_in_a_browser(project: Project, tried) -> None:
    path = project.path("outputs/dev/report.html")
    said: list[str] = []
    asked: list[str] = []
    with chromium.new_page() as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        for number, name in enumerate(sorted(KEYS)):
            page.evaluate("number => { location.hash = `#category-${number}` }", number)
            page.wait_for_function("text => document.querySelector('#category h2')?.textContent === text", arg=name)
            needs = page.locator("table.heatmap").first.locator("tbody th").all_text_contents()
            assert set(needs) == {key(need) for need in NAMES[:6]}
        for number, name in enumerate(sorted(STORES)):
            page.evaluate("number => { location.hash = `#store-${number}` }", number)
            page.wait_for_function(
                "text => document.querySelector('#found h2')?.textContent === text", arg=f"Store {name}"
            )
        for anchor in ("#overview", "#quality", "#outside", "#lineage", "#everything"):
            page.evaluate("anchor => { location.hash = anchor }", anchor)
        assert page.locator("img, b, iframe, object, form").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "300 letters do not widen the page"
    assert said == []
    assert asked == [path.as_uri()]
    tried(PROOF)["shown as text by a browser"] += len(NAMES)
