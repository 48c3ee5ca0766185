"""What is a number: the same in SQL, which reads it, and in Python, which advises; and what is advised."""

from __future__ import annotations

import duckdb
import pytest

from pipeline.engine.reading.number_formats import NumberFormat, advice, could_be_thousands

connection = duckdb.connect()


def number(text: str | None, **given: object) -> float | None:
    """The number in SQL; what Python says of it has to agree."""
    form = NumberFormat(**given)
    (value,) = connection.execute(f"SELECT {form.sql('x')} FROM (SELECT CAST(? AS VARCHAR) AS x)", [text]).fetchone()
    assert text is None or form.matches(text) == (value is not None)
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12.0), ("-1.5", -1.5), ("+.5", 0.5), ("3.", 3.0), (" 1e3 ", 1000.0), ("\t2\r", 2.0), ("0012.50", 12.5),
        ("12.50-", -12.5), ("12.50 -", -12.5), ("12.50+", 12.5), ("(5.00)", -5.0), ("( 5 )", -5.0), ("\u22125.5", -5.5),
        ("\u20135", -5.0), ("- 5", -5.0), ("5\u2212", -5.0), ("\u00a07.5\u00a0", 7.5),
    ],
)  # fmt: skip
def test_what_is_a_number_whatever_the_settings(text: str, expected: float) -> None:
    assert number(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "NaN",
        "inf",
        "1,5",
        "1_000",
        "$4",
        "1 000",
        "1e",
        "--1",
        "-1-",
        "(-1)",
        "(1",
        "1)",
        "0x10",
        "1.2.3",
        "\u0661",
        "5%",
        None,
    ],
)
def test_what_is_no_number(text: str | None) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("1.234,56", {"decimal": ",", "thousands": "."}, 1234.56),
        ("1.234,56-", {"thousands": "."}, -1234.56),
        ("(1.234,56)", {"decimal": ",", "thousands": "."}, -1234.56),
        ("1\u202f234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1\u00a0234,50-", {"decimal": ",", "thousands": " "}, -1234.5),
        ("1'234.5", {"thousands": "'"}, 1234.5),
        ("1\u2019234\u2019567.5", {"thousands": "'"}, 1234567.5),
        ("12,34,567.50", {"thousands": ","}, 1234567.5),
        ("1,23", {"thousands": ","}, None),
        ("$1,234.50", {"currency": "$", "thousands": ","}, 1234.5),
        ("-$1,234.50", {"currency": "$", "thousands": ","}, -1234.5),
        ("$-1,234.50", {"currency": "$", "thousands": ","}, -1234.5),
        ("$ (1,234.50)", {"currency": "$", "thousands": ","}, -1234.5),
        ("($1,234.50)", {"currency": "$", "thousands": ","}, -1234.5),
        ("12.50", {"currency": "$"}, 12.5),
        ("\u20ac4", {"currency": "$"}, None),
        ("10,03 EUR", {"currency": "EUR", "decimal": ","}, 10.03),
        ("10,03- EUR", {"currency": "EUR", "decimal": ","}, -10.03),
        ("10,03 EUR-", {"currency": "EUR", "decimal": ","}, -10.03),
        ("Rs.1,50,000.00", {"currency": "Rs.", "thousands": ","}, 150000.0),
        ("kr 5", {"currency": "kr"}, 5.0),
        ("5.00 CR", {"signs": (("CR", -1), ("DR", 1))}, -5.0),
        ("5.00DR", {"signs": (("CR", -1), ("DR", 1))}, 5.0),
        ("CR 5.00", {"signs": (("CR", -1),)}, -5.0),
        ("5,00 H", {"decimal": ",", "signs": (("S", 1), ("H", -1))}, -5.0),
        ("-5.00 CR", {"signs": (("CR", -1),)}, None),
        ("-", {"zero": ("-",)}, 0.0),
        (" -   ", {"zero": ("-",)}, 0.0),
        ("$ -", {"zero": ("-",), "currency": "$"}, 0.0),
        ("-5", {"zero": ("-",)}, -5.0),
    ],
)
def test_what_settings_make_a_number(text: str, given: dict[str, object], expected: float | None) -> None:
    assert number(text, **given) == expected


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        (["12,50", "3"], [{"decimal": ","}]),
        (["1,234.50", "3"], [{"thousands": ","}]),
        (["1.234,50", "3"], [{"decimal": ",", "thousands": "."}]),
        (["1 234,50", "3"], [{"decimal": ",", "thousands": " "}]),
        (["1\u202f234,50", "3,00"], [{"decimal": ",", "thousands": " "}]),
        (["1'234.50", "3"], [{"thousands": "'"}]),
        (["1,003", "901"], [{"thousands": ","}, {"decimal": ","}]),
        (["$1,234.50", "$3.00"], [{"currency": "$", "thousands": ","}]),
        (["10,03 EUR", "-1,00 EUR"], [{"currency": "EUR", "decimal": ","}]),
        (["EUR 10.03"], [{"currency": "EUR"}]),
        (["5 kr.", "7 kr."], [{"currency": "kr."}]),
        (["5.00 CR", "6.00 DR"], [{"signs": {"CR": -1, "DR": 1}}]),
        (["-", "5.00"], [{"zero": ["-"]}]),
        (["NA", "5.00"], [{"missing": ["NA"]}]),
        (["spring", "5.00"], []),
        (["$5.00", "\u20ac5.00"], []),
        (["5%", "7%"], []),
        (["2024-01-05"], []),
    ],
)
def test_advice_is_every_way_with_the_fewest_settings(texts: list[str], settings: list[dict[str, object]]) -> None:
    found = advice(texts, NumberFormat())
    assert sorted(found, key=str) == sorted(settings, key=str)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.003", "901"], True), (["-1.003", "901", "12.500"], True), (["1.003", "901.5"], False), (["1.003", "2.500"], False),
        (["1234.567", "901"], False), (["1.0034", "901"], False), (["7", "901"], False),
    ],
)  # fmt: skip
def test_three_digits_behind_every_point_beside_whole_numbers_leave_it_open(texts: list[str], expected: bool) -> None:
    assert could_be_thousands(texts, NumberFormat()) is expected
    assert could_be_thousands(texts, NumberFormat(decimal=".")) is False
