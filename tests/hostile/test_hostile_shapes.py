"""Data of hard shapes, through the whole pipeline: one store, fewer stores than k, no difference, nothing in common, 500 categories."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
import report_pages
from projects import Project

PROOF = "data of a hard shape: one store, fewer than k, identical, constant, nothing in common, 500 categories"
Mixes = dict[str, list[list[float]]]  # per category a row for each store: sales of its need states


def write(project: Project, mixes: Mixes, outside: pd.DataFrame) -> None:
    """Raw files in which a category's first store is s00, its need states need 0 and so on."""
    rows = [
        (f"s{store:02d}", f"{category} {need}", category, value)
        for category, of_stores in mixes.items()
        for store, values in enumerate(of_stores)
        for need, value in enumerate(values)
    ]
    sales = pd.DataFrame(rows, columns=["STORE", "SKU", "CAT", "SALES"])
    project.write_sales(sales)
    needs = sales[["SKU", "CAT"]].drop_duplicates()
    needs.assign(NEED="need " + needs["SKU"].str[-1]).to_csv(project.path("data/raw/needs.csv"), index=False)
    outside.to_parquet(project.path("data/raw/external.parquet"), index=False)


def surroundings(stores: int) -> pd.DataFrame:
    """Two kinds of places, and a column that is the same everywhere."""
    rng = np.random.default_rng(0)
    income = np.where(np.arange(stores) % 2, 20.0, 60.0) + rng.normal(0, 2, stores)
    names = [f"s{store:02d}" for store in range(stores)]
    return pd.DataFrame({"STORE": names, "NAME": names, "INCOME": income, "OPENED": 1})


def of_category(project: Project, table: str) -> dict[str, dict[str, object]]:
    """The one row of each category."""
    with duckdb.connect(str(project.database), read_only=True) as database:
        rows = database.table(table).df()
    assert not rows["category"].duplicated().any()
    return {row["category"]: row for row in rows.to_dict("records")}


def test_a_category_of_a_hard_shape_is_answered_and_the_report_says_why(project: Project, tried) -> None:
    rng = np.random.default_rng(1)
    mixes: Mixes = {
        "one store": [[10.0, 20.0]],
        "three stores": rng.integers(100, 10_000, (3, 3)).astype(float).tolist(),
        "identical": [[10.0 * (store + 1), 30.0 * (store + 1)] for store in range(16)],
        "one need state": rng.integers(100, 10_000, (16, 1)).astype(float).tolist(),
        "a constant": [[50.0, value, 50.0 - value] for value in rng.integers(1, 49, 16).astype(float)],
    }
    write(project, mixes, surroundings(16))
    project.settings["internal"]["clustering"]["category"] = {"three stores": {"k": 50}}
    project.configure()
    outcome = project.build()
    assert outcome.status == "SUCCESS", outcome.failed
    verdicts = of_category(project, "internal_verdicts")
    report = report_pages.whole_text(project.path("outputs/dev/report.html").read_text())
    for category in ("one store", "identical", "one need state"):
        assert (verdicts[category]["verdict"], verdicts[category]["k"]) == ("no structure", 1), category
    assert 1 <= verdicts["three stores"]["k"] <= 3
    assert "50" in verdicts["three stores"]["reason"]
    for category, row in verdicts.items():
        assert row["reason"], category
        assert json.dumps(row["reason"], ensure_ascii=False)[1:-1] in report, category
    with duckdb.connect(str(project.database), read_only=True) as database:
        placed = database.execute("SELECT category, count(*) FROM store_clusters GROUP BY category").fetchall()
        [reason] = database.execute("SELECT reason FROM external_feature_report WHERE feature = 'OPENED'").fetchone()
    assert dict(placed) == {category: len(stores) for category, stores in mixes.items()}
    assert "constant" in reason
    assert reason in report
    tried(PROOF)["answered, and the report says why"] += len(mixes) + 1


def test_no_store_in_common_after_a_good_run_is_refused_in_one_line_and_the_database_stays(
    built: Project, tried
) -> None:
    before = built.database.read_bytes()
    outside = pd.read_parquet(built.path("data/raw/external.parquet"))
    outside.assign(STORE=outside["STORE"].astype(str).str.zfill(6)).to_parquet(
        built.path("data/raw/external.parquet"), index=False
    )
    outcome = built.build()
    [said] = outcome.failed.values()
    assert "\n" not in said
    assert "no store" in said
    assert built.database.read_bytes() == before
    tried(PROOF)["refused in one line, the last good outputs untouched"] += 1


@pytest.mark.nightly
def test_five_hundred_categories_are_all_in_the_database_and_in_the_report(project: Project, tried) -> None:
    rng = np.random.default_rng(2)
    names = [f"category {number:03d}" for number in range(500)]
    write(
        project,
        {name: rng.integers(100, 10_000, (7, 3)).astype(float).tolist() for name in names},
        surroundings(7),
    )
    assert project.build().status == "SUCCESS"
    verdicts = of_category(project, "internal_verdicts")
    report = report_pages.whole_text(project.path("outputs/dev/report.html").read_text())
    assert list(verdicts) == names
    assert [name for name in names if json.dumps(name) not in report] == []
    with duckdb.connect(str(project.database), read_only=True) as database:
        [placed] = database.execute("SELECT count(*) FROM store_clusters").fetchone()
    assert placed == 500 * 7
    assert project.build().built == set()
    tried(PROOF)["answered, and the report says why"] += 1
