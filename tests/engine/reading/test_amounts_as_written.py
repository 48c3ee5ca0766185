"""Amounts in texts: read where they can mean one thing, else an error that names the setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from engine.given import MAP, said

from pipeline.engine.gathered import Gathered
from pipeline.settings import CsvSettings, ExcelSettings

Gather = Callable[..., Gathered]
HEAD = "store_id;sku_id;category;sales_value\n"


def cents(found: Gathered) -> int:
    return int(found["sales"]["sales_cents"].sum())


def csv_of(write: Callable[..., str], values: list[str]) -> str:
    return write("s.csv", HEAD + "".join(f"1;a;Bread;{value}\n" for value in values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["12.50-", "100.00"], 8750),
        (["(5.00)", "7.25", "( 1.00 )"], 125),
        (["\u22125.00", "7.25"], 225),
        (["5.00 -", "7.25+"], 225),
        (["\u00a05.00\u00a0", "-1"], 400),
    ],
)
def test_a_sign_is_read_wherever_it_stands(gather_internal: Gather, write, values: list[str], expected: int) -> None:
    assert cents(gather_internal([csv_of(write, values)], MAP, csv=CsvSettings(delimiter=";"))) == expected


@pytest.mark.parametrize(
    ("values", "advice", "settings", "expected"),
    [
        (
            ["$1,234.50", "-$3.00"],
            'set currency = "$" and thousands = ","',
            {"currency": "$", "thousands": ","},
            123150,
        ),
        (
            ["10,03 EUR", "1,00- EUR"],
            'set currency = "EUR" and decimal = ","',
            {"currency": "EUR", "decimal": ","},
            903,
        ),
        (
            ["\u20ac 1.234,50"],
            'and decimal = "," and thousands = "."',
            {"currency": "\u20ac", "thousands": "."},
            123450,
        ),
        (["1 234,50", "2,00"], 'set decimal = "," and thousands = " "', {"decimal": ",", "thousands": " "}, 123650),
        (
            ["1\u00a0234,50", "2,00"],
            'set decimal = "," and thousands = " "',
            {"decimal": ",", "thousands": " "},
            123650,
        ),
        (
            ["1\u202f234,50", "2,00"],
            'set decimal = "," and thousands = " "',
            {"decimal": ",", "thousands": " "},
            123650,
        ),
        (["1'234.50", "2.00"], 'set thousands = "\'"', {"thousands": "'"}, 123650),
        (["12,34,567.50"], 'set thousands = ","', {"thousands": ","}, 123456750),
        (["-", "5.00"], 'set zero = ["-"]', {"zero": ("-",)}, 500),
        (["5.00 CR", "7.00 DR"], "set signs = { CR = -1, DR = 1 }", {"signs": {"CR": -1, "DR": 1}}, 200),
        (["5,00 S", "7,00 H"], "signs = { H = -1, S = 1 }", {"signs": {"S": -1, "H": 1}, "decimal": ","}, 200),
        (["1,234", "901"], 'set thousands = "," or decimal = ",", whichever it means,', {"thousands": ","}, 213500),
        (["(1.234,50)", "2.000,00"], 'set decimal = "," and thousands = "."', {"thousands": "."}, 76550),
    ],
)
def test_an_amount_that_needs_a_setting_is_refused_with_it_and_read_with_it(
    gather_internal: Gather, write, values: list[str], advice: str, settings: dict[str, Any], expected: int
) -> None:
    path = csv_of(write, values)
    message = said(gather_internal, [path], MAP, csv=CsvSettings(delimiter=";"))
    assert advice in message, message
    assert "[sources.internal_sales] csv" in message
    assert cents(gather_internal([path], MAP, csv=CsvSettings(delimiter=";", **settings))) == expected


@pytest.mark.parametrize("values", [["$5.00", "\u20ac5.00"], ["5%"], ["five"], ["2024-01-05"]])
def test_what_no_setting_makes_an_amount_is_shown(gather_internal: Gather, write, values: list[str]) -> None:
    message = said(gather_internal, [csv_of(write, values)], MAP, csv=CsvSettings(delimiter=";"))
    assert "correct them, or set how numbers are written" in message


@pytest.mark.parametrize("values", [["1.003", "901"], ["12.500", "7", "-1.250"], ["1.000", "2.000", "5"]])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_point_that_may_stand_between_thousands_is_asked_about(
    gather_internal: Gather, write, values: list[str], kind: str
) -> None:
    if kind == "csv":
        path, settings = csv_of(write, values), CsvSettings(delimiter=";")
    else:
        rows = [["store_id", "sku_id", "category", "sales_value"], *([1, "a", "Bread", value] for value in values)]
        path, settings = write("s.xlsx", {"S": rows}), ExcelSettings()
    message = said(gather_internal, [path], MAP, **{"csv" if kind == "csv" else "excel": settings})
    assert f"texts such as '{min(v for v in values if '.' in v)}' beside" in message
    assert 'set thousands = "." or decimal = "." in [sources.internal_sales]' in message
    kinds = {"csv": CsvSettings, "excel": ExcelSettings}
    which = "csv" if kind == "csv" else "excel"
    more = {"delimiter": ";"} if kind == "csv" else {}
    as_thousands = gather_internal([path], MAP, **{which: kinds[which](thousands=".", **more)})
    as_points = gather_internal([path], MAP, **{which: kinds[which](decimal=".", **more)})
    assert cents(as_thousands) == sum(int(value.replace(".", "")) for value in values) * 100
    assert cents(as_points) == sum(round(float(value) * 100) for value in values)


@pytest.mark.parametrize("values", [["1.003", "2.500"], ["1.003", "901", "7.5"], ["0.999", "1.25"], ["901", "7"]])
def test_a_point_that_is_surely_a_decimal_mark_is_not_asked_about(
    gather_internal: Gather, write, values: list[str]
) -> None:
    found = gather_internal([csv_of(write, values)], MAP, csv=CsvSettings(delimiter=";"))
    expected = sum(float(value) * 100 for value in values)
    assert found["sales"]["sales_cents"].sum() == pytest.approx(expected, abs=1e-9)


def test_a_cell_that_is_a_number_is_what_it_is_however_texts_write_numbers(gather_internal: Gather, write) -> None:
    head = ["store_id", "sku_id", "category", "sales_value"]
    rows = [[1, "a", "Bread", 1003.5], [1, "a", "Bread", "1.003,50"], [1, "a", "Bread", 7], [1, "a", "Bread", "7"]]
    found = gather_internal(
        [write("s.xlsx", {"S": [head, *rows]})], MAP, excel=ExcelSettings(thousands=".", decimal=",")
    )
    assert cents(found) == 100350 * 2 + 1400


@pytest.mark.parametrize(
    ("head", "row", "product", "expected"),
    [
        ("UNITS;UNIT_PRICE", "3;1.25", "UNITS * UNIT_PRICE", 375),
        ("Menge;Preis", "2;1,25", "Menge * Preis", 250),
        ("qty;price", "-1;10.00", "qty * price", -1000),
        ("qty;price", "2;(1.50)", "price * qty", -300),
    ],
)
def test_units_times_price_is_an_expression_of_two_columns(
    gather_internal: Gather, write, head: str, row: str, product: str, expected: int
) -> None:
    path = write("s.csv", f"store_id;sku_id;category;{head}\n1;a;Bread;{row}\n")
    csv = CsvSettings(delimiter=";", decimal="," if "," in row else None)
    message = said(gather_internal, [path], MAP, csv=csv)
    assert "where the sales are units times price, set columns.sales_value = " in message
    assert cents(gather_internal([path], MAP, csv=csv, columns={"sales_value": product})) == expected


def test_a_factor_that_is_not_there_or_no_number_is_named(gather_internal: Gather, write) -> None:
    path = write("s.csv", "store_id,sku_id,category,UNITS,PRICE\n1,a,Bread,2,cheap\n")
    message = said(gather_internal, [path], MAP, columns={"sales_value": "UNITS * PRIZE"})
    assert "no column 'PRIZE' (did you mean 'PRICE'?)" in message
    assert "such as '2 * cheap'" in said(gather_internal, [path], MAP, columns={"sales_value": "UNITS * PRICE"})


def test_a_column_that_is_named_like_a_product_is_that_column(gather_internal: Gather, write) -> None:
    path = write("s.csv", "store_id,sku_id,category,A * B,A,B\n1,a,Bread,7,2,3\n")
    assert cents(gather_internal([path], MAP, columns={"sales_value": "A * B"})) == 700
