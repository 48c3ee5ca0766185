"""Overrides from the workbook and back: the sheet filled in, saved elsewhere, named as the source, applied, told of."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import openpyxl
import pandas as pd
import pytest
import report_pages
from projects import Project

from pipeline import schema, tasks
from pipeline.config import environment
from pipeline.errors import MissingDataError
from pipeline.stage import raw_source
from pipeline.storage import parquet

FOLLOWING = {"Migrations", "AssignmentModel", "Warehouse", "Report", "Workbook"}
SOURCE = {"sources": {"overrides": {"path": "data/raw/overrides.xlsx", "excel": {"sheet": "overrides"}}}}


def table(project: Project, name: str) -> pd.DataFrame:
    return parquet.read(project.path(f"outputs/dev/merging/{name}.parquet"), schema.TABLES[name])


def filled(project: Project, rows: Sequence[tuple[object, ...]]) -> None:
    """The workbook's sheet with these rows below what it has, in a copy that is not among the outputs."""
    book = openpyxl.load_workbook(project.path("outputs/dev/store_clusters.xlsx"))
    sheet = book["overrides"]
    for number, row in enumerate(rows, start=sheet.max_row + 1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # as a person's cell of the format "text", whatever it begins with
    book.save(project.path("data/raw/overrides.xlsx"))


def test_the_sheet_filled_in_and_named_as_the_source_places_stores_and_comes_back_in_the_next_workbook(
    built: Project,
) -> None:
    before = table(built, "store_clusters").set_index(["store_id", "category"])["cluster"]
    now = {1: 2, 2: 1}[before["7", "Bread"]]
    filled(built, [("7", "Bread", now, "=HYPERLINK(1)"), (8, "Coffee", int(before["8", "Coffee"]), "stays")])
    built.configure(**SOURCE)
    outcome = built.build()
    assert outcome.status == "SUCCESS", outcome.failed
    assert outcome.built == {"Overrides", "Merging", *FOLLOWING}
    found = table(built, "store_clusters").set_index(["store_id", "category"])
    assert found.loc[found["overridden"], "cluster"].to_dict() == {
        ("7", "Bread"): now,
        ("8", "Coffee"): before["8", "Coffee"],
    }
    assert (found["cluster"] != before).sum() == 1
    told = [["7", "Bread", "=HYPERLINK(1)", True], ["8", "Coffee", "stays", True]]
    with duckdb.connect(str(built.database), read_only=True) as connection:
        query = "SELECT store_id, category, reason, applied FROM overrides_applied ORDER BY store_id"
        assert [list(row) for row in connection.execute(query).fetchall()] == told
    assert "=HYPERLINK(1)" in report_pages.whole_text(built.path("outputs/dev/report.html").read_text())
    cells = list(openpyxl.load_workbook(built.path("outputs/dev/store_clusters.xlsx"))["overrides"].iter_rows())
    assert [cell.value for cell in cells[1]] == ["7", "Bread", now, "=HYPERLINK(1)", "applied"]
    assert {cell.data_type for row in cells for cell in row} == {"s", "n"}

    filled(built, [])
    outcome = built.build()
    assert outcome.built == {"Overrides"}, "the sheet as it came back says what it said"


def test_a_row_that_is_wrong_refuses_them_all_with_every_reason_and_the_last_good_outputs_stay(built: Project) -> None:
    good = built.path("outputs/dev/merging/store_clusters.parquet").read_bytes()
    filled(built, [("7", "Bread", "two", "why"), ("7", "Tea & Cocoa", 1, None), ("8", "Bread", 1, "fine")])
    built.configure(**SOURCE)
    path = built.path("data/raw/overrides.xlsx")
    refused = built.build().failed["Overrides"]
    assert refused == (
        "data/raw/overrides.xlsx: store '7', category 'Bread': cluster 'two', but a whole number from 1 is needed; correct "
        "the row, or remove it; data/raw/overrides.xlsx: store '7', category 'Tea & Cocoa': no reason; correct the row, or "
        "remove it"
    )
    pd.DataFrame([["77", "Bread", 1, "x"], ["7", "Bread", 9, "x"]], columns=["store_id", "category", "cluster", "reason"]
                 ).to_excel(path, sheet_name="overrides", index=False)  # fmt: skip
    refused = built.build().failed["Merging"]
    assert refused.count("[sources.overrides]: ") == 2
    assert "store '77', category 'Bread': the store is unknown" in refused
    assert "the category has no cluster 9, only 1, 2" in refused
    assert built.path("outputs/dev/merging/store_clusters.parquet").read_bytes() == good


def test_an_override_of_a_store_that_has_no_row_may_name_any_number(built: Project) -> None:
    sales = built.sales()
    gone = (sales["STORE"] == 7) & (sales["CAT"] == "Bread")
    built.write_sales(sales.assign(SALES=sales["SALES"].where(~gone, 0.0)))
    filled(built, [("7", "Bread", 3_000_000_000, "a flagship")])
    built.configure(**SOURCE)
    outcome = built.build()
    assert outcome.status == "SUCCESS", outcome.failed
    with duckdb.connect(str(built.database), read_only=True) as connection:
        query = "SELECT to_cluster, applied FROM overrides_applied"
        assert connection.execute(query).fetchall() == [(3_000_000_000, False)]


def test_overrides_that_are_not_there_are_a_missing_file(project: Project) -> None:
    project.configure(sources={"overrides": {"path": "data/raw/overrides.csv"}})
    assert project.build(tasks.Overrides).status == "MISSING_EXT"
    with pytest.raises(
        MissingDataError, match=r"no raw file at 'data/raw/overrides.csv' \(setting sources.overrides.path"
    ):
        raw_source.check(environment.load("dev"), "overrides")


def test_no_source_of_overrides_is_no_overrides(built: Project) -> None:
    assert not table(built, "store_clusters")["overridden"].any()
    assert table(built, "overrides_applied").empty
    sheet = openpyxl.load_workbook(built.path("outputs/dev/store_clusters.xlsx"))["overrides"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["store_id", "category", "cluster", "reason", "outcome"]
    ]
