from __future__ import annotations

import unicodedata
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.reading import keys

connection = duckdb.connect()


def named(value: object, duckdb_type: str, csv_decimal: str | None = None) -> object:
    query = f"SELECT {keys.key('x', duckdb_type, csv_decimal)} FROM (SELECT CAST(? AS {duckdb_type}) AS x)"
    return connection.execute(query, [value]).fetchone()[0]


@pytest.mark.parametrize(
    ("value", "duckdb_type"),
    [
        (7, "BIGINT"),
        (7, "UTINYINT"),
        (7, "HUGEINT"),
        (7.0, "DOUBLE"),
        (7.0, "FLOAT"),
        (Decimal("7.00"), "DECIMAL(10,2)"),
        (Decimal(7), "DECIMAL(30,0)"),
        (" 7 ", "VARCHAR"),
        ("\u00a0\t7\u3000\r\n", "VARCHAR"),
    ],
)
def test_seven_is_one_key_in_every_type(value: object, duckdb_type: str) -> None:
    assert named(value, duckdb_type) == "7"


@pytest.mark.parametrize(
    ("value", "duckdb_type", "expected"),
    [
        ("007", "VARCHAR", "007"),
        ("7.0", "VARCHAR", "7.0"),
        (7.5, "DOUBLE", "7.5"),
        (-0.0, "DOUBLE", "0"),
        (-7.0, "DOUBLE", "-7"),
        (Decimal("7.50"), "DECIMAL(10,2)", "7.5"),
        (Decimal("700.00"), "DECIMAL(10,2)", "700"),
        (Decimal("0.00"), "DECIMAL(10,2)", "0"),
        (Decimal("7.05"), "DECIMAL(10,2)", "7.05"),
        (9007199254740993, "BIGINT", "9007199254740993"),
        ("Cafe\u0301", "VARCHAR", "Caf\u00e9"),
        ("NA", "VARCHAR", "NA"),
        ("null", "VARCHAR", "null"),
        ("", "VARCHAR", None),
        (" \u2003", "VARCHAR", None),
        (float("nan"), "DOUBLE", None),
        (float("inf"), "DOUBLE", None),
        (None, "BIGINT", None),
    ],
)
def test_other_keys_keep_what_tells_them_apart(value: object, duckdb_type: str, expected: str | None) -> None:
    assert named(value, duckdb_type) == expected


@pytest.mark.parametrize(
    ("value", "decimal", "expected"),
    [
        ("7.0", ".", "7"),
        (" 7.00 ", ".", "7"),
        ("7,0", ",", "7"),
        ("7,0", ".", "7,0"),
        ("7.5", ".", "7.5"),
        ("007", ".", "007"),
        ("v7.0", ".", "v7.0"),
    ],
)
def test_in_csv_a_whole_number_with_a_decimal_part_of_zeros_is_an_integer(
    value: str, decimal: str, expected: str
) -> None:
    assert named(value, "VARCHAR", decimal) == expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12))
def test_a_name_in_the_config_becomes_the_key_that_the_file_s_name_becomes(text: str) -> None:
    # Characters that Unicode added after either library's tables were made are out of reach: those are unassigned here.
    if any(unicodedata.category(character) == "Cn" for character in text):
        return
    assert (keys.normal(text) or None) == named(text, "VARCHAR")
