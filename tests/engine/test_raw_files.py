"""The same sales, however their files are written; and files that are no source."""

from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine.given import said

from pipeline.config.raw_files import FORMATS
from pipeline.engine.reading.raw import READERS
from pipeline.settings import CsvSettings

MAP = pd.DataFrame({"sku_id": ["é"], "category": ["Bread, white"], "need_state": ["two\nlines"]})
ROWS = [("7", "é", "Bread, white", 1234.5), ("007", "é", "Bread, white", -1.25), ("7", "NA", "null", 2.0)]
EXPECTED = [
    ("007", "Bread, white", "two\nlines", -125),
    ("7", "Bread, white", "two\nlines", 123450),
    ("7", "null", "UNMAPPED", 200),
]
PLAIN = 'store_id,sku_id,category,sales_value\n7,é,"Bread, white",1234.5\n007, é ,"Bread, white",-1.25\n7.0,NA,null,2\n'


def rewritten(**replaced: str) -> str:
    """PLAIN with other marks: delimiter, quote, decimal, thousands, newline."""
    delimiter, quote = replaced.get("delimiter", ","), replaced.get("quote", '"')
    decimal, thousands = replaced.get("decimal", "."), replaced.get("thousands", "")
    amount = f"1{thousands}234{decimal}5"
    amount = f"{quote}{amount}{quote}" if delimiter in amount else amount
    fields = [
        ["store_id", "sku_id", "category", "sales_value"],
        ["7", "é", f"{quote}Bread, white{quote}", amount],
        ["007", " é ", f"{quote}Bread, white{quote}", f"{quote}-1{decimal}25{quote}"],
        [f"7{decimal}0" if delimiter != decimal else "7", "NA", "null", "2"],
    ]
    return "".join(delimiter.join(line) + replaced.get("newline", "\n") for line in fields)


@pytest.mark.parametrize(
    ("name", "content", "csv"),
    [
        ("plain.csv", PLAIN.encode(), {}),
        ("bom.csv", b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        ("windows.csv", PLAIN.replace("\n", "\r\n").encode(), {}),
        ("no_end.csv", PLAIN[:-1].encode(), {}),
        ("blank_lines.csv", PLAIN.replace("\n", "\n\n").encode(), {}),
        ("latin.txt", PLAIN.encode("latin-1"), {"encoding": "latin-1"}),
        ("wide.csv", PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
        ("packed.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), {}),
        ("packed.csv", gzip.compress(PLAIN.encode(), mtime=0), {}),
        ("tabs.tsv", rewritten(delimiter="\t").encode(), {"delimiter": "\t"}),
        ("quotes.csv", rewritten(quote="'").encode(), {"quote": "'"}),
        ("us.csv", rewritten(thousands=",").encode(), {"thousands": ","}),
        ("swiss.csv", rewritten(thousands="'", delimiter=";").encode(), {"thousands": "'", "delimiter": ";"}),
        (
            "german.csv",
            rewritten(delimiter=";", decimal=",", thousands=".").encode("latin-1"),
            {"encoding": "latin-1", "delimiter": ";", "decimal": ",", "thousands": "."},
        ),
        (
            "french.csv",
            rewritten(delimiter=";", decimal=",", thousands="\u202f", newline="\r\n").encode(),
            {"delimiter": ";", "decimal": ",", "thousands": " "},
        ),
        ("comma.csv", rewritten(decimal=",").encode(), {"decimal": ","}),
    ],
)
def test_the_same_sales_however_a_csv_file_is_written(gather_internal, write, name, content, csv) -> None:
    path = write(name, content)
    found = gather_internal([path], MAP, csv=CsvSettings(**csv))["sales"]
    assert list(found[["store_id", "category", "need_state", "sales_cents"]].itertuples(index=False, name=None)) == (
        EXPECTED
    )


@pytest.mark.parametrize(
    "stores",
    [
        pa.array([7, 7, 8], pa.int8()),
        pa.array([7, 7, 8], pa.uint64()),
        pa.array([7.0, 7.0, 8.0], pa.float32()),
        pa.array([7.0, 7.0, 8.0], pa.float64()),
        pa.array(["7.00", "7", "8"]).cast(pa.decimal128(12, 2)),
        pa.array(["7", " 7 ", "8"]),
        pa.array(["7", " 7 ", "8"], pa.large_string()),
        pa.array(["7", " 7 ", "8"]).dictionary_encode(),
    ],
    ids=lambda stores: str(stores.type).split("<")[0],
)
def test_a_store_is_the_same_in_every_type_of_parquet(gather_internal, tmp_path, stores: pa.Array) -> None:
    table = pa.table(
        {"store_id": stores, "sku_id": ["é"] * 3, "category": ["Bread, white"] * 3, "sales_value": [1, 2, 3]}
    )
    pq.write_table(table, tmp_path / "s.parquet")
    found = gather_internal([str(tmp_path / "s.parquet")], MAP)["sales"]
    assert list(zip(found["store_id"], found["sales_cents"], strict=True)) == [("7", 300), ("8", 300)]


def test_every_format_that_is_looked_for_has_a_reader() -> None:
    assert READERS.keys() == FORMATS.keys()


@pytest.mark.parametrize("suffix", FORMATS["Parquet"] + FORMATS["CSV"])
def test_every_kind_of_file_that_is_found_in_a_folder_is_read(gather_internal, tmp_path, suffix: str) -> None:
    path = tmp_path / f"s{suffix}"
    if suffix in FORMATS["Parquet"]:
        pd.DataFrame(ROWS, columns=["store_id", "sku_id", "category", "sales_value"]).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(PLAIN.encode(), mtime=0) if suffix.endswith(".gz") else PLAIN.encode())
    assert gather_internal([str(path)], MAP)["sales"]["sales_cents"].tolist() == [-125, 123450, 200]


@pytest.mark.parametrize(
    ("name", "names"),
    [("s.csv", "a,b,a,b,c"), ("s.csv", "Caf\u00e9,Cafe\u0301"), ("s.parquet", "Caf\u00e9,Cafe\u0301")],
)
def test_columns_of_one_name_are_named_together(gather_internal, write, name: str, names: str) -> None:
    content = f"{names}\n" if name.endswith("csv") else pd.DataFrame([[1, 2]], columns=names.split(","))
    path = write(name, content)
    message = said(gather_internal, [path], MAP)
    twice = "a, b" if "a,b" in names else "Caf\u00e9"
    assert message == f"{path}: columns named more than once: {twice}; rename them in the file"


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_a_file_that_went_away_is_named(gather_internal, tmp_path, name: str) -> None:
    message = said(gather_internal, [str(tmp_path / name)], MAP)
    assert message == (
        f"{tmp_path / name}: cannot be read: No such file or directory; put the file back, or change path in "
        "[sources.internal_sales]"
    )


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (
            "a,b\n1,2\n".encode("utf-16-le"),
            "utf-16",
            "the header cannot be read: UTF-16 stream does not start with BOM",
        ),
        ("a,b\n1,2\n".encode("utf-16"), "latin-1", "the header "),
        ("a,b\n1,2\n".encode("utf-16"), "utf-8", "the header "),
        # the csv module of Python 3.10 refuses NUL itself, in other words than ours
        (b"a,b\0\n1,2\n", "utf-8", "the header "),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_the_setting(
    gather_internal, write, content: bytes, encoding: str, expected: str
) -> None:
    path = write("s.csv", content)
    message = said(gather_internal, [path], MAP, csv=CsvSettings(encoding=encoding))
    assert message.startswith(f"{path}: {expected}")
    assert "[sources.internal_sales] csv" in message
