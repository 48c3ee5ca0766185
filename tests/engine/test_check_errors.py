"""Raw files looked at before anything is built: all that is wrong, of all sources, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from engine.checked_files import Check, errors, frames, only, settings_of
from engine.workbooks import Error
from projects import SETTINGS

from pipeline.engine.external import gather as gather_external
from pipeline.engine.internal import gather as gather_internal
from pipeline.errors import RawDataError
from pipeline.settings import Engine, Settings


def test_faults_in_three_sources_are_all_told_in_one_go(check: Check) -> None:
    sales, needs, external = frames()
    sales = sales.rename(columns={"STORE": "STORE_NBR"})
    sales["SALES"] = sales["SALES"].astype(object).astype(str).where(sales.index > 0, "12,50")
    report = check(
        sales=sales,
        needs=needs.rename(columns={"NEED": "NEEDS", "SKU": "ARTICLE"}),
        external=pd.concat([external, external.iloc[:2].assign(INCOME=1.5)]).assign(AGE=np.inf),
    )
    told = errors(report)
    assert len(told) == 6, told
    assert "no column 'STORE' (did you mean 'STORE_NBR'?)" in told[0]
    assert "column 'SALES' is of type VARCHAR, where sales_value must be a number" in told[1]
    assert "no column 'SKU'" in told[2]
    assert "no column 'NEED' (did you mean 'NEEDS'?)" in told[3]
    assert told[3].endswith("set columns.need_state in [sources.need_states]")
    assert "2 stores have more than one row: '1', '2'" in told[4]
    assert "values that are infinite or beyond 1e+100 in 'AGE' (38)" in told[5]
    missing = report.sources[0].columns[0]
    assert (missing.type, missing.nearest, missing.nulls) == ("MISSING", ("STORE_NBR",), None)


def test_a_missing_column_does_not_hide_bad_values_in_another(check: Check, write: Callable[..., str]) -> None:
    sales, needs, _ = frames()
    sales["SALES"] = sales["SALES"].astype(str)
    sales.loc[3, "SALES"] = "12.50 and more"
    sales.loc[4, "SALES"] = ""
    sales.loc[5, "CAT"] = ""
    needs["WEIGHT"] = 1.0
    needs.loc[0, "WEIGHT"] = -1.0
    needs = pd.concat([needs, needs.iloc[[1]].assign(WEIGHT=3.0)])
    needs.loc[4, "WEIGHT"] = 0.0
    report = check(
        settings_of("need_states", weight="WEIGHT"),
        sales=write("sales.csv", sales.drop(columns="STORE")),
        needs=write("needs.csv", needs),
    )
    told = errors(report)
    assert len(told) == 7, told
    assert "no column 'STORE'" in told[0]
    assert "1 row without category (column 'CAT') of 864" in told[1]
    assert "1 value that is not a number, such as '12.50 and more'" in told[2]
    assert "missing, not finite or beyond 1e13 in 1 row of" in told[3]
    assert "SKU '0' has '-1.0'" in told[4]
    assert "SKU '1' serves 'need 0' with 1 and 3" in told[5]
    assert "sum to zero: SKU '20'" in told[6]


def test_keys_of_a_type_that_cannot_be_a_key_and_null_keys_are_told_of(check: Check) -> None:
    sales, _, external = frames()
    sales["CAT"] = pd.Timestamp("2024-01-01")
    sales["SKU"] = sales["SKU"].astype("Int64").where(sales.index > 6)
    external["STORE"] = external["STORE"].astype("Int64").where(external.index > 1)
    report = check(sales=sales, external=pd.concat([external, external.iloc[5:6].assign(AGE=1.5)]))
    told = errors(report)
    assert len(told) == 4, told
    assert "column 'CAT' is of type TIMESTAMP" in told[0]
    assert "7 rows without sku_id (column 'SKU') of 864" in told[1]
    assert "2 rows without store_id (column 'STORE') of 37" in told[2]
    assert "1 store has more than one row: '6'" in told[3]
    assert [one.nulls for one in report.sources[0].columns] == [0, 7, None, 0]
    assert report.sources[2].columns[0].nulls == 2


def test_each_file_that_cannot_be_read_is_told_of_and_the_others_are_looked_at(
    check: Check, write: Callable[..., str]
) -> None:
    sales, _, _ = frames()
    report = check(
        sales=[write("a.parquet", b"no parquet"), write("b.csv", ""), write("c.csv", "a,a\n"), sales],
        needs=write("d.xlsx", {"s": [["SKU", "CAT", "NEED"], ["1", Error("#N/A"), "x"]]}),
        external=write("e.csv", "STORE,NAME\n1,2\n2,3,4\n"),
    )
    told = errors(report)
    assert len(told) == 5, told
    for line, what in zip(
        told,
        ["a.parquet: cannot be read", "b.csv: the file is empty", "named more than once: a", "#N/A", "e.csv, line 3"],
        strict=True,
    ):
        assert what in line
    assert report.sources[0].rows == len(sales)
    waiting = [str(one) for one in report.not_looked_at]
    assert waiting[0] == "internal_sales: 3 of its 4 files, until they can be read"
    assert "external.0: values, until its rows can be read" in waiting


def test_a_source_without_files_leaves_the_others_to_be_looked_at(check: Check) -> None:
    _, _, external = frames()
    report = check(sales=None, external=external.assign(CONST=1))
    assert report.errors == ()
    assert report.sources[0].files == ()
    assert "'CONST' will not be used: constant: 1" in only(report.doubts)
    assert len(report.not_looked_at) == 3


def test_a_file_with_a_header_and_no_rows_is_an_error(check: Check, write: Callable[..., str]) -> None:
    sales, needs, external = frames()
    report = check(
        sales=write("s.csv", sales.iloc[:0]), needs=write("n.csv", needs.iloc[:0]), external=external.iloc[:0]
    )
    told = errors(report)
    assert len(told) == 3, told
    assert all(": no rows; " in line for line in told)


def test_names_in_the_settings_that_are_no_columns_are_told_of_list_by_list(check: Check) -> None:
    source = {
        "path": "x",
        "columns": {"store_id": "STORE"},
        "features": ["AGES", "INCOME"],
        "ignore": ["NOTE"],
        "labels": ["NAMES"],
    }
    report = check({"sources": {"external": [source]}})
    told = errors(report)
    assert len(told) == 3, told
    assert "features: not a column of" in told[0]
    assert "'AGES' (did you mean 'AGE'?)" in told[0]
    assert "'NOTE'" in told[1]
    assert "'NAMES' (did you mean 'NAME'?)" in told[2]
    missing = [(one.name, one.used_as) for one in report.sources[2].columns if one.type == "MISSING"]
    assert missing == [("AGES", "feature"), ("NOTE", "ignored"), ("NAMES", "label")]


def test_a_name_in_two_lists_is_an_error_and_hides_nothing_else(check: Check) -> None:
    _, _, external = frames()
    source = {"path": "x", "columns": {"store_id": "STORE"}, "ignore": ["NAME"], "labels": ["NAME", "NAMES"]}
    report = check({"sources": {"external": [source]}}, external=external.assign(CONST=1))
    told = errors(report)
    assert len(told) == 2, told
    assert "labels: not a column of" in told[0]
    assert "NAME stand more than once in features, ignore and labels" in told[1]
    assert "'CONST' will not be used" in only(report.doubts)


def test_files_of_an_external_source_with_other_columns_are_an_error(check: Check) -> None:
    _, _, external = frames()
    report = check(external=[external.iloc[:5], external.iloc[5:].drop(columns="AGE")])
    assert "no column 'AGE', which other files" in errors(report)[0]


def test_unknown_categories_in_include_and_exclude_are_told_of_both(check: Check) -> None:
    sales, _, _ = frames()
    sales["CAT"] = sales["CAT"].where(sales.index > 0)  # a row without any is told of as well
    report = check({"internal": {"preprocessing": {"include": ["Bred"], "exclude": ["Tee"]}}}, sales=sales)
    told = errors(report)
    assert len(told) == 3, told
    assert "1 row without category" in told.pop(0)
    assert "include: not a category of" in told[0]
    assert "'Bred' (did you mean 'Bread'?)" in told[0]
    assert "exclude: not a category of" in told[1]


def test_too_many_sales_without_a_need_state_are_an_error_and_some_a_doubt(check: Check) -> None:
    _, needs, _ = frames()
    needs = needs[(needs["CAT"] != "Coffee") & (needs["SKU"] != 0)]
    report = check(needs=needs, settings={"internal": {"preprocessing": {"max_unmapped_share": 0.5}}})
    assert "unmapped sales above max_unmapped_share in Coffee (100.0%, limit 50.0%)" in only(report.errors)
    doubt = only(report.doubts)
    assert "have sales in 1 category: Bread (" in doubt
    assert doubt.startswith("need_states: ")


def test_a_category_that_allows_unmapped_sales_by_an_override_is_only_a_doubt(check: Check) -> None:
    _, needs, _ = frames()
    report = check(
        {"internal": {"preprocessing": {"category": {"Coffee": {"max_unmapped_share": 1.0}}}}},
        needs=needs[needs["CAT"] != "Coffee"],
    )
    assert report.errors == ()
    assert "Coffee (100.0%)" in only(report.doubts)


def test_no_store_in_common_is_an_error(check: Check) -> None:
    _, _, external = frames()
    external["STORE"] += 1000
    told = only(check(external=external).errors)
    assert "no store of the sales ('1', '2', '3', '4', '5' and 31 more) is in the outside data ('1001', " in told


@pytest.mark.parametrize(("last_weeks", "kind"), [(None, "doubts"), (2, "errors")])
def test_weeks_that_cannot_be_read_are_an_error_where_they_are_needed(
    check: Check, last_weeks: int | None, kind: str
) -> None:
    sales, _, _ = frames()
    settings = settings_of("internal_sales", week="WEEK")
    if last_weeks:
        settings["internal"] = {"preprocessing": {"last_weeks": last_weeks}}
    sales["WEEK"] = "2024-01-31"
    assert check(settings, sales=sales).sources[0].columns[-1].type == "VARCHAR"
    sales.loc[0, "WEEK"] = "week five"
    report = check(settings, sales=sales)
    found = only(getattr(report, kind))
    assert len(report.errors) + len(report.doubts) == 1
    assert "such as 'week five'" in found or "VARCHAR, where a week" in found


def test_a_missing_week_column_is_a_doubt_where_nothing_needs_it(check: Check) -> None:
    report = check(settings_of("internal_sales", week="WEEK"))
    assert report.errors == ()
    assert "no column 'WEEK'" in only(report.doubts)


FAULTS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], Any]] = {
    "columns": lambda sales, needs, external: (sales.drop(columns="SKU"), needs.drop(columns="NEED"), external),
    "values": lambda sales, needs, external: (
        sales.assign(SALES=sales["SALES"].where(sales.index > 3)),
        needs.assign(NEED=needs["NEED"].where(needs.index > 3)),
        external.assign(AGE=1e200),
    ),
    "units": lambda sales, needs, external: (sales.assign(SALES=0.0049), needs, external.iloc[:0]),
    "keys": lambda sales, needs, external: (
        sales.assign(CAT=sales["CAT"].where(sales.index > 3)),
        needs.assign(NEED="UNMAPPED"),
        pd.concat([external, external]),
    ),
}


def _refused(call: Callable[[], Any]) -> list[str]:
    try:
        call()
    except RawDataError as error:
        return error.lines
    return []


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_run_would_refuse_is_told_in_the_words_of_the_run(check: Check, engine: Engine, fault: str) -> None:
    sales, needs, external = FAULTS[fault](*frames())
    report = check(sales=sales, needs=needs, external=external)
    told = {one.text for one in report.errors}
    settings = msgspec.convert(SETTINGS, Settings)
    files = {one.source: list(one.files) for one in report.sources}
    chosen = settings.internal.preprocessing
    refusals = [
        *_refused(lambda: gather_internal(files, settings.sources, chosen, engine)),
        *_refused(lambda: gather_external(files, settings.sources, engine)),
    ]
    assert refusals
    assert set(refusals) - told == set()
    assert len(told) >= len(refusals)
