"""Outside columns as files have them: each is the feature that it looks like, or none, with the setting that settles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.gathered import Gathered
from pipeline.settings import CsvSettings

Gather = Callable[..., Gathered]


def column(
    gather: Gather, write: Callable[..., str], values: Sequence[object], name: str = "x", **options: object
) -> Gathered:
    """A source with a column of these values, semicolons between the fields, each of them three times."""
    rows = "".join(f"{store};{value}\n" for store, value in enumerate([*values] * 3))
    return gather((write("e.csv", f"store_id;{name}\n{rows}"), {"csv": CsvSettings(delimiter=";"), **options}))


def reason(found: Gathered) -> str:
    assert list(found["features"].columns) == ["store_id"]
    (line,) = found["ignored"]["reason"]
    assert any(line in doubt for doubt in found.doubts)
    return str(line)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["10%", "5%", "2.5%"], [0.1, 0.05, 0.025]),
        (["10 %", "\u00a05\u00a0%".strip(), "-2 %"], [0.1, 0.05, -0.02]),
        (["2012-06-01", "2012-01-01", "2024-07-01"], [2012.415301, 2012.0, 2024.497268]),
        (["01.06.2012", "31.12.2012", "01.07.2024"], [2012.415301, 2012.997268, 2024.497268]),
        (["6/1/2012", "12/31/2012", "7/1/2024"], [2012.415301, 2012.997268, 2024.497268]),
        (["1 Jun 2012", "31 Dec 2012", "1 Jul 2024"], [2012.415301, 2012.997268, 2024.497268]),
        (["20120601", "20121231", "20240701"], [2012.415301, 2012.997268, 2024.497268]),
        (["2012-06-01 00:00:00", "2012-01-01 08:15", "2024-07-01T00:00:00"], [2012.415301, 2012.0, 2024.497268]),
        (["5-", "(3)", "7"], [-5.0, -3.0, 7.0]),
    ],
)
def test_what_is_a_number_in_every_row_is_one(
    gather_external: Gather, write, values: list[str], expected: list[float]
) -> None:
    found = column(gather_external, write, values)
    by_store = found["features"].set_index("store_id")["x"]
    assert [by_store[str(store)] for store in range(3)] == pytest.approx(expected, abs=1e-6)
    assert found.doubts == []


@pytest.mark.parametrize("kind", ["datetime64[ns]", "datetime64[ns, UTC]", "date", "int"])
def test_a_date_of_parquet_is_the_year_and_its_fraction(gather_external: Gather, kind: str) -> None:
    days = pd.to_datetime(pd.Series(["2012-06-01", "2024-07-01"]))
    values = {"date": days.dt.date, "int": days.dt.strftime("%Y%m%d").astype("int64")}.get(kind)
    frame = pd.DataFrame(
        {"store_id": ["a", "b"], "opened": days.astype(kind) if values is None and "UTC" not in kind else values}
    )
    if "UTC" in kind:
        frame["opened"] = days.dt.tz_localize("UTC")
    assert gather_external(frame)["features"]["opened"].tolist() == pytest.approx([2012.415301, 2024.497268], abs=1e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["NA", "0", "1", "2"], "numbers beside 'NA': set missing = [\"NA\"] in csv"),
        (["n/a", "0", "1"], 'set missing = ["n/a"]'),
        (["unbekannt", "0", "1", "2"], 'set missing = ["unbekannt"]'),
        (["?", "NULL", "4", "5"], 'set missing = ["?", "NULL"]'),
        (["1,5", "2", "2,5"], 'set decimal = "," in csv'),
        (["1.234,5", "2,0"], 'set decimal = "," and thousands = "." in csv'),
        (["1,234", "901"], 'set thousands = "," or decimal = ",", whichever it means, in csv'),
        (["1.003", "901"], 'set thousands = "." or decimal = "." in csv'),
        (["$5", "$7"], 'set currency = "$" in csv'),
        (["12 km", "3 km"], 'set currency = "km" in csv'),
        (["10%", "0.1"], "numbers with and without %"),
        (["1,5%", "2%"], "numbers with and without %, or with another decimal mark"),
        (["01/02/2024", "03/04/2024"], "dates that cannot be read with certainty: '01/02/2024' can be DMY or MDY"),
        (["2024-02-01", "13/02/2024"], "are written in different ways"),
    ],
)
def test_what_cannot_be_read_with_certainty_is_no_feature_and_doubted(
    gather_external: Gather, write, values: list[str], expected: str
) -> None:
    assert expected in reason(column(gather_external, write, values))


@pytest.mark.parametrize(
    "values",
    [
        ["A", "B", "C"],
        ["A1", "A2", "B1"],
        ["L1", "L2", "L3"],
        ["2A", "2B"],
        ["24h", "12h"],
        ["1", "2", "3b"],
        ["S", "M", "10"],
        ["7-11", "Spar"],
    ],
)
def test_texts_are_levels(gather_external: Gather, write, values: list[str]) -> None:
    found = column(gather_external, write, values)
    assert set(found["features"]["x"]) == set(values)
    assert found.doubts == []


def test_missing_texts_are_missing_in_every_column(gather_external: Gather, write) -> None:
    path = write("e.csv", "store_id,x,y\n1,NA,a\n2,3, NA \n3,4,b\n")
    features = gather_external((path, {"csv": CsvSettings(missing=("NA",))}))["features"]
    assert features["x"].isna().tolist() == [True, False, False]
    assert features["y"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("FORMAT", [10, 20, 30, 90]),
        ("x", [10, 20, 30, 90]),
        ("x", [100, 200, 500]),
        ("cluster", [1, 2, 3, 4, 5]),
        ("region_cd", [3, 7, 9]),
        ("StoreType", [1, 2, 3]),
        ("zone", [1.0, 2.0, 3.0]),
    ],
)
def test_integers_that_behave_like_codes_are_doubted_until_the_setting_says(
    gather_external: Gather, name: str, values: list[float]
) -> None:
    frame = pd.DataFrame({"store_id": range(12), name: (values * 12)[:12]})
    (doubt,) = gather_external(frame).doubts
    assert f'set categorical = ["{name}"] in [sources.external[0]]' in doubt
    found = gather_external((frame, {"categorical": (name,)}))
    assert found.doubts == []
    assert set(found["features"][name]) == {f"{value:g}" for value in values}
    assert gather_external((frame, {"categorical": ()})).doubts == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("competitors", [0, 1, 2, 3]), ("household_size", [1, 2, 3, 4, 5]), ("checkouts", [4, 5, 6, 8]), ("opened", [1990, 2000, 2010]),
        ("flag", [0, 1]), ("income", [35.5, 40.25, 50.0]), ("population", [1250, 5310, 8000, 310, 990, 12000]), ("rating", [1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_counts_measures_flags_and_years_are_no_doubt(gather_external: Gather, name: str, values: list[float]) -> None:
    times = 1 if name == "population" else 12
    frame = pd.DataFrame({"store_id": range(len(values) * times), name: values * times})
    assert gather_external(frame).doubts == []


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", "index", "level_0", "rownames", "row_id"])
def test_a_row_number_is_no_feature_by_its_name(gather_external: Gather, name: str) -> None:
    frame = pd.DataFrame({"store_id": list("abcdefgh"), name: np.arange(8)[::-1], "age": np.arange(8) ** 2})
    assert list(gather_external(frame)["features"].columns) == ["store_id", "age"]
    assert list(gather_external((frame, {"features": (name,)}))["features"].columns) == ["store_id", name]


@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rows_is_doubted_whatever_its_name(gather_external: Gather, first: int) -> None:
    frame = pd.DataFrame({"store_id": list("abcdefgh"), "seq": range(first, first + 8)})
    (doubt,) = gather_external(frame).doubts
    assert f"column 'seq' counts the rows, from {first} to {first + 7}" in doubt


def test_attributes_that_repeat_count_once_and_those_that_differ_are_named(gather_external: Gather) -> None:
    rows = pd.DataFrame({"store_id": ["1", "1 ", "2"], "age": [5, 5, 6], "sold": [1.0, 2.0, 3.0]})
    assert gather_external((rows, {"features": ("age",)}))["features"]["age"].tolist() == [5.0, 6.0]
    with pytest.raises(Exception, match="1 store has more than one row: '1', and they differ"):
        gather_external(rows)
