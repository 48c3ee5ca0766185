"""The merchants' views show the right numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.warehouse import load

HOSTILE = ['"; DROP TABLE store_clusters; --', "=1+1", "x" * 300, "🍞", "BREAD", "O'Brien", "store_id", "category"]


def frame(name: str, *rows: tuple) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=[column.frame_name for column in TABLES[name].columns])
    integers = [column.name for column in TABLES[name].columns if column.type == "integer"]
    return found.astype(dict.fromkeys(integers, "Int64"))


def placed(store: str, category: str, cluster: int, external: int | None) -> tuple:
    status = "external_only" if category == NO_CATEGORY else "both" if external else "internal_only"
    sides = None if category == NO_CATEGORY else 1, external
    return store, category, *sides, cluster, status, False, False, 0.5, None, None


def database(path: Path, **frames: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    load.build(path, {}, frames)
    return duckdb.connect(str(path), read_only=True)


@pytest.fixture
def stores() -> pd.DataFrame:
    return frame(
        "store_clusters",
        placed("1", "Bread", 1, 2),
        placed("1", "Tea", 3, 2),
        placed("2", "Bread", 2, None),
        placed("3", NO_CATEGORY, 1, 1),
        *(placed("4", name, number, 2) for number, name in enumerate(HOSTILE, start=10)),
    )


def test_store_clusters_wide_has_a_row_per_store_and_a_column_per_category(tmp_path, stores):
    with database(tmp_path / "a.duckdb", store_clusters=stores) as connection:
        found = connection.execute("SELECT * FROM store_clusters_wide")
        names = [column[0] for column in found.description]
        rows = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
    shown = {"BREAD": "BREAD (2)", "store_id": "store_id (2)"}
    columns = {name: shown.get(name, name) for name in [*HOSTILE, "Tea"]}
    columns["BREAD"], columns["Bread"] = "BREAD", "Bread (2)"  # in order of the alphabet
    assert names == ["store_id", "external_cluster", *(columns[name] for name in sorted(columns))]
    nothing = dict.fromkeys(columns.values())
    assert list(rows) == ["1", "2", "3", "4"]
    assert rows["1"] == nothing | {"store_id": "1", "external_cluster": 2, "Bread (2)": 1, "Tea": 3}
    assert rows["2"] == nothing | {"store_id": "2", "external_cluster": None, "Bread (2)": 2}
    assert rows["3"] == nothing | {"store_id": "3", "external_cluster": 1}
    inside = {columns[name]: number for number, name in enumerate(HOSTILE, start=10)}
    assert rows["4"] == nothing | {"store_id": "4", "external_cluster": 2} | inside


def test_store_clusters_wide_carries_labels_whatever_they_are_called(tmp_path, stores):
    labels = ["NAME", "label", "value", "Tea", "store_id", '"; DROP TABLE runs; --']
    given = [("1", label, f"1 {label}") for label in labels] + [("2", "NAME", None), ("9", "NAME", "not clustered")]
    with database(
        tmp_path / "a.duckdb", store_clusters=stores, store_labels=frame("store_labels", *given)
    ) as connection:
        found = connection.execute("SELECT * FROM store_clusters_wide")
        names = [column[0] for column in found.description]
        rows = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
        comments = dict(
            connection.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'store_clusters_wide'"
            ).fetchall()
        )
    assert list(rows) == ["1", "2", "3", "4"]
    assert {rows["1"][name] for name in ("NAME", "label", "value", "Tea", "store_id (2)", labels[-1])} == {
        f"1 {label}" for label in labels
    }
    assert rows["1"]["Tea (2)"] == 3
    assert rows["2"]["NAME"] is None
    assert set(comments) == set(names)
    assert comments["Tea"] == "The store's label 'Tea'; never clustered on"
    assert comments["Tea (2)"] == "Final cluster in the category 'Tea'; null where the store has none"


def test_cluster_profiles_are_means_over_the_clusters_stores(tmp_path):
    clusters = frame("store_clusters", placed("1", "Tea", 1, 1), placed("2", "Tea", 1, 1), placed("3", "Tea", 2, None))
    merged = frame(
        "merged_clusters", ("Tea", 1, 1, 1, 2, 0, "high green", "n"), ("Tea", 2, 1, None, 1, 0, "high green", "n")
    )
    sales = frame(
        "sales_by_need_state",
        # pooled chain share of green: 0.5, of black: 0.5
        ("1", "Tea", "green", 10, 0.2, 40.0, False),
        ("1", "Tea", "black", 40, 0.8, 160.0, False),
        ("2", "Tea", "green", 20, 1.0, 200.0, False),
        ("3", "Tea", "green", 30, 1.0, None, False),
        ("9", "Tea", "green", 99, 1.0, 200.0, True),
    )
    given = {"store_clusters": clusters, "merged_clusters": merged, "sales_by_need_state": sales}
    with database(tmp_path / "a.duckdb", **given) as connection:
        rows = connection.execute("SELECT * FROM cluster_profiles").fetchall()
    assert rows == [
        ("Tea", 1, 1, 1, 2, "black", 0.4, 80.0, Decimal("0.40")),
        ("Tea", 1, 1, 1, 2, "green", 0.6, 120.0, Decimal("0.30")),
        ("Tea", 2, 1, None, 1, "green", 1.0, None, Decimal("0.30")),
    ]


def test_sums_of_money_are_exact(tmp_path):
    many = [str(number) for number in range(1000)]
    clusters = frame("store_clusters", *(placed(store, "Tea", 1, 1) for store in many))
    merged = frame("merged_clusters", ("Tea", 1, 1, 1, 1000, 0, "high green", "n"))
    sales = frame("sales_by_need_state", *((store, "Tea", "g", 10**12 + 1, 1.0, 100.0, False) for store in many))
    given = {"store_clusters": clusters, "merged_clusters": merged, "sales_by_need_state": sales}
    with database(tmp_path / "a.duckdb", **given) as connection:
        found = connection.execute("SELECT sales_value FROM cluster_profiles").fetchall()
    assert found == [(Decimal("10000000000010.00"),)]


def test_latest_run_is_the_one_that_started_last(tmp_path):
    started = {"a": "2026-01-01T10:00:00Z", "b": "2026-01-01T12:00:00+01:00", "c": "2026-01-01T10:59:59Z", "d": None}
    rows = [(run, "dev", "{}", at, None, "done", 1, 0, "u", "h") for run, at in started.items() if at]
    with database(tmp_path / "a.duckdb", runs=frame("runs", *rows)) as connection:
        found = connection.execute("SELECT run_id, started_at FROM latest_run").fetchall()
    assert found == [("b", dt.datetime(2026, 1, 1, 11))]


def test_data_quality_gathers_what_to_know(tmp_path):
    given = {
        "need_state_coverage": frame("need_state_coverage", ("Tea", 1000, 250, 50, 0.25)),
        "key_spellings": frame("key_spellings", ("store", "7", 2)),
        "categories": frame("categories", ("Tea", "f", 3, 1, 2, "NEED", "202501", "202526", 26, 950, 7)),
        "excluded_stores": frame(
            "excluded_stores",
            ("1", "Tea", "internal_sales", "r"),
            ("2", "Tea", "internal_sales", "r"),
            ("1", NO_CATEGORY, "external", "r"),
        ),
        "external_feature_report": frame(
            "external_feature_report", ("INCOME", "transformed", "log1p", 0.125, "INCOME", None, None, 3.0)
        ),
        "internal_verdicts": frame(
            "internal_verdicts",
            ("Tea", "tiers", 3, 0, "because", None, 0.01, 0.01, 3, "partly", 0.5, 0.3, 0.8, 1.0, False),
        ),
        "external_verdicts": frame("external_verdicts", ("separated", 2, 0, "so", None, 0.01, 0.01, 2)),
        "merged_clusters": frame(
            "merged_clusters", ("Tea", 1, 1, 1, 5, 2, "high green", "n"), ("Tea", 2, 1, None, 5, 1, "high green", "n")
        ),
    }
    with database(tmp_path / "a.duckdb", **given) as connection:
        rows = connection.execute("SELECT area, subject, measure, value, unit, detail FROM data_quality").fetchall()
    assert [row[:5] for row in rows] == [
        ("clustering", "(outside data)", "external clusters", 2.0, "clusters"),
        ("clustering", "Tea", "internal clusters", 3.0, "clusters"),
        ("external features", NO_CATEGORY, "excluded stores", 1.0, "stores"),
        ("external features", "INCOME", "imputed share of stores", 0.125, "0..1"),
        ("internal sales", "Tea", "clipped sales", 0.07, "currency"),
        ("internal sales", "Tea", "excluded stores", 2.0, "stores"),
        ("internal sales", "store 7", "spellings", 2.0, "spellings"),
        ("merging", "Tea", "reassigned stores", 3.0, "stores"),
        ("need states", "Tea", "dropped sales", 0.5, "currency"),
        ("need states", "Tea", "unmapped share of sales", 0.25, "0..1"),
    ]
    details = {row[2]: row[5] for row in rows}
    assert details["internal clusters"] == "tiers: because"
    assert details["imputed share of stores"] == "transformed: log1p"


def test_a_view_is_made_only_where_its_tables_are(tmp_path, stores):
    with database(tmp_path / "a.duckdb", store_clusters=stores[:0]) as connection:
        assert connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == [
            ("store_clusters_wide",)
        ]
        assert connection.execute("SELECT * FROM store_clusters_wide").fetchall() == []
