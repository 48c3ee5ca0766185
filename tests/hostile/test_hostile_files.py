"""Every file that others have collected to break readers, as each of the three sources, under limits of time and memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HERE = Path(__file__).parent
BAD = HERE.parents[2] / "shared" / "data" / "bad"
FILES = sorted(path for path in BAD.rglob("*") if path.is_file())
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
    """What a process with limits is told to read."""
    if source == "external":
        return {"source": source, "path": str(path), "columns": named(path, "store_id")}
    if source == "need_states":
        columns, name, other = named(path, "sku_id", "need_state", "category"), "sales.csv", SALES
    else:
        columns, name, other = named(path, "sales_value", "store_id", "sku_id", "category"), "map.csv", MAP
        columns["week"] = columns["store_id"]
    (folder / name).write_text(other)
    return {"source": source, "path": str(path), "columns": columns, "other": str(folder / name)}


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


def true_stores(path: Path, store_id: str) -> int | None:
    """How many stores are in the file, as others read it; None where they cannot tell."""
    if path.suffix == ".parquet":
        try:
            return len(set(pq.read_table(path, columns=[store_id])[store_id].drop_null().to_pylist()))
        except (pa.ArrowException, OSError, TypeError):
            return None
    if path.suffix not in (".csv", ".txt"):
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for row in csv.reader(file) if any(cell.strip() for cell in row)) - 1


@pytest.mark.skipif(not FILES, reason=f"no bad files at {BAD}")
@pytest.mark.parametrize(
    "source",
    [
        "external",  # reads every column
        pytest.param("internal_sales", marks=pytest.mark.nightly),
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
        if source == "external":
            expected = true_stores(path, question["columns"]["store_id"])
            assert expected in (None, answer["read"]["stores"]), path.name
        else:
            assert isinstance(answer["read"]["cents"], int)
        counts["read"] += 1
