"""Every file that others have collected to break readers, as each of the three sources, under limits of time and memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from unicodedata import normalize

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HERE = Path(__file__).parent
BAD = HERE.parents[2] / "shared" / "data" / "bad"
FILES = sorted(path for path in BAD.rglob("*") if path.is_file())
BY_WEEK = "internal_sales by week"
SALES = "store_id,sku_id,category,sales_value\n1,a,Bread,1\n"
MAP = "sku_id,category,need_state\na,Bread,Daily\n"


def columns_of(path: Path) -> list[str]:
    """What the file's columns are called, as far as that can be known: so that more of it is read than its header."""
    try:
        if path.suffix == ".parquet":
            with duckdb.connect() as connection:
                described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            return [name for name, *_ in described]
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader(file))
    except (duckdb.Error, UnicodeDecodeError, csv.Error, StopIteration):
        return ["a"]


def named(path: Path, *uses: str) -> dict[str, str]:
    """The file's columns in turn for each use."""
    names = columns_of(path) or ["a"]
    return {use: names[position % len(names)] or "x" for position, use in enumerate(uses)}


def asked(path: Path, source: str, folder: Path) -> dict[str, Any]:
    """What a process with limits is told to read, and what others make of the same (`expected`); None where they cannot tell."""
    if source == "external":
        columns = named(path, "store_id")
        expected = (
            None
            if (found := read_by_others(path, columns)) is None
            else {"stores": len({tuple(row.items()) for row in found})}
        )
        return {"source": source, "path": str(path), "columns": columns, "expected": expected}
    other = folder / f"{path.name}.csv"
    if source == "need_states":
        columns = named(path, "sku_id", "need_state", "category")
        other.write_text(SALES)
        expected = None
        if (found := read_by_others(path, columns)) is not None:
            sold = sorted({(row["sku_id"], row["category"]) for row in found})
            with other.open("w", newline="") as file:
                csv.writer(file).writerows([SALES.splitlines()[0].split(","), *((1, *pair, 1) for pair in sold)])
            expected = {"cents": 100 * len(sold), "need_states": sorted({row["need_state"] for row in found})}
    else:
        columns = named(path, "sales_value", "store_id", "sku_id", "category")
        other.write_text(MAP)
        try:
            expected = None if (found := read_by_others(path, columns)) is None else {"cents": sum(map(cents, found))}
        except (InvalidOperation, ValueError):  # no number, or NaN
            expected = None
        if source == BY_WEEK:
            columns["week"], expected = columns["store_id"], None
    return {"source": source, "path": str(path), "columns": columns, "other": str(other), "expected": expected}


def cents(row: dict[str, str]) -> int:
    """A row's sales, half a cent rounded away from zero."""
    return int((100 * Decimal(row["sales_value"])).quantize(Decimal(1), ROUND_HALF_UP))


def read_by_others(path: Path, columns: dict[str, str]) -> list[dict[str, str]] | None:
    """The rows by use, keys as the pipeline keeps them, by Python's or Arrow's reader; None where the file is beyond them."""
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=sorted(set(columns.values())))
            if not all(map(plain, table.schema.types)):
                return None
            rows = table.to_pylist()
        elif path.suffix in (".csv", ".txt"):
            with path.open(encoding="utf-8-sig", newline="") as file:
                head, *lines = [row for row in csv.reader(file, strict=True) if any(cell.strip() for cell in row)]
                rows = [dict(zip(head, row, strict=True)) for row in lines]
        else:
            return None
        read = [{use: str(row[name]) for use, name in columns.items()} for row in rows if None not in row.values()]
        return [{use: normalize("NFC", text.strip()) for use, text in row.items()} for row in read]
    except (pa.ArrowException, OSError, TypeError, ValueError, csv.Error, KeyError):
        return None


def plain(kind: pa.DataType) -> bool:
    """Whether everyone writes a type's values as the same text."""
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind))


def answers(questions: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Each answered by a process with limits; by a new one, where a file ended the last."""
    found: list[dict[str, Any]] = []
    while len(found) < len(questions):
        done = subprocess.run(
            [sys.executable, str(HERE / "sources.py"), str(folder / "spill")],
            input="".join(json.dumps(one) + "\n" for one in questions[len(found) :]),
            capture_output=True,
            text=True,
            timeout=500,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        )
        found += [json.loads(line) for line in done.stdout.splitlines()]
        if len(found) < len(questions):
            found.append({"fault": f"ended with code {done.returncode}: {done.stderr[-500:]}"})
    return found


@pytest.mark.skipif(not FILES, reason=f"no bad files at {BAD}")
@pytest.mark.parametrize(
    "source",
    [
        "external",  # reads every column
        pytest.param("internal_sales", marks=pytest.mark.nightly),
        pytest.param(BY_WEEK, marks=pytest.mark.nightly),
        pytest.param("need_states", marks=pytest.mark.nightly),
    ],
)
def test_a_bad_file_is_loaded_as_others_load_it_or_refused_in_one_line(source: str, tmp_path: Path, tried) -> None:
    questions = [asked(path, source, tmp_path) for path in FILES]
    counts: Counter[str] = tried(f"every file of `data/bad` as {source}, within 20 s and 4 GB of address space")
    for path, question, answer in zip(FILES, questions, answers(questions, tmp_path), strict=True):
        assert "fault" not in answer, f"{path.name}: {answer['fault']}"
        if "refused" in answer:
            (line,) = answer["refused"]
            assert line.isprintable()
            assert path.name in line or "outside data" in line
            assert ";" in line
            counts["refused in one line"] += 1
            continue
        counts["read"] += 1
        if question["expected"] is not None:
            read = {what: answer["read"][what] for what in question["expected"]}
            assert read == question["expected"], (path.name, question)
            counts["of these the same as others read"] += 1
