"""Raw files looked at before anything is built: all that is wrong or doubtful, of all sources, at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from engine.workbooks import Error
from projects import SETTINGS, raw_frames

from pipeline.duck.spill import subfolder
from pipeline.engine.checks.all_sources import Report, look
from pipeline.engine.external import gather as gather_external
from pipeline.engine.internal import gather as gather_internal
from pipeline.errors import RawDataError
from pipeline.settings import Engine, Settings

Check = Callable[..., Report]


def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Good raw files, whose two features do not say the same."""
    sales, needs, external = raw_frames()
    return sales, needs, external.assign(AGE=30.5 + external["STORE"] % 7)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


@pytest.fixture
def check(write: Callable[..., str], engine: Engine) -> Check:
    """Check the good raw files, or others in their place: tables, or paths; None is a missing source."""

    def checked(settings: dict[str, Any] | None = None, **given: Any) -> Report:
        sales, needs, external = frames()
        sources = {"internal_sales": sales, "need_states": needs, "external.0": external} | {
            {"sales": "internal_sales", "needs": "need_states", "external": "external.0"}.get(name, name): value
            for name, value in given.items()
        }
        files = {}
        for name, content in sources.items():
            if content is not None:
                whole = [content] if isinstance(content, str | pd.DataFrame) else content
                files[name] = [
                    one if isinstance(one, str) else write(f"{name}{n}.parquet", one) for n, one in enumerate(whole)
                ]
        return look(files, msgspec.convert(_merged(SETTINGS, settings or {}), Settings), engine)

    return checked


def errors(report: Report) -> list[str]:
    return [str(one) for one in report.errors]


def only(found: tuple[Any, ...]) -> str:
    """The one line of these."""
    assert len(found) == 1, [str(one) for one in found]
    assert found[0].text.isprintable()
    return str(found[0])


def settings_of(source: str, **columns: str) -> dict[str, Any]:
    return {"sources": {source: {"columns": columns}}}


# what is good


def test_good_files_have_nothing_to_object_to_and_their_columns_are_told(check: Check) -> None:
    report = check()
    assert (report.errors, report.doubts, report.not_looked_at) == ((), (), ())
    sales, needs, external = report.sources
    assert (sales.rows, needs.rows, external.rows) == (36 * 24, 24, 36)
    assert sales.facts == {"stores": 36, "SKUs": 24, "categories": 3}
    assert [(one.name, one.used_as, one.type, one.nulls) for one in sales.columns] == [
        ("STORE", "store_id", "BIGINT", 0),
        ("SKU", "sku_id", "BIGINT", 0),
        ("CAT", "category", "VARCHAR", 0),
        ("SALES", "sales_value", "DOUBLE", 0),
    ]
    assert [(one.name, one.used_as, one.nulls) for one in external.columns] == [
        ("STORE", "store_id", 0),
        ("AGE", "feature", 0),
        ("INCOME", "feature", 0),
        ("NAME", "label", 0),
    ]


def test_a_category_that_sold_nothing_in_sum_is_doubted(check: Check) -> None:
    sales, _, _ = frames()
    sales.loc[sales["CAT"] == "Coffee", "SALES"] *= -1
    report = check(sales=sales)
    (told,) = [str(one) for one in report.doubts if "above zero" in str(one)]
    assert "the sales of 1 category are not above zero: Coffee; " in told


def test_columns_that_nothing_names_are_listed_as_unused_and_nulls_of_features_are_counted(check: Check) -> None:
    sales, _, external = frames()
    external.loc[:2, "AGE"] = np.nan
    report = check(
        {"sources": {"external": [{"path": "x", "columns": {"store_id": "STORE"}, "features": ["AGE", "INCOME"]}]}},
        sales=sales.assign(UNITS=1),
        external=external,
    )
    assert report.errors == ()
    assert report.sources[0].unused == ("UNITS",)
    assert report.sources[2].unused == ("NAME",)
    assert [(one.name, one.nulls) for one in report.sources[2].columns] == [("STORE", 0), ("AGE", 3), ("INCOME", 0)]


# what is wrong, in several sources at once


def test_faults_in_three_sources_are_all_told_in_one_go(check: Check) -> None:
    sales, needs, external = frames()
    sales = sales.rename(columns={"STORE": "STORE_NBR"})
    sales["SALES"] = sales["SALES"].astype(object).astype(str).where(sales.index > 0, "12,50")
    report = check(
        sales=sales,
        needs=needs.rename(columns={"NEED": "NEEDS", "SKU": "ARTICLE"}),
        external=pd.concat([external, external.iloc[:2]]).assign(AGE=np.inf),
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
    sales.loc[3, "SALES"] = "12.50-"
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
    assert "1 text that are no number, such as '12.50-'" in told[2].replace("1 texts", "1 text")
    assert "missing, not finite or beyond 1e13 in 1 row of" in told[3]
    assert "SKU '0' has '-1.0'" in told[4]
    assert "SKU '1' serves 'need 0' with 1 and 3" in told[5]
    assert "sum to zero: SKU '20'" in told[6]


def test_keys_of_a_type_that_cannot_be_a_key_and_null_keys_are_told_of(check: Check) -> None:
    sales, _, external = frames()
    sales["CAT"] = pd.Timestamp("2024-01-01")
    sales["SKU"] = sales["SKU"].astype("Int64").where(sales.index > 6)
    external["STORE"] = external["STORE"].astype("Int64").where(external.index > 1)
    report = check(sales=sales, external=pd.concat([external, external.iloc[5:6]]))
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


# what would run, but should be looked at


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda n: np.full(n, 7.0), "will not be used: constant: 7.0"),
        (lambda n: np.where(np.arange(n) < 30, np.nan, np.arange(n)), "will not be used: missing in 83.3%"),
        (lambda n: np.where(np.arange(n) < 12, np.nan, np.arange(n) % 7), "is missing in 33.3% of the stores"),
        (lambda n: [f"text {i}" for i in range(n)], "will not be used: an identifier: 36 different texts"),
        (lambda n: [f"text {i % 30}" for i in range(n)], "will not be used: 30 levels (limit 20)"),
        (lambda n: [f"text {i % 12}" for i in range(n)], "has 12 levels, and becomes as many features"),
        (lambda n: pd.date_range("2024-01-01", periods=n), "will not be used: its type TIMESTAMP"),
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
    report = check(external=external.assign(AREA_CODE=external["STORE"] % 5))
    assert "column 'AREA_CODE' looks like an identifier" in only(report.doubts)


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


# what it costs


def test_nothing_is_left_in_the_spill_folder(check: Check, tmp_path: Path) -> None:
    check()
    assert list(subfolder(str(tmp_path / "spill")).iterdir()) == []


def test_stores_that_the_settings_name_and_no_source_has_are_doubtful(check: Check) -> None:
    report = check({"stores": {"closed": [" 7 "], "held_out": ["07"]}})
    assert only(report.doubts) == (
        "all sources: stores.held_out: no source has the store '07' (did you mean '7'?); correct the name, or remove it"
    )


# overrides

OVERRIDES = {"sources": {"overrides": {"path": "data/raw/overrides.parquet"}}}


def by_hand(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store_id", "category", "cluster", "reason"])


def test_overrides_are_told_and_what_is_wrong_with_a_row_or_in_no_source_is_an_error(check: Check) -> None:
    rows = by_hand(
        ("77", "Bread", "1", "x"), ("7", "Bred", "1", "x"), ("8", "Bread", "0", "x"), (None, "Bread", "1", "x")
    )
    report = check(OVERRIDES, overrides=rows)
    seen = report.sources[-1]
    assert (seen.source, seen.rows, [column.nulls for column in seen.columns]) == ("overrides", 4, [1, 0, 0, 0])
    assert [one.text.partition(".parquet: ")[2] or one.text for one in report.errors] == [
        "category 'Bread': no store_id; correct the row, or remove it",
        "store '8', category 'Bread': cluster '0', where a whole number from 1 is needed; correct the row, or remove it",
        "category 'Bred' (did you mean 'Bread'?) is none of the sales' chosen ones",
        "store '77', category 'Bread': neither the sales nor the outside data have the store",
    ]


def test_overrides_without_a_reference_are_doubtful(check: Check) -> None:
    rows = by_hand(("7", "Bread", 1, "x"))
    assert only(check(OVERRIDES, overrides=rows).doubts).startswith("overrides: merging.reference names no pin")
    kept = check(OVERRIDES | {"merging": {"reference": "spring"}}, overrides=rows)
    assert (kept.errors, kept.doubts) == ((), ())


def test_overrides_that_cannot_be_read_are_named_and_the_rest_is_looked_at(check: Check) -> None:
    report = check(OVERRIDES, overrides=by_hand(("7", "Bread", 1, "x")).drop(columns="reason"))
    assert "no column 'reason'" in only(report.errors)
    assert only(report.not_looked_at) == "overrides: values, until its rows can be read"
