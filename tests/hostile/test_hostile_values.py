"""Columns, numbers and keys that are not what one expects: named in one line, or read by a documented rule."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hostile.sources import outside_features, sales_tables

from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings

MAP = "sku_id,category,need_state\na,Bread,Daily\n"
HEADER = "store_id,sku_id,category,sales_value\n"
PLAIN = f"{HEADER}1,a,Bread,1.5\n"
NFC, NFD = "Caf\u00e9", "Cafe\u0301"
DOUBLE_MAX = 1.7976931348623157e308

Found = dict[str, dict[tuple[str, str, str], int]]


def cents(tables: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    """Published cents by store, category and need state."""
    frame = tables["sales_by_need_state"]
    keys = zip(frame["store_id"], frame["category"], frame["need_state"], strict=True)
    return dict(zip(keys, frame["sales_cents"], strict=True))


REFUSED = {
    "a column missing": ("s.csv", "store,sku_id,cat,sales_value\n1,a,Bread,1\n", {}, ["'store_id'"]),
    "a column there twice": ("s.csv", "store_id,sku_id,sku_id,category,sales_value,category\n1,a,a,B,1,B\n", {},
                             ["columns named more than once: sku_id, category"]),
    "a column of texts for amounts": ("s.csv", f"{HEADER}1,a,Bread,much\n2,a,Bread,1\n", {},
                                      ["'sales_value' has 1 value that is not a number, such as 'much'"]),
    "a column without any value": ("s.csv", f"{HEADER}1,,Bread,1\n2,,Bread,2\n", {}, ["2 rows without sku_id"]),
    "two columns without any value": ("s.csv", f"{HEADER}1,,,1\n", {}, ["1 row without sku_id", "1 row without category"]),
    "amounts without any value": ("s.csv", f"{HEADER}1,a,Bread,\n", {}, ["'sales_value' is missing"]),
    "latin-1 read as utf-8": ("s.csv", f"{HEADER}1,a,Caf\u00e9,1\n".encode("latin-1"), {}, ["line 2", "set encoding"]),
    "utf-16 read as utf-8": ("s.csv", PLAIN.encode("utf-16"), {}, ["encoding"]),
    "a decimal comma": ("s.csv", f'{HEADER}1,a,Bread,"1,5"\n', {}, ["such as '1,5'", 'set decimal = ","']),
    "a thousands mark": ("s.csv", f'{HEADER}1,a,Bread,"1,234.50"\n', {}, ["such as '1,234.50'", "thousands"]),
    "semicolons": ("s.csv", PLAIN.replace(",", ";"), {}, ["no column"]),
    "a row with a field too many": ("s.csv", f"{PLAIN}2,a,Bread,1,000\n", {}, ["line 3: 5 fields where the header has 4"]),
    "a quote that does not end": ("s.csv", f'{PLAIN}2,a,"Bread,1\n', {}, ["line 3", "quote"]),
    "a gzip file that is cut": ("s.csv", gzip.compress(PLAIN.encode() * 50)[:-9], {}, ["cannot be read"]),
    "NaN": ("s.csv", f"{HEADER}1,a,Bread,NaN\n", {}, ["such as 'NaN'"]),
    "infinity": ("s.csv", f"{HEADER}1,a,Bread,inf\n", {}, ["such as 'inf'"]),
    "1e308": ("s.csv", f"{HEADER}1,a,Bread,1e308\n", {}, ["beyond 1e13 in 1 row"]),
    "1e999, which no double holds": ("s.csv", f"{HEADER}1,a,Bread,1e999\n", {}, ["'sales_value'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_sales_that_cannot_be_read_are_refused_in_one_line(case: str, write, tmp_path: Path, tried) -> None:
    name, content, source, words = REFUSED[case]
    path = write(name, content)
    with pytest.raises(RawDataError) as caught:
        sales_tables(path, write("m.csv", MAP), str(tmp_path), source=source)
    (line,) = caught.value.lines
    assert path in line
    assert line.isprintable()
    assert [word for word in words if word not in line] == []
    tried("columns, marks, encodings, numbers")["refused in one line that names it"] += 1


READ = {
    "an extra column": ("s.csv", PLAIN.replace("sales_value", "sales_value,extra").replace("1.5", "1.5,x"), {}),
    "a byte-order mark": ("s.csv", b"\xef\xbb\xbf" + PLAIN.encode(), {}),
    "gzip named .csv": ("s.csv", gzip.compress(PLAIN.encode()), {}),
    "plain text named .csv.gz": ("s.csv.gz", PLAIN.encode(), {}),
    "Windows line ends": ("s.csv", PLAIN.replace("\n", "\r\n"), {}),
    "utf-16": ("s.csv", PLAIN.encode("utf-16"), {"csv": CsvSettings(encoding="utf-16")}),
    "a decimal comma": ("s.csv", PLAIN.replace(",", ";").replace(".", ","), {"csv": CsvSettings(delimiter=";", decimal=",")}),
    "a newline in quotes": ("s.csv", PLAIN.replace("sales_value", 'sales_value,note').replace("1.5", '1.5,"two\nlines"'), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_sales_that_others_stumble_over_are_read(case: str, write, tmp_path: Path, tried) -> None:
    name, content, source = READ[case]
    found = cents(sales_tables(write(name, content), write("m.csv", MAP), str(tmp_path), source=source))
    assert found == {("1", "Bread", "Daily"): 150}
    tried("columns, marks, encodings, numbers")["read as meant"] += 1


def parquet(path: Path, **columns: list[Any]) -> str:
    """A Parquet file of sales: what is not given is the same in every row."""
    length = len(next(iter(columns.values())))
    usual = {"store_id": "1", "sku_id": "a", "category": "Bread", "sales_value": 1.0}
    pd.DataFrame({name: columns.get(name, [value] * length) for name, value in usual.items()}).to_parquet(path)
    return str(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e308, -DOUBLE_MAX, None])
def test_amounts_that_are_none_are_refused_in_parquet_too(value: float | None, write, tmp_path: Path, tried) -> None:
    path = parquet(tmp_path / "s.parquet", sales_value=[1.0, value])
    with pytest.raises(RawDataError, match="missing, not finite or beyond 1e13 in 1 row of 2"):
        sales_tables(path, write("m.csv", MAP), str(tmp_path))
    tried("columns, marks, encodings, numbers")["refused in one line that names it"] += 1


@pytest.mark.parametrize("others", [["SALES_VALUE"], ["Sales_value", "SALES_VALUE"]])
def test_parquet_columns_that_differ_in_case_only_are_refused_and_none_is_invented(
    others: list[str], write, tmp_path: Path, tried
) -> None:
    path = parquet(tmp_path / "s.parquet", sales_value=[1.0, 2.0])
    frame = pd.read_parquet(path)
    frame.assign(**dict.fromkeys(others, 5.0)).to_parquet(path)
    with pytest.raises(
        RawDataError, match=r"columns whose names differ in case only: .*SALES_VALUE.*sales_value; rename"
    ):
        sales_tables(path, write("m.csv", MAP), str(tmp_path))
    frame.assign(sales_value_1=5.0, SKU_ID_7=1.0).to_parquet(path)
    assert cents(sales_tables(path, write("m.csv", MAP), str(tmp_path))) == {("1", "Bread", "Daily"): 300}
    tried("columns, marks, encodings, numbers")["refused in one line that names it"] += 1


def test_returns_are_sales_and_stores_without_positive_sales_are_excluded_with_the_reason(
    write, tmp_path: Path, tried
) -> None:
    stores = {"sells": [5.0, -1.0], "all zero": [0.0, -0.0], "net zero": [3.0, -3.0], "returns only": [-2.0, -2.0]}
    frame = pd.DataFrame([(store, value) for store, values in stores.items() for value in values])
    path = parquet(tmp_path / "s.parquet", store_id=list(frame[0]), sales_value=list(frame[1]))
    tables = sales_tables(path, write("m.csv", MAP), str(tmp_path))
    assert cents(tables) == {(store, "Bread", "Daily"): round(100 * sum(values)) for store, values in stores.items()}
    excluded = tables["excluded_stores"].set_index("store_id")["reason"]
    assert set(excluded.index) == {"all zero", "net zero", "returns only"}
    assert set(excluded) == {"no positive sales"}
    tried("negative, all-zero and net-zero sales")["stores published, excluded with the reason"] += len(excluded)


STORES = {
    "integers beyond 2^53": ([2**53, 2**53 + 1, 2**63 - 1], [str(2**53), str(2**53 + 1), str(2**63 - 1)]),
    "texts of integers beyond 2^64": (["18446744073709551617", "18446744073709551616"],
                                      ["18446744073709551616", "18446744073709551617"]),
    "007 beside 7": (["007", "7"], ["007", "7"]),
    "blanks around": ([" 7", "7 ", "\u00a07\t", "7"], ["7"]),
    "NFC beside NFD": ([NFC, NFD], [NFC]),
    "upper beside lower case": (["North", "NORTH"], ["NORTH", "North"]),
    "floats": ([7.0, 7.5, -0.0], ["0", "7", "7.5"]),
    "texts that others take for missing": (["NA", "null", "None", "NaN", "True", "nan", "<NA>", "#N/A", "-"],
                                           ["#N/A", "-", "<NA>", "NA", "NaN", "None", "True", "nan", "null"]),
    "zero-width and control characters": (["a\u200bb", "ab", "a\x01b"], ["a\x01b", "ab", "a\u200bb"]),
    "right to left, emoji, a surrogate pair": (["\u202e7", "\U0001f35e", "\u05d0"], ["\u05d0", "\u202e7", "\U0001f35e"]),
    "quotes, SQL, formulas, markup": (['"; DROP TABLE sums;--', "=1+1", "<script>", "a*b", "../../x", "'"],
                                      ['"; DROP TABLE sums;--', "'", "../../x", "<script>", "=1+1", "a*b"]),
}  # fmt: skip


@pytest.mark.parametrize("case", STORES)
@pytest.mark.parametrize(
    "column", ["store_id", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("sku_id", "category"))]
)
def test_keys_are_exact_whatever_they_look_like(column: str, case: str, write, tmp_path: Path, tried) -> None:
    given, expected = STORES[case]
    path = parquet(tmp_path / "s.parquet", **{column: given})
    needs = tmp_path / "m.parquet"
    given_needs = {"sku_id": ["a"], "category": ["Bread"]} | ({column: given} if column != "store_id" else {})
    rows = len(next(iter(given_needs.values())) if column == "store_id" else given)
    usual = {"sku_id": ["a"] * rows, "category": ["Bread"] * rows, "need_state": ["Daily"] * rows}
    pd.DataFrame(usual | ({column: given} if column != "store_id" else {})).to_parquet(needs)
    frame = sales_tables(path, str(needs), str(tmp_path))["sales_by_need_state"]
    assert frame["sales_cents"].sum() == 100 * len(given)
    assert set(frame["need_state"]) == {"Daily"}  # every key found itself in the map
    if column != "sku_id":
        assert sorted(frame[column].unique()) == sorted(expected)
    tried("keys: numbers, blanks, accents, texts that look missing, code")["kept exactly"] += len(expected)


def test_keys_that_are_one_but_written_differently_are_counted(write, tmp_path: Path) -> None:
    stores, categories = ["7", " 7", "7 ", "007"], [NFC, NFD, NFC, NFC]
    path = parquet(tmp_path / "s.parquet", store_id=stores, category=categories)
    found = sales_tables(path, write("m.csv", MAP), str(tmp_path))["key_spellings"]
    assert found.to_numpy().tolist() == [["category", NFC, 2], ["store", "7", 3]]


def test_keys_are_the_same_in_csv_and_parquet(write, tmp_path: Path) -> None:
    lines = [
        f"{value},a,Bread,1\n" for value in ("NA", "null", "None", "NaN", "True", "007", " 7 ", "9007199254740993", NFD)
    ]
    found = cents(sales_tables(write("s.csv", HEADER + "".join(lines)), write("m.csv", MAP), str(tmp_path)))
    stores = sorted(store for store, _, _ in found)
    assert stores == sorted(["NA", "null", "None", "NaN", "True", "007", "7", "9007199254740993", NFC])


def test_duplicate_stores_outside_are_an_error_that_lists_them(write, tmp_path: Path, tried) -> None:
    path = write("e.csv", f"store_id,x\n1,5\n 1,6\n{NFC},1\n{NFD},2\n01,3\n")
    with pytest.raises(RawDataError, match=f"2 stores have more than one row: '1', '{NFC}'"):
        outside_features(path, str(tmp_path))
    tried("keys: numbers, blanks, accents, texts that look missing, code")["duplicates refused"] += 2


@pytest.mark.parametrize("value", ["inf", "1e308", "-1e101"])
def test_features_that_are_no_numbers_to_compute_with_are_named_or_texts(
    value: str, write, tmp_path: Path, tried
) -> None:
    path = tmp_path / "e.parquet"
    pd.DataFrame({"store_id": [1, 2], "x": [1.0, float(value)], "y": [1.0, 2.0]}).to_parquet(path)
    with pytest.raises(RawDataError, match=r"infinite or beyond 1e\+100 in 'x' \(1\)"):
        outside_features(str(path), str(tmp_path))
    tried("columns, marks, encodings, numbers")["refused in one line that names it"] += 1
