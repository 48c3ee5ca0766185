"""The real sales of a grocer, through the whole pipeline in one command."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import tomli_w
from conftest import ROOT
from projects import Project


@pytest.mark.parametrize("categories", [5, pytest.param(40, marks=pytest.mark.nightly)])
def test_real_sales_end_as_store_clusters_conserved_and_complete(
    completejourney: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, categories: int
) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    shutil.copytree(ROOT / "examples" / "completejourney" / "configs", tmp_path / "configs")
    shutil.copytree(completejourney, tmp_path / "data" / "raw")
    raw = pd.read_parquet(completejourney / "internal_sales.parquet")
    raw["cents"] = (raw["TOTAL_SALES"] * 100).round().astype("int64")
    largest = raw.groupby("CAT_DSC")["cents"].sum().nlargest(categories)
    raw = raw[raw["CAT_DSC"].isin(largest.index)]
    with (tmp_path / "configs" / "dev.toml").open("ab") as file:
        file.write(b"\n" + tomli_w.dumps({"internal": {"preprocessing": {"include": sorted(largest.index)}}}).encode())
    project = Project(tmp_path, {})
    done = project.luigi("FullPipeline", "--workers", "2")
    assert done.returncode == 0, done.stderr

    with duckdb.connect(str(project.database), read_only=True) as connection:
        published = connection.execute(
            "SELECT category, CAST(100 * SUM(sales_value) AS BIGINT) FROM sales_by_need_state GROUP BY category"
        ).fetchall()
        placed = connection.execute("SELECT store_id, category FROM store_clusters").fetchall()
        excluded = connection.execute("SELECT store_id, category FROM excluded_stores").fetchall()
        sums = connection.execute(
            "SELECT MIN(total), MAX(total) FROM (SELECT SUM(share) AS total FROM sales_by_need_state "
            "WHERE share IS NOT NULL GROUP BY store_id, category)"
        ).fetchone()
        clustered = connection.execute("SELECT COUNT(*) FROM internal_verdicts").fetchone()
    assert dict(published) == raw.groupby("CAT_DSC")["cents"].sum().to_dict()
    pairs = set(zip(raw["STORE_NBR"].astype(str), raw["CAT_DSC"], strict=True))
    assert len(placed) == len(set(placed))
    assert set(placed) | set(excluded) == pairs
    assert set(placed) & set(excluded) == set()
    assert sums == pytest.approx((1.0, 1.0), abs=1e-8)
    assert clustered == (categories,)
