"""Every file that others have collected to break readers, as each of the three sources."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from engine.given import MAP, SALES

from pipeline.core import external_preprocessing, internal_preprocessing
from pipeline.errors import RawDataError
from pipeline.settings import ExternalColumns, ExternalPreprocessing, InternalPreprocessing

BAD = Path(__file__).resolve().parents[3] / "shared" / "data" / "bad"
FILES = sorted(path for path in BAD.rglob("*") if path.is_file())
ANY = InternalPreprocessing(max_unmapped_share=1.0, max_clipped_share=1.0)

pytestmark = pytest.mark.skipif(not FILES, reason=f"no bad files at {BAD}")


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


def load(source: str, path: Path, gather_internal, gather_external) -> dict[str, pd.DataFrame]:
    if source == "external":
        columns = ExternalColumns(**named(path, "store_id"))
        found = gather_external((str(path), {"columns": columns}))
        return external_preprocessing.preprocess(**found, settings=ExternalPreprocessing())
    if source == "need_states":
        uses = named(path, "sku_id", "need_state", "category")
        return internal_preprocessing.preprocess(**gather_internal(SALES, [str(path)], map_columns=uses), settings=ANY)
    uses = named(path, "sales_value", "store_id", "sku_id", "category")
    uses["week"] = uses["store_id"]
    found = gather_internal([str(path)], MAP, columns=uses, last_weeks=3)
    return internal_preprocessing.preprocess(**found, settings=ANY)


@pytest.mark.parametrize(
    "source",
    [
        "external",  # reads every column
        pytest.param("internal_sales", marks=pytest.mark.nightly),
        pytest.param("need_states", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_bad_file_is_loaded_or_refused_in_one_line(path: Path, source: str, gather_internal, gather_external) -> None:
    refused = None
    try:
        load(source, path, gather_internal, gather_external)
    except RawDataError as error:
        refused = error
    if refused is not None:
        assert len(refused.lines) == 1
        assert str(refused).isprintable()
        assert path.name in str(refused) or "outside data" in str(refused)
        assert ";" in str(refused)
