from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from engine.given import said

from pipeline.core.final.placement_rows import check
from pipeline.engine import overrides
from pipeline.settings import (
    CsvSettings,
    Engine,
    ExcelSettings,
    ExternalSource,
    NeedStateSource,
    OverridesColumns,
    OverridesSource,
    SalesSource,
    Sources,
)

HEAD = ("store_id", "category", "cluster", "reason")


@pytest.fixture
def gather(engine: Engine) -> Callable[..., pd.DataFrame]:
    def gathered(path: str | None, **options: Any) -> pd.DataFrame:
        given = OverridesSource(path="x", **options) if path else None
        sources = Sources(
            internal_sales=SalesSource(path="x"),
            need_states=NeedStateSource(path="x"),
            external=(ExternalSource(path="x"),),
            overrides=given,
        )
        rows = overrides.gather({"overrides": [path] if path else []}, sources, engine)["rows"]
        return check(rows=rows, settings=given)["overrides"]

    return gathered


EXPECTED = [["007", "NA", 2, "=cmd()"], ["7", "Café", 3, "moved, by hand"]]


@pytest.mark.parametrize("kind", ["parquet", "texts", "csv", "xlsx"])
def test_rows_are_read_alike_from_every_kind_of_file(write, gather, kind: str) -> None:
    if kind in ("parquet", "texts"):
        clusters = [3.0, 2.0] if kind == "parquet" else ["3", " 2 "]
        rows = {"store_id": [" 7 ", "007"], "category": ["Cafe\u0301", "NA"], "cluster": clusters}
        path = write("o.parquet", pd.DataFrame(rows | {"reason": ["moved, by hand ", "=cmd()"]}))
        assert gather(path).to_numpy().tolist() == EXPECTED
    elif kind == "csv":
        text = "Laden;Kategorie;Gruppe;Grund\n7;Cafe\u0301;3;moved, by hand\n;;;\n007;NA;2;=cmd()\n"
        names = OverridesColumns(store_id="Laden", category="Kategorie", cluster="Gruppe", reason="Grund")
        found = gather(write("o.csv", text), columns=names, csv=CsvSettings(delimiter=";"))
        assert found.to_numpy().tolist() == EXPECTED
    else:
        rows = [HEAD, (7, "Cafe\u0301", 3, "moved, by hand"), (None,), ("007", "NA", 2, "=cmd()")]
        sheets = {"about": [["nothing"]], "overrides": rows}
        found = gather(write("o.xlsx", sheets), excel=ExcelSettings(sheet="overrides"))
        assert found.to_numpy().tolist() == EXPECTED


def test_a_head_without_rows_and_no_source_at_all_are_no_overrides(write, gather) -> None:
    for path in (None, write("o.csv", "store_id,category,cluster,reason\n"), write("o.xlsx", {"overrides": [HEAD]})):
        assert len(gather(path)) == 0


def test_a_column_that_is_not_there_is_named(write, gather) -> None:
    path = write("o.csv", "store_id,category,clusters,reason\n1,Tea,1,x\n")
    assert "no column 'cluster' (did you mean 'clusters'?)" in said(gather, path)
    assert "set columns.cluster in [sources.overrides]" in said(gather, path)
