"""Keys and weeks as files have them: of several columns, in scientific notation, a column per week, years beside weeks."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from engine.given import MAP, SALES, said

from pipeline.engine.gathered import Gathered

Gather = Callable[..., Gathered]
HEAD = "store_id,sku_id,category,sales_value\n"


@pytest.mark.parametrize("key", ["8.71E+12", "8,71E+12", "8.71e+12", "1E+15", "4.00638E+12"])
@pytest.mark.parametrize("of", ["store_id", "sku_id"])
def test_a_key_in_scientific_notation_is_an_error(gather_internal: Gather, of: str, key: str) -> None:
    sales = pd.concat([SALES, SALES.assign(**{of: key})])
    message = said(gather_internal, sales, MAP)
    assert f"1 key of column '{of}' in scientific notation, such as '{key}'" in message
    assert "precision is lost" in message


@pytest.mark.parametrize("key", ["8.71E12", "E+12", "5E10", "12E4", "1E", "A1E+10"])
def test_a_code_with_an_e_is_a_key(gather_internal: Gather, key: str) -> None:
    assert gather_internal(SALES.assign(store_id=key), MAP)["sales"]["store_id"].tolist() == [key]


def test_a_need_state_map_and_outside_data_with_such_keys_are_refused(gather_internal: Gather, gather_external) -> None:
    assert "column 'sku_id' in scientific notation" in said(gather_internal, SALES, MAP.assign(sku_id="8.71E+12"))
    assert "column 'store_id' in scientific" in said(
        gather_external, pd.DataFrame({"store_id": ["8.71E+12"], "x": [1]})
    )


def test_a_key_of_several_columns_tells_apart_what_a_blank_join_would_not(gather_internal: Gather) -> None:
    rows = pd.DataFrame(
        {
            "A": ["x / y", "x", "x", "7"],
            "B": ["z", "y / z", "y", 8],
            "sku_id": "a",
            "category": "Bread",
            "sales_value": 1.0,
        }
    ).astype({"B": str})
    found = gather_internal(rows, MAP, columns={"store_id": ("A", "B")})
    assert sorted(found["sales"]["store_id"]) == ["7 / 8", "x / y", "x / y // z", "x // y / z"]


def test_a_part_of_a_key_that_is_missing_is_named(gather_internal: Gather, write) -> None:
    path = write("s.csv", "CHAIN,BRANCH,sku_id,category,sales_value\n1,,a,Bread,2\n1,2,a,Bread,2\n")
    assert "1 row without store_id (column 'CHAIN + BRANCH') of 2" in said(
        gather_internal, [path], MAP, columns={"store_id": ("CHAIN", "BRANCH")}
    )
    assert "no column 'CHAINS' (did you mean 'CHAIN'?)" in said(
        gather_internal, [path], MAP, columns={"store_id": ("CHAINS", "BRANCH")}
    )


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["202401", "202402", "202403"], ("2024*",)),
        (["W01 2024", "W02 2024", "W03 2024"], ("W*",)),
        (["2024-01-01", "2024-01-08", "2024-01-15"], ("2024-01-01", "2024-01-08", "2024-01-15")),
        (["d_1", "d_2", "d_3"], ("d_*",)),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_a_column_per_week_is_a_row_per_week(
    gather_internal: Gather, write, names: list[str], patterns: tuple[str, ...], kind: str
) -> None:
    frame = pd.DataFrame(
        [["1", "a", "Bread", 1.5, None, 2.0], ["2", "a", "Bread", 3.0, 4.25, 0.0]],
        columns=["store_id", "sku_id", "category", *names],
    )
    content: object = frame
    if kind == "xlsx":
        content = {"S": [list(frame.columns), *frame.astype(object).where(frame.notna(), None).to_numpy().tolist()]}
    path = write(f"s.{kind}", content)
    message = said(gather_internal, [path], MAP)
    assert "no column 'sales_value'" in message
    assert "or, where columns are weeks, set week_columns = [" in message
    found = gather_internal([path], MAP, source={"week_columns": patterns})
    assert found["sales"]["sales_cents"].tolist() == [350, 725]
    if not names[0].startswith("d_"):
        last = gather_internal([path], MAP, source={"week_columns": patterns}, last_weeks=2)
        assert last["sales"]["sales_cents"].tolist() == [200, 425]
        assert last.notes == [f"weeks {names[1]} to {names[2]} of column 'week': 2 weeks, 58.1% of the sales"]


def test_week_columns_that_match_none_are_named(gather_internal: Gather, write) -> None:
    path = write("s.csv", HEAD + "1,a,Bread,2\n")
    assert "no column is one of week_columns (2025*); found: store_id" in said(
        gather_internal, [path], MAP, source={"week_columns": ("2025*",)}
    )


@pytest.mark.parametrize("week", ["5", "05", "W5", "KW 05"])
def test_a_week_of_two_columns_is_the_year_and_the_week_in_it(gather_internal: Gather, write, week: str) -> None:
    rows = "".join(
        f"1,a,Bread,{value},{year},{number}\n" for value, year, number in ((1, 2023, 52), (2, 2024, 1), (4, 2024, week))
    )
    path = write("s.csv", f"{HEAD.strip()},YEAR,WEEK\n{rows}")
    found = gather_internal([path], MAP, columns={"week": ("YEAR", "WEEK")}, last_weeks=2)
    assert found["sales"]["sales_cents"].tolist() == [600]
    assert found.notes[0].startswith("weeks 2024-W01 to 2024-W05 of column 'YEAR + WEEK': 2 weeks, 85.7% of the sales")


def test_files_that_write_weeks_in_two_ways_are_read_where_one_is_that_of_iso(gather_internal: Gather, write) -> None:
    days = pd.to_datetime(["2024-01-01", "2024-01-08"])
    one = write("a.parquet", pd.concat([SALES, SALES.assign(sales_value=2.0)]).assign(week=days))
    other = write("b.csv", f"{HEAD.strip()},week\n1,a,Bread,4,15/01/2024\n1,a,Bread,8,22/01/2024\n")
    found = gather_internal([one, other], MAP, columns={"week": "week"}, last_weeks=3)
    assert found["sales"]["sales_cents"].tolist() == [1400]
    mixed = write("c.csv", f"{HEAD.strip()},week\n1,a,Bread,4,202403\n")
    assert "some files have dates, such as '2024-01-01', and others '202403'" in said(
        gather_internal, [one, mixed], MAP, columns={"week": "week"}, last_weeks=3
    )


def test_a_window_with_fewer_weeks_than_asked_although_older_ones_exist_is_doubted(gather_internal: Gather) -> None:
    sales = pd.concat([SALES.assign(week=day) for day in ("2024-01-01", "2024-01-08", "2024-06-03")])
    (doubt,) = [
        one
        for one in gather_internal(sales, MAP, columns={"week": "week"}, last_weeks=4).doubts
        if "the last 4 weeks" in one
    ]
    assert (
        "the last 4 weeks of column 'week' hold sales of 1 week, '2024-06-03' to '2024-06-03', although there are older ones"
        in doubt
    )


def test_the_settings_name_a_format_that_the_data_do_not_tell(gather_internal: Gather, write) -> None:
    path = write("s.csv", f"{HEAD.strip()},week\n1,a,Bread,1,05/02/2024\n1,a,Bread,2,12/02/2024\n")
    columns = {"week": "week"}
    message = said(gather_internal, [path], MAP, columns=columns, last_weeks=1)
    assert 'set week_format = "DMY" or "MDY" in [sources.internal_sales]' in message
    for name, cents in (("DMY", 200), ("MDY", 200)):
        found = gather_internal([path], MAP, columns=columns, last_weeks=1, source={"week_format": name})
        assert found["sales"]["sales_cents"].tolist() == [cents]
    assert gather_internal([path], MAP, columns=columns, last_weeks=2, source={"week_format": "DMY"})["sales"][
        "sales_cents"
    ].tolist() == [300]
    assert gather_internal([path], MAP, columns=columns, last_weeks=2, source={"week_format": "MDY"})["sales"][
        "sales_cents"
    ].tolist() == [200]


def test_the_category_is_that_of_the_map_where_the_sales_have_none(gather_internal: Gather, write) -> None:
    path = write("s.csv", "store_id,sku_id,sales_value\n1,a,2\n1,b,3\n")
    mapping = pd.DataFrame(
        {"sku_id": ["a", "a", "b"], "category": ["Bread", "Bread", "Tea"], "need_state": ["x", "y", "z"]}
    )
    found = gather_internal([path], mapping)["sales"]
    assert found.groupby("category")["sales_cents"].sum().to_dict() == {"Bread": 200, "Tea": 300}
    unknown = gather_internal([path], mapping[:2])["sales"]
    assert unknown.groupby("category")["sales_cents"].sum().to_dict() == {"Bread": 200, "UNMAPPED": 300}
    both = pd.concat([mapping, mapping[:1].assign(category="Cake")])
    assert "the need states have 1 SKU in several: SKU 'a' in 'Bread' and 'Cake'" in said(gather_internal, [path], both)
    assert "no column 'category'" in said(gather_internal, [path], mapping, map_columns={})


def test_all_weeks_are_said_where_none_are_left_out(gather_internal: Gather, write) -> None:
    rows = "".join(f"1,a,Bread,2,2024{week:02}\n" for week in range(1, 14))
    path = write("s.csv", f"{HEAD.strip()},week\n{rows}")
    assert gather_internal([path], MAP, columns={"week": "week"}).notes == [
        "weeks 202401 to 202413 of column 'week': 13 weeks"
    ]
    assert gather_internal([path], MAP).notes == []


@pytest.mark.parametrize(
    ("slip", "others"), [("1900-01-01", "2024-03-{:02}"), ("200101", "2024{:02}"), ("01.01.1970", "{:02}.03.2024")]
)
def test_a_few_rows_long_before_all_others_are_doubted_where_no_window_leaves_them_out(
    gather_internal: Gather, write, slip: str, others: str
) -> None:
    weeks = [slip, *(others.format(number) for number in range(10, 29) for _ in range(3))]
    path = write("s.csv", f"{HEAD.strip()},week\n" + "".join(f"1,a,Bread,2,{week}\n" for week in weeks))
    (doubt,) = [
        text for text in gather_internal([path], MAP, columns={"week": "week"}).doubts if "before all others" in text
    ]
    assert f"1 of 58 rows stand more than a year before all others, such as '{slip}'" in doubt
    found = gather_internal([path], MAP, columns={"week": "week"}, last_weeks=2)
    assert not [text for text in found.doubts if "before all others" in text]


def test_years_without_a_gap_are_no_doubt(gather_internal: Gather, write) -> None:
    weeks = [f"{year}{week:02}" for year in (2020, 2021, 2022, 2023) for week in range(1, 53)]
    path = write("s.csv", f"{HEAD.strip()},week\n" + "".join(f"1,a,Bread,2,{week}\n" for week in weeks))
    assert not [
        text for text in gather_internal([path], MAP, columns={"week": "week"}).doubts if "before all others" in text
    ]
