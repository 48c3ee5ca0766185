"""Raw files as people have them: each read as meant, or said by name. The same kinds with other spellings: the tests beside this one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine.found.cases import Case

Found = Callable[[str], Case]
BOTH = {"Bread": 14038.12, "Coffee": 14840.38}
LAST_TWO_WEEKS = {"Bread": 7472.67, "Coffee": 7142.92}


def sales_source(**settings: object) -> dict[str, object]:
    return {"sources": {"internal_sales": settings}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("amount_trailing_minus", {"Bread": 13818.0, "Coffee": 14840.38}),
        ("category_only_in_product_table", BOTH),
        ("store_key_of_two_columns", BOTH),
        ("weeks_dmy", LAST_TWO_WEEKS),
        ("weeks_excel_serial", LAST_TWO_WEEKS),
        ("weeks_m5_1yyww", BOTH),
        ("weeks_wwyyyy", LAST_TWO_WEEKS),
        ("weeks_yyww", BOTH),
    ],
)
def test_what_can_be_read_with_certainty_is_read_as_meant(found: Found, name: str, expected: dict[str, float]) -> None:
    case = found(name)
    assert case.sales() == expected
    assert case.errors() == []


@pytest.mark.parametrize(
    ("name", "setting", "settings", "expected"),
    [
        ("csv_preamble", "header_row = 4", {"csv": {"header_row": 4}}, BOTH),
        ("csv_windows_1252", '"cp1252"', {"csv": {"encoding": "cp1252", "delimiter": ";"}}, {"Brot \u2013 „hell“": 14038.12, "Kaffee ab 3 €": 14840.38}),
        ("excel_merged_store", 'fill_down = ["STORE"]', {"excel": {"fill_down": ["STORE"]}}, BOTH),
        ("excel_sheet_per_period", 'sheet = "KW*"', {"excel": {"sheet": "KW*"}}, BOTH),
        ("excel_text_thousands", 'thousands = "."', {"excel": {"thousands": "."}}, {"Bread": 1403801.0, "Coffee": 1484027.0}),
        ("units_times_price", '"UNITS * UNIT_PRICE"', {"columns": {"sales_value": "UNITS * UNIT_PRICE"}}, BOTH),
        ("wide_weeks", "week_columns", {"week_columns": ["2024*"]}, BOTH),
    ],
)  # fmt: skip
def test_what_a_setting_settles_is_an_error_that_names_it(
    found: Found, name: str, setting: str, settings: dict[str, object], expected: dict[str, float]
) -> None:
    case = found(name)
    assert any(setting in error for error in case.errors()), case.errors()
    assert case.errors(**sales_source(**settings)) == []
    assert case.sales(**sales_source(**settings)) == expected


@pytest.mark.parametrize(
    ("name", "words", "settings"),
    [
        ("folder_csv_and_xlsx", ("sales.csv", "sales.xlsx", "the same"), {"path": "data/raw/m/*.csv"}),
        ("total_store_rows", ("'Total'", "all others together", 'exclude_rows = { STORE = ["Total"] }'), {"exclude_rows": {"STORE": ["Total"]}}),
    ],
)  # fmt: skip
def test_what_is_there_twice_is_doubted_by_check_and_run(
    found: Found, name: str, words: tuple[str, ...], settings: dict[str, object]
) -> None:
    case = found(name)
    (doubt,) = [one for one in case.doubts() if words[0] in one and words[1] in one]
    assert all(word in doubt for word in words)
    assert doubt.removeprefix("internal_sales: ") in case.gathered().doubts
    if name == "total_store_rows":
        assert case.sales(**sales_source(**settings)) == BOTH
        assert case.doubts(**sales_source(**settings)) == []


def test_a_category_that_is_the_sku_is_doubted_as_nothing_can_come_of_it(found: Found) -> None:
    case = found("category_is_sku")
    (doubt,) = case.doubts()
    assert "one need state" in doubt
    assert doubt.partition(": ")[2] in case.gathered().doubts


def test_skus_in_scientific_notation_are_an_error(found: Found) -> None:
    errors = found("sku_scientific").errors()
    assert any("internal_sales" in error and "8.71E+12" in error and "precision" in error for error in errors), errors
    assert any("need_states" in error and "8.71E+12" in error for error in errors)


def test_amounts_with_four_decimals_are_exact_to_the_last(found: Found) -> None:
    case = found("subcent_amounts")
    assert case.sales() == pytest.approx({"Bread": 14039.0608, "Coffee": 14841.3208}, abs=1e-9)
    assert (case.errors(), case.doubts()) == ([], [])


def test_a_store_key_of_two_columns_has_twelve_stores(found: Found) -> None:
    case = found("store_key_of_two_columns")
    assert case.outside()["features"]["store_id"].tolist()[:2] == ["10 / 1", "10 / 2"]
    assert len(case.outside()["features"]) == 12
    assert not [one for one in case.doubts() if "not in the outside data" in one]


def test_attributes_that_repeat_identically_count_once(found: Found) -> None:
    features = found("attributes_repeat_identically").outside()["features"]
    assert features.shape == (12, 4)
    assert found("attributes_repeat_identically").errors() == []


def test_dates_are_one_numeric_feature(found: Found) -> None:
    opened = found("feature_date_levels").outside()["features"]["OPENED"]
    assert opened.dtype == "float64"
    assert opened.iloc[0] == pytest.approx(2012.4153, abs=1e-4)  # 1 June 2012


def test_codes_are_doubted_and_become_levels_where_the_setting_says_so(found: Found) -> None:
    case = found("feature_integer_codes")
    (doubt,) = case.doubts()
    assert "'FORMAT'" in doubt
    assert 'categorical = ["FORMAT"]' in doubt
    assert doubt.removeprefix("external.0: ") in case.outside().doubts
    assert case.doubts(external={"categorical": ["FORMAT"]}) == []
    levels = case.outside(external={"categorical": ["FORMAT"]})["features"]["FORMAT"]
    assert set(levels) == {"10", "20", "30", "90"}
    assert levels.dtype == object


def test_na_beside_numbers_is_doubted_and_missing_where_the_setting_says_so(found: Found) -> None:
    case = found("feature_na_few_values")
    (doubt,) = case.doubts()
    assert "'COMPETITORS'" in doubt
    assert 'missing = ["NA"]' in doubt
    assert doubt.removeprefix("external.0: ") in case.outside().doubts
    read = case.outside(external={"csv": {"missing": ["NA"]}})["features"]["COMPETITORS"]
    assert read.dtype == "float64"
    assert read.isna().any()


def test_the_row_number_of_pandas_is_no_feature(found: Found) -> None:
    case = found("feature_pandas_index")
    assert list(case.outside()["features"].columns) == ["store_id", "AGE", "INCOME", "URBAN"]
    assert case.outside()["ignored"]["feature"].tolist() == ["__index_level_0__"]
