"""Raw files looked at before anything is built: what would run, but should be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine.checked_files import Check, errors, frames, only


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda n: np.full(n, 7.0), "will not be used: constant: 7.0"),
        (lambda n: np.where(np.arange(n) < 30, np.nan, np.arange(n)), "will not be used: missing in 83.3%"),
        (lambda n: np.where(np.arange(n) < 12, np.nan, np.arange(n) % 7), "is missing in 33.3% of the stores"),
        (lambda n: [f"text {i}" for i in range(n)], "will not be used: an identifier: 36 different texts"),
        (lambda n: [f"text {i % 30}" for i in range(n)], "will not be used: 30 levels (limit 20)"),
        (lambda n: [f"text {i % 12}" for i in range(n)], "has 12 levels, and becomes as many features"),
        (
            lambda n: [[number] for number in range(n)],
            "will not be used: its type BIGINT[] is neither a number, a date nor a text",
        ),
    ],
)
def test_a_doubtful_feature_is_told_of_once(check: Check, values: Callable[[int], Any], said: str) -> None:
    _, _, external = frames()
    report = check(external=external.assign(ODD=values(36)))
    assert report.errors == ()
    found = only(report.doubts)
    assert found.startswith("external.0: ")
    assert f"column 'ODD' {said}" in found


def test_numbers_under_the_name_of_an_identifier_are_doubtful(check: Check) -> None:
    _, _, external = frames()
    report = check(external=external.assign(AREA_CODE=external["STORE"] % 25 + 0.5))
    assert "column 'AREA_CODE' looks like an identifier" in only(report.doubts)
    report = check(external=external.assign(AREA_CODE=external["STORE"] % 5))
    assert "column 'AREA_CODE' has whole numbers that look like codes, such as 0, 1, 2, 3" in only(report.doubts)


def test_features_that_say_the_same_are_doubtful(check: Check) -> None:
    _, _, external = frames()
    report = check(external=external.assign(INCOME_TWICE=2 * external["INCOME"]))
    assert "'INCOME_TWICE' will not be used: " in only(report.doubts)


def test_columns_without_a_name_are_doubtful(check: Check, write: Callable[..., str]) -> None:
    _, _, external = frames()
    report = check(external=write("e.csv", external.assign(x=1).rename(columns={"x": ""})))
    assert "1 column has no name in the header (position 5)" in only(report.doubts)


def test_one_feature_in_two_sources_is_an_error(check: Check) -> None:
    _, _, external = frames()
    two = [
        {"path": "x", "columns": {"store_id": "STORE"}, "labels": ["NAME"]},
        {"path": "y", "columns": {"store_id": "STORE"}},
    ]
    report = check(
        {"sources": {"external": two}},
        **{"external.0": external, "external.1": external[["STORE", "AGE"]]},
    )
    assert "the feature 'AGE' is in " in only(report.errors)


def test_stores_that_only_one_side_knows_are_doubtful(check: Check) -> None:
    _, _, external = frames()
    external.loc[:1, "STORE"] = [900, 901]
    first, second = (str(one) for one in check(external=external).doubts)
    assert first.startswith("all sources: 2 stores of the sales not in the outside data: '1', '2';")
    assert second.startswith("all sources: 2 stores of the outside data without sales: '900', '901';")


def test_keys_that_differ_only_in_leading_zeros_or_case_are_doubtful(check: Check) -> None:
    _, needs, external = frames()
    external["STORE"] = [f"{store:03d}" for store in external["STORE"]]
    needs["CAT"] = needs["CAT"].replace("Bread", "BREAD")
    report = check({"internal": {"preprocessing": {"max_unmapped_share": 1.0}}}, external=external, needs=needs)
    told = [str(one) for one in report.doubts]
    assert any(
        "category written in ways" in line and "'BREAD' in need_states beside 'Bread' in internal_sales" in line
        for line in told
    )
    stores = next(line for line in told if "stores written in ways" in line)
    assert "36 stores" in stores
    assert "'001' in external.0 beside '1' in internal_sales" in stores
    assert stores.count("beside") == 3
    assert "and 33 more" in stores


def test_rows_that_are_there_twice_in_the_need_states_are_doubtful(check: Check) -> None:
    _, needs, _ = frames()
    report = check(needs=pd.concat([needs, needs.iloc[:2], needs.iloc[:1]]))
    assert "3 rows are there more than once, such as those of SKU '0', '1'" in only(report.doubts)


def test_a_category_with_too_few_stores_to_be_split_is_doubtful(check: Check) -> None:
    sales, _, _ = frames()
    report = check(sales=sales[(sales["CAT"] != "Bread") | (sales["STORE"] <= 9)])
    assert "1 category is sold by too few stores to be split, and will have one cluster: 'Bread' (9, needs 10)" in only(
        report.doubts
    )


@pytest.mark.parametrize("category", [None, "Coffee"])
def test_a_weight_for_an_unknown_need_state_is_doubtful(check: Check, category: str | None) -> None:
    clustering: dict[str, Any] = {"weights": {"ned a": 2.0, "(rare)": 2.0}}
    if category:
        clustering = {"category": {category: clustering}}
    doubt = only(check({"internal": {"clustering": clustering}}).doubts)
    assert "weights.'ned a': has no effect: there is no such need state" in doubt.replace('"', "'")


@pytest.mark.parametrize("section", ["internal.preprocessing", "internal.clustering", "merging", "assign"])
def test_an_override_for_an_unknown_category_is_doubtful(check: Check, section: str) -> None:
    key = {
        "merging": "method",
        "assign": "min_sales_share",
        "internal.clustering": "k",
        "internal.preprocessing": "unmapped",
    }[section]
    value = {"method": "cross", "min_sales_share": 0.5, "k": 2, "unmapped": "drop"}[key]
    settings: dict[str, Any] = {"category": {"Coffe": {key: value}}}
    for part in reversed(section.split(".")):
        settings = {part: settings}
    doubt = only(check(settings).doubts)
    assert f"{section}.category.Coffe: has no effect: the data has no such category (did you mean 'Coffee'?)" in doubt


def test_a_feature_that_only_a_closed_store_makes_vary_is_told_of_as_the_run_would(check: Check) -> None:
    _, _, external = frames()
    external["AGE"] = 1.0
    external.loc[0, "AGE"] = 9.0
    closed = {"stores": {"closed": [str(external.loc[0, "STORE"])]}}
    assert not [one for one in check(external=external).doubts if "AGE" in str(one)]
    assert [one for one in check(closed, external=external).doubts if "AGE" in str(one)]
    only_age = check(closed, external=external[["STORE", "NAME", "AGE"]])
    assert "no feature of the outside data can be used" in " ".join(errors(only_age))


def test_stores_that_the_settings_name_and_no_source_has_are_doubtful(check: Check) -> None:
    report = check({"stores": {"closed": [" 7 "], "held_out": ["07"]}})
    assert only(report.doubts) == (
        "all sources: stores.held_out: no source has the store '07' (did you mean '7'?); correct the name, or remove it"
    )
