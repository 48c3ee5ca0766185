from __future__ import annotations

import pandas as pd
import pytest
from engine.given import MAP, SALES, said

from pipeline.errors import SettingsError
from pipeline.settings import CsvSettings

WEIGHTED = {"category": "category", "weight": "weight"}


def test_all_missing_columns_are_named_with_the_nearest_and_the_setting(gather_internal, write) -> None:
    path = write("sales.parquet", SALES.rename(columns={"store_id": "STORE_NBR", "sku_id": "sku"}))
    columns = {"store_id": "STORE_NO", "sku_id": "sku_id", "category": "zzz"}
    message = said(gather_internal, [path], columns=columns)
    assert message == (
        f"{path}: no column 'STORE_NO' (did you mean 'STORE_NBR'?), 'sku_id' (did you mean 'sku'?), 'zzz'; found: STORE_NBR, sku, "
        "category, sales_value; set columns.store_id, columns.sku_id, columns.category in [sources.internal_sales]"
    )


def test_the_file_that_lacks_a_column_is_named(gather_internal, write) -> None:
    paths = [write("a.parquet", SALES), write("b.csv", "store_id,sku_id,category\n1,a,Bread\n")]
    assert said(gather_internal, paths).startswith(f"{paths[1]}: no column 'sales_value'; found")


def test_missing_keys_are_counted(gather_internal, write) -> None:
    path = write("sales.csv", 'store_id,sku_id,category,sales_value\n,a,Bread,1\n1, ,Bread,1\n1,"",Bread,1\n1,a,C,1\n')
    assert said(gather_internal, [path]) == (
        f"{path}: 1 row without store_id (column 'store_id'), 2 rows without sku_id (column 'sku_id') of 4; every sale needs "
        "its keys: fill them in, or remove the rows"
    )
    path = write("map.csv", "sku_id,category,need_state\na,Bread,\n,Bread,x\na,,x\n")
    assert (
        "1 row without sku_id (column 'sku_id'), 1 row without need_state (column 'need_state'), 1 row without"
        in said(gather_internal, SALES, [path])
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1.1e13, -1.1e13])
def test_values_that_are_no_amount_are_counted(gather_internal, value: float) -> None:
    rows = pd.concat([SALES, SALES.assign(sales_value=value)])
    assert "column 'sales_value' is missing, not finite or beyond 1e13 in 1 row of 2; correct them" in said(
        gather_internal, rows
    )


def test_an_empty_value_is_counted_and_a_text_is_shown(gather_internal, write) -> None:
    head = "store_id,sku_id,category,sales_value\n"
    path = write("a.csv", head + "1,a,Bread,\n1,a,Bread,2\n")
    assert "in 1 row of 2" in said(gather_internal, [path])
    path = write("b.csv", head + "1,a,Bread,\n1,a,Bread,n/a\n1,a,Bread,-\n")
    assert 'has 2 values that are not numbers, such as \'-\'; set missing = ["n/a"] and zero = ["-"] in' in said(
        gather_internal, [path]
    )
    csv = CsvSettings(decimal=",")
    path = write("c.csv", head + "1,a,Bread,1.5\n")
    assert "'1.5'" in said(gather_internal, [path], csv=csv)


def test_amounts_that_cents_cannot_hold_are_not_in_currency_units(gather_internal) -> None:
    rows = pd.DataFrame(
        {"store_id": "1", "sku_id": "a", "category": ["Bread"] * 9 + ["Milk"], "sales_value": [0.00123] * 9 + [5.014]}
    )
    message = said(gather_internal, rows)
    assert (
        "looks not to be in currency units: rounding what a store sold of a SKU to cents changes it by more than 5% in Bread (9.67%);"
        in message
    )
    assert "Milk" not in message


def test_amounts_in_whole_currency_and_unbiased_fractions_pass(gather_internal) -> None:
    rows = pd.DataFrame(
        {"store_id": "1", "sku_id": "a", "category": "Bread", "sales_value": [100.004, 100.006, 100.0, 0.0]}
    )
    assert gather_internal(rows, MAP)["sales"]["sales_cents"].tolist() == [30001]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("store_id", [[1]], "column 'store_id' is of type BIGINT[], where store_id must be text or a number"),
        ("sku_id", [True], "column 'sku_id' is of type BOOLEAN, where sku_id must be text or a number"),
        ("sales_value", ["1.0"], "column 'sales_value' is of type VARCHAR, where sales_value must be a number"),
    ],
)
def test_a_column_of_another_type_is_named(gather_internal, column: str, values: list, expected: str) -> None:
    assert expected in said(gather_internal, SALES.assign(**{column: values}))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"include": ("Bred",)},
            "include: not a category of {}: 'Bred' (did you mean 'Bread'?); name one of its 1 category",
        ),
        ({"exclude": ("Xyz",)}, "exclude: not a category of {}: 'Xyz'; name one"),
        ({"exclude": ("Bread",)}, "include, exclude and last_weeks leave no row"),
        ({"include": ()}, "include, exclude and last_weeks leave no row"),
    ],
)
def test_a_choice_that_cannot_be_made_is_an_error_of_the_settings(gather_internal, write, options, expected) -> None:
    path = write("s.parquet", SALES)
    assert expected.format(path) in said(gather_internal, [path], error=SettingsError, **options)


def test_last_weeks_needs_to_know_the_week(gather_internal) -> None:
    message = said(gather_internal, SALES, error=SettingsError, last_weeks=4)
    assert "last_weeks = 4 needs to know the week of each sale; set week in [sources.internal_sales] columns" in message


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ("1\nsoon", "column 'week': 1 of 2 rows have no week that can be read, such as 'soon'"),
        ("1\n1.5", "column 'week': 1 of 2 rows have no week that can be read, such as '1.5'"),
        ("1\n", "1 row without a week in column 'week';"),
        ("1\n2024-01-01", "no week that can be read, such as '1'; the others are written as '2024-01-01' (YMD)"),
    ],
)
def test_a_row_without_a_week_cannot_be_placed(gather_internal, write, weeks: str, expected: str) -> None:
    lines = "".join(f"1,a,Bread,1,{week}\n" for week in weeks.split("\n"))
    path = write("s.csv", "store_id,sku_id,category,sales_value,week\n" + lines)
    assert expected in said(gather_internal, [path], columns={"week": "week"}, last_weeks=1)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("b", "Bread", "A", None), ("a", "Bread", "A", None)], "not a weight in 2 rows: SKU 'a' has missing;"),
        ([("a", "Bread", "A", -1.0)], "not a weight in 1 row: SKU 'a' has '-1.0';"),
        ([("a", "Bread", "A", float("inf"))], "not a weight in 1 row: SKU 'a' has 'inf';"),
        ([("a", "Bread", "A", 0.0), ("a", "Bread", "B", 0.0)], "the weights of 1 SKU sum to zero: SKU 'a';"),
        (
            [("a", "Bread", "A", 1.0), (" a", "Bread", "A", 2.0)],
            "1 need state of a SKU has two weights: SKU 'a' serves 'A' with 1 and 2; leave one",
        ),
        ([("a", "Bread", " UNMAPPED", 1.0)], "1 row with the need state UNMAPPED, which stands for SKUs"),
    ],
)
def test_a_map_that_cannot_split_names_the_first_sku(gather_internal, rows, expected: str) -> None:
    weights = pd.DataFrame(rows, columns=["sku_id", "category", "need_state", "weight"])
    weights["weight"] = weights["weight"].astype("float64")
    assert expected in said(gather_internal, SALES, weights, map_columns=WEIGHTED)


def test_a_weight_that_is_text_is_shown(gather_internal, write) -> None:
    path = write("map.csv", "sku_id,category,need_state,weight\na,Bread,A,half\n")
    assert "SKU 'a' has 'half'" in said(gather_internal, SALES, [path], map_columns=WEIGHTED)


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_an_empty_file_is_named(gather_internal, write, name: str) -> None:
    path = write(name, b"")
    assert said(gather_internal, [path]).startswith(f"{path}: the file is empty; write it again")
    path = write(name, SALES[:0])
    assert said(gather_internal, [path]).startswith(f"{path}: no rows; write the file again")
    assert said(gather_internal, SALES, [write("m.parquet", MAP[:0])]).endswith("change path in [sources.need_states]")


def test_a_file_that_is_not_what_its_name_says_is_named(gather_internal, write) -> None:
    path = write("s.parquet", b"PAR1 this is no Parquet PAR1")
    assert said(gather_internal, [path]).startswith(f"{path}: cannot be read: ")
    path = write("s.json", b"x")
    assert said(gather_internal, [path]).startswith(f"{path}: not a known type of file; write Parquet")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1,a,Bread", "line 3: 3 fields where the header has 4"),
        ("1,a,Bread,1,2", "line 3: 5 fields where the header has 4"),
        ('1,"a,Bread,1', "line 3: a quoted value does not end"),
        (
            "1,a,Br\xe9ad,1",
            'line 3: bytes that are not text in utf-8; set encoding in [sources.internal_sales] csv to "cp1252" (reads',
        ),
    ],
)
def test_a_line_that_is_not_like_the_others_is_named(gather_internal, write, line: str, expected: str) -> None:
    path = write("s.csv", f"store_id,sku_id,category,sales_value\n1,a,Bread,1\n{line}\n".encode("latin-1"))
    message = said(gather_internal, [path])
    assert message.startswith(f"{path}, {expected}")
    assert "[sources.internal_sales] csv" in message


def test_a_week_of_a_type_that_is_none_is_named(gather_internal) -> None:
    message = said(gather_internal, SALES.assign(week=True), columns={"week": "week"}, last_weeks=1)
    assert (
        "column 'week' is of type BOOLEAN, where a week must be a whole number, a date or a text; set columns.week"
        in message
    )


def test_a_sum_that_64_bits_cannot_hold_is_one_line(gather_internal) -> None:
    rows = pd.concat([SALES.assign(sales_value=1e13)] * 9300)
    assert "cannot be read: " in said(gather_internal, rows)
