from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from engine.given import said

from pipeline.errors import SettingsError
from pipeline.settings import CsvSettings, ExternalColumns

STORES = pd.DataFrame({"store_id": ["1", "2"], "income": [1.0, 2.0]})


def values(frame: pd.DataFrame, name: str) -> list:
    return [None if pd.isna(value) else value for value in frame[name]]


def test_sources_are_joined_full_outer_on_the_normalised_store(gather_external) -> None:
    found = gather_external(
        pd.DataFrame({"store_id": [2, 1], "income": [20.0, 10.0]}),
        pd.DataFrame({"store_id": [" 3", "1 "], "age": [30, 11]}),
    )["features"]
    assert list(found.columns) == ["store_id", "age", "income"]
    assert list(found["store_id"]) == ["1", "2", "3"]
    assert values(found, "income") == [10.0, 20.0, None]
    assert values(found, "age") == [11.0, None, 30.0]
    assert found["age"].dtype == found["income"].dtype == "float64"


def test_numbers_and_booleans_are_features_texts_are_categorical_and_the_rest_is_ignored(gather_external) -> None:
    frame = pd.DataFrame(
        {
            "store_id": ["1", "2"],
            "flag": pd.array([True, None], "boolean"),
            "money": [Decimal("1.50"), None],
            "count": pd.array([3, None], "Int64"),
            "text": [" Nord ", ""],
            "opened": [date(2020, 1, 1), None],
            "nested": [[1], [2]],
        }
    )
    found = gather_external(frame)
    features = found["features"]
    assert list(features.columns) == ["store_id", "count", "flag", "money", "opened", "text"]
    assert values(features, "flag") == [1.0, None]
    assert values(features, "money") == [1.5, None]
    assert values(features, "count") == [3.0, None]
    assert values(features, "text") == ["Nord", None]
    assert values(features, "opened") == [2020.0, None]
    assert found["ignored"].to_numpy().tolist() == [
        ["nested", "its type BIGINT[] is neither a number, a date nor a text"],
    ]


def test_a_csv_column_is_numeric_where_all_its_values_are_numbers(gather_external, write) -> None:
    path = write("e.csv", b"store_id;a;b;c;;\n7.0;1,5;1,5;;x;\n8;;NA;;y;\n")
    found = gather_external((path, {"csv": CsvSettings(delimiter=";", decimal=",")}))
    features = found["features"]
    assert list(features["store_id"]) == ["7.0", "8"]  # the decimal mark is a comma here
    assert features["a"].dtype == features["c"].dtype == "float64"
    assert values(features, "a") == [1.5, None]
    assert values(features, "c") == [None, None]
    assert list(found["ignored"]["feature"]) == ["(external[0] column 5)", "(external[0] column 6)", "b"]
    assert found["ignored"]["reason"].iloc[-1].startswith("numbers beside 'NA': set missing = [\"NA\"] in csv")


def test_a_column_that_is_text_in_one_file_is_text_in_all(gather_external, write) -> None:
    paths = [
        write("a.parquet", pd.DataFrame({"store_id": [1], "zone": [3]})),
        write("b.parquet", pd.DataFrame({"store_id": [2], "zone": ["A"]})),
    ]
    assert values(gather_external(paths)["features"], "zone") == ["3", "A"]


def test_labels_are_carried_long_as_text_and_are_no_features(gather_external) -> None:
    frame = pd.DataFrame({"store_id": [2, 1], "name": ["B", None], "opened": [date(2020, 1, 1)] * 2, "zip": [7.0, 8.0]})
    found = gather_external((frame.assign(age=1), {"labels": ("name", "opened", "zip")}))
    assert list(found["features"].columns) == ["store_id", "age"]
    labels = found["labels"]
    assert labels[["store_id", "label"]].to_numpy().tolist() == [
        [store, label] for store in "12" for label in ("name", "opened", "zip")
    ]
    assert values(labels, "value") == [None, "2020-01-01", "8", "B", "2020-01-01", "7"]


def test_features_and_ignore_choose_columns(gather_external) -> None:
    frame = STORES.assign(age=1, size=2)
    chosen = gather_external((frame, {"features": ("size", "age")}))["features"]
    assert list(chosen.columns) == ["store_id", "age", "size"]
    left = gather_external((frame, {"ignore": ("age",)}))["features"]
    assert list(left.columns) == ["store_id", "income", "size"]


def test_a_column_with_the_key_s_name_is_ignored(gather_external) -> None:
    frame = pd.DataFrame({"nbr": [1, 2], "store_id": [5, 6], "age": [1, 2]})
    found = gather_external((frame, {"columns": ExternalColumns(store_id="nbr")}))
    assert list(found["features"]["store_id"]) == ["1", "2"]
    assert found["ignored"].to_numpy().tolist() == [["store_id", "its name is that of the key; rename it to use it"]]


def test_the_order_of_rows_and_columns_changes_nothing(gather_external) -> None:
    frame = pd.DataFrame({"store_id": list("abc"), "x": [1.0, 2, 3], "y": ["u", "v", None]})
    first = gather_external(frame)["features"]
    second = gather_external(frame.iloc[::-1, ::-1])["features"]
    pd.testing.assert_frame_equal(first, second)


def test_duplicated_stores_are_counted_and_up_to_ten_are_listed(gather_external) -> None:
    stores = [f"{n:02}" for n in range(12)]
    message = said(gather_external, pd.DataFrame({"store_id": stores * 2, "x": range(24)}))
    assert "12 stores have more than one row: '00', '01'," in message
    assert "'09' and 2 more, and they differ; leave one row per store" in message
    assert "1 store has more than one row: '7', and they differ;" in said(
        gather_external, pd.DataFrame({"store_id": ["7", "7 "], "x": [1, 2]})
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([STORES, STORES.assign(age=1)], "the feature 'income' is in"),
        (
            [(STORES.assign(n="a"), {"labels": ("n",)}), (STORES[["store_id"]].assign(n="a", y=1), {"labels": ("n",)})],
            "the label 'n' is in",
        ),
        ([pd.DataFrame({"store_id": ["1", None, " "], "x": 1})], "2 rows without store_id (column 'store_id') of 3"),
        (
            [STORES.assign(income=[np.inf, 1], debt=[-np.inf, -np.inf])],
            "infinite or beyond 1e+100 in 'debt' (2), 'income' (1)",
        ),
        ([STORES.assign(income=[-1e101, 1e100])], "values that are infinite or beyond 1e+100 in 'income' (1); leave"),
        ([STORES[:0]], "no rows"),
        (
            [STORES.rename(columns={"store_id": "STORE_ID"})],
            "no column 'store_id' (did you mean 'STORE_ID'?); found: STORE_ID",
        ),
        ([STORES.assign(store_id=[[1], [2]])], "column 'store_id' is of type BIGINT[]"),
    ],
)
def test_what_cannot_be_joined_is_one_line(gather_external, given, expected: str) -> None:
    message = said(gather_external, *given)
    assert expected in message
    assert "[sources.external[" in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"features": ("incme",)}, "features: not a column of"),
        ({"ignore": ("incme",)}, "'incme' (did you mean 'income'?); found: income"),
        ({"labels": ("store_id",)}, "labels: not a column of"),
        (
            {"features": ("income",), "labels": ("income",)},
            "income stand more than once in features, ignore and labels",
        ),
    ],
)
def test_a_choice_that_cannot_be_made_is_an_error_of_the_settings(gather_external, options, expected: str) -> None:
    assert expected in said(gather_external, (STORES, options), error=SettingsError)


def test_files_of_one_source_need_the_same_columns(gather_external, write) -> None:
    paths = [write("a.parquet", STORES), write("b.parquet", STORES[["store_id"]].assign(store_id=["3", "4"]))]
    assert said(gather_external, paths) == (
        f"{paths[1]}: no column 'income', which other files of [sources.external[0]] have; found: store_id; give all its "
        "files the same columns, or each a [[sources.external]] of its own"
    )


def test_what_two_sources_ignore_is_reported_once_and_columns_without_a_name_apart(gather_external, write) -> None:
    csv = [write(f"{n}.csv", f"store_id,x{n},\n1,2,3\n") for n in (0, 1)]
    timed = pd.DataFrame({"store_id": ["1"], "updated": [time(8)]})
    nested = pd.DataFrame({"store_id": ["1"], "age": [1], "updated": [[1]]})
    found = gather_external(*csv, timed, nested)
    assert found["ignored"].to_numpy().tolist() == [
        ["(external[0] column 3)", "the header gives it no name"],
        ["(external[1] column 3)", "the header gives it no name"],
        [
            "updated",
            "its type BIGINT[] is neither a number, a date nor a text; its type TIME is neither a number, a date nor a text",
        ],
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_that_is_a_feature_in_one_source_and_none_in_another_is_an_error(gather_external, order: int) -> None:
    other = pd.DataFrame({"store_id": ["1"], "income": [time(8)]})
    message = said(gather_external, *[STORES, other][::order])
    assert "the feature 'income' is in" in message
    assert "name it in ignore of [sources.external[1]] or of [sources.external[0]], or rename it" in message
    chosen = {"ignore": ("income",)}
    found = gather_external(*[(STORES, {}), (other, chosen)][::order])
    assert values(found["features"], "income") == [1.0, 2.0]


def test_a_wide_csv_file_is_classified_column_by_column(gather_external, write) -> None:
    names = [f"x{n:03}" for n in range(150)]
    rows = [[str(n % 3) for n in range(150)], ["text" if n % 50 == 7 else "" for n in range(150)]]
    path = write(
        "wide.csv", "\n".join(",".join(line) for line in [["store_id", *names], ["1", *rows[0]], ["2", *rows[1]]])
    )
    features = gather_external(path)["features"]
    assert [name for name in names if features[name].dtype != "float64"] == ["x007", "x057", "x107"]


def test_the_households_of_a_grocer_are_eleven_numbers_per_store(gather_external, completejourney: Path) -> None:
    path = str(completejourney / "external_sales.parquet")
    found = gather_external((path, {"columns": ExternalColumns(store_id="STORE_NBR")}))
    assert found["features"].shape == (108, 12)
    assert set(found["features"].dtypes.iloc[1:].astype(str)) == {"float64"}
    assert found["ignored"].empty
    assert found["labels"].empty
