"""Folders, globs, and columns that stand in the names of folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from engine.given import MAP, SALES, said
from projects import Project

from pipeline.config import environment, raw_files
from pipeline.engine.reading import folders
from pipeline.errors import SettingsError
from pipeline.settings import ExternalColumns

WEEK = {"columns": {"week": "week"}}


@pytest.fixture
def weekly(write: Callable[..., str]) -> Callable[..., list[str]]:
    """Sales of 1, 10, 100... in a folder each."""

    def written(*names: str, suffix: str = "parquet") -> list[str]:
        return [
            write(f"sales/{name}/part-0.{suffix}", content(SALES.assign(sales_value=10.0**position), suffix))
            for position, name in enumerate(names)
        ]

    return written


def content(frame: pd.DataFrame, suffix: str) -> object:
    return frame if suffix != "xlsx" else {"S": [list(frame.columns), *frame.to_numpy().tolist()]}


def cents(found: dict[str, pd.DataFrame]) -> list[int]:
    return found["sales"]["sales_cents"].tolist()


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
@pytest.mark.parametrize(
    "weeks", [["9", "10", "11"], ["202352", "202401", "202402"], ["2024-01-01", "2024-01-08", "2024-01-14"]]
)
def test_weeks_may_stand_in_the_names_of_folders(gather_internal, weekly, weeks: list[str], suffix: str) -> None:
    paths = weekly(*(f"week={week}" for week in weeks), suffix=suffix)
    last = 1 if "-" in weeks[0] else 2
    assert cents(gather_internal(paths, MAP, **WEEK, last_weeks=last)) == [11000]
    assert cents(gather_internal(paths, MAP)) == [11100]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
def test_keys_may_stand_in_the_names_of_folders_at_any_depth(gather_internal, write, suffix: str) -> None:
    frame = SALES[["sku_id", "sales_value"]]
    paths = [
        write(f"s/CAT={category}/store=00{n}/x.{suffix}", content(frame, suffix))
        for n, category in enumerate(["Bread", "Caf%C3%A9 %26 Tea"])
    ]
    found = gather_internal(paths, MAP, columns={"store_id": "store", "category": "CAT"})["sales"]
    assert found[["store_id", "category"]].to_numpy().tolist() == [["000", "Bread"], ["001", "Caf\u00e9 & Tea"]]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
def test_the_null_of_hive_is_no_key(gather_internal, write, suffix: str) -> None:
    path = write(f"s/store=__HIVE_DEFAULT_PARTITION__/x.{suffix}", content(SALES, suffix))
    assert "1 row without store_id" in said(gather_internal, [path], MAP, columns={"store_id": "store"})


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
def test_a_column_of_the_file_wins_over_the_folder_s(gather_internal, write, suffix: str) -> None:
    path = write(f"s/store_id=9/SKU_ID=b/x.{suffix}", content(SALES, suffix))
    assert gather_internal([path], MAP)["sales"].to_numpy().tolist() == [["1", "Bread", "Daily", 100]]


def test_folders_that_do_not_all_have_the_key_have_none(gather_internal, weekly) -> None:
    paths = weekly("week=1", "week=2", "other")
    assert folders.keys(paths) == ()
    message = said(gather_internal, paths, MAP, **WEEK, last_weeks=1)
    assert "no column 'week'; found: store_id, sku_id, category, sales_value; set columns.week in" in message


def test_only_the_unbroken_chain_right_above_the_files_counts() -> None:
    assert folders.keys(["/env=dev/raw/a=1/b=2/x.parquet", "/env=dev/raw/b=3/a=4/x.parquet"]) == ("a", "b")
    assert folders.keys(["/env=dev/raw/x.parquet"]) == ()
    assert folders.keys(["/raw/=1/x.parquet"]) == ()
    assert folders.value_of("/raw/a=it's=1%2F2/x", "a") == "CAST('it''s=1/2' AS VARCHAR)"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
def test_folders_far_above_a_file_change_no_column_of_it(gather_internal, write, suffix: str) -> None:
    rows = SALES.assign(**{"a.b": "wrong", "file": "x"})
    path = write(f"store_id=8/sales_value=5/where (x)=9/raw/sku_id=z/where (x)=3/x.{suffix}", content(rows, suffix))
    assert gather_internal([path], MAP)["sales"].to_numpy().tolist() == [["1", "Bread", "Daily", 100]]
    found = gather_internal([path], MAP, columns={"store_id": "where (x)"})["sales"]
    assert found.to_numpy().tolist() == [["3", "Bread", "Daily", 100]]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "xlsx"])
def test_a_column_in_folders_is_a_feature_or_label_only_where_it_is_named(gather_external, write, suffix: str) -> None:
    paths = [
        write(f"e/region={region}/size={size}/x.{suffix}", content(pd.DataFrame({"store_id": [n], "age": [n]}), suffix))
        for n, (region, size) in enumerate([("N", "2"), ("S", "1")])
    ]
    assert list(gather_external(paths)["features"].columns) == ["store_id", "age"]
    found = gather_external((paths, {"labels": ("region",), "features": ("size", "age")}))
    assert found["features"].to_numpy().tolist() == [["0", 0.0, 2.0], ["1", 1.0, 1.0]]
    assert found["labels"].to_numpy().tolist() == [["0", "region", "N"], ["1", "region", "S"]]
    keyed = gather_external((paths, {"columns": ExternalColumns(store_id="region"), "ignore": ("store_id",)}))
    assert list(keyed["features"]["store_id"]) == ["N", "S"]
    message = said(gather_external, (paths, {"labels": ("regoin",)}), error=SettingsError)
    assert "'regoin' (did you mean 'region'?)" in message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/raw/weekly", ["a.parquet", "b.CSV", "c.xlsx", "week=1/d.parquet"]),
        ("data/raw/weekly/*.parquet", ["a.parquet"]),
        ("data/raw/weekly/**/*.parquet", ["a.parquet", "week=1/d.parquet"]),
        ("data/raw/weekly/week=*/*", ["week=1/d.parquet"]),
        ("data/raw/weekly/*.xlsx", ["c.xlsx"]),
        ("data/raw/weekly/_*/*", ["_tmp/e.parquet"]),
        ("data/raw/week?y/[a-b].*", ["a.parquet", "b.CSV"]),
        ("data/raw/weekly/a.parquet", ["a.parquet"]),
        ("data/raw/weekly/none*", []),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_glob(project: Project, path: str, expected: list[str]) -> None:
    folder = project.path("data/raw/weekly")
    for name in (
        "a.parquet", "b.CSV", "c.xlsx", "~$c.xlsx", "week=1/d.parquet", "notes.md", ".hidden.csv", "_tmp/e.parquet",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "written_by_spark.parquet").mkdir()
    project.configure(sources={"internal_sales": {"path": path}})
    found = raw_files.existing(environment.load("dev"), "internal_sales")
    assert [str(file.relative_to(folder)) for file in found] == expected


@pytest.mark.parametrize("path", ["raw/*.csv", "{}/raw/*.csv"])
def test_a_glob_starts_at_a_home_folder_of_any_name(project: Project, tmp_path: Path, monkeypatch, path: str) -> None:
    home = tmp_path / "home [1]"
    (home / "raw").mkdir(parents=True)
    (home / "raw" / "a.csv").touch()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").touch()
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(home))
    Project(home, project.settings).configure(sources={"internal_sales": {"path": path.format(tmp_path)}})
    expected = (home if path.startswith("raw") else tmp_path) / "raw" / "a.csv"
    assert raw_files.existing(environment.load("dev"), "internal_sales") == [expected]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("path", ["data/raw/weekly", "data/raw/weekly/*", "data/raw/weekly/20240*.{}"])
def test_a_folder_of_weekly_files_is_one_source(
    gather_internal, write, project: Project, path: str, suffix: str
) -> None:
    for n in range(3):
        write(f"data/raw/weekly/2024010{n}.{suffix}", SALES.assign(sales_value=10.0**n, week=n))
    project.configure(sources={"internal_sales": {"path": path.format(suffix)}})
    files = [str(file) for file in raw_files.require(environment.load("dev"), "internal_sales")]
    assert [Path(file).stem for file in files] == ["20240100", "20240101", "20240102"]
    assert cents(gather_internal(files, MAP)) == [11100]
    assert cents(gather_internal(files, MAP, **WEEK, last_weeks=2)) == [11000]


def test_the_sheet_is_a_setting_of_every_source(project: Project) -> None:
    excel = {"excel": {"sheet": "Map", "header_row": 2}}
    project.configure(sources={"internal_sales": excel, "need_states": excel})
    sources = environment.load("dev").settings.sources
    assert sources.need_states.excel == sources.internal_sales.excel
    assert (sources.need_states.excel.sheet, sources.need_states.excel.header_row) == ("Map", 2)
    assert (sources.external[0].excel.sheet, sources.external[0].excel.header_row) == (None, 1)
    environment.forget()
    project.configure(sources={"need_states": {"excel": {"header_row": 0}}})
    with pytest.raises(SettingsError, match=r"sources\.need_states\.excel\.header_row: expected `int` >= 1, found 0"):
        environment.load("dev")
