"""`store-clustering check`, as a user types it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
from projects import Project

from pipeline import sample
from pipeline.config.environment import load


def _spread(project: Project) -> None:
    """Make the two features say different things, so that nothing is doubtful."""
    path = project.path("data/raw/external.parquet")
    external = pd.read_parquet(path)
    external.assign(AGE=30.5 + external["STORE"] % 7).to_parquet(path, index=False)


def _left(home: Path) -> list[str]:
    """The files below the project that are not its raw data or its configs."""
    files = (Path(folder, name).relative_to(home) for folder, _, names in os.walk(home) for name in names)
    return sorted(str(path) for path in files if path.parts[0] not in ("configs", "data", "luigi.cfg"))


def test_good_files_are_described_and_nothing_is_built(project: Project) -> None:
    _spread(project)
    done = project.command("store-clustering", "check")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:6] == [
        "internal_sales: data/raw/sales.parquet (Parquet): 864 rows, 36 stores, 24 SKUs, 3 categories",
        "column  as           type     nulls",
        "STORE   store_id     BIGINT   0",
        "SKU     sku_id       BIGINT   0",
        "CAT     category     VARCHAR  0",
        "SALES   sales_value  DOUBLE   0",
    ]
    assert "need_states: data/raw/needs.csv (CSV): 24 rows, 24 SKUs, 4 need states" in lines
    assert lines[-1] == "no errors, no doubts"
    assert [path for path in _left(project.home) if not path.startswith("logs/")] == []


def test_faults_in_three_sources_are_all_named_in_one_run_with_exit_30(project: Project) -> None:
    project.write_sales(project.sales().rename(columns={"SALES": "SALES_VALUE"}))
    needs = project.path("data/raw/needs.csv")
    needs.write_text(needs.read_text().replace("SKU,CAT,NEED", "SKU,CAT,NEEDS"))
    external = pd.read_parquet(project.path("data/raw/external.parquet"))
    pd.concat([external, external.iloc[:1].assign(AGE=1.5)]).to_parquet(project.path("data/raw/external.parquet"))
    done = project.command("store-clustering", "check")
    assert (done.returncode, done.stderr) == (30, "")
    told = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(told) == 3
    assert told[0].startswith("error: internal_sales: ")
    assert "no column 'SALES' (did you mean 'SALES_VALUE'?)" in told[0]
    assert "no column 'NEED' (did you mean 'NEEDS'?)" in told[1]
    assert "1 store has more than one row: '1'" in told[2]
    assert "SALES   sales_value  MISSING; nearest: SALES_VALUE" in done.stdout
    assert "not checked: need_states: how much of the sales they cover, until both sources can be read" in done.stdout
    assert done.stdout.splitlines()[-1] == "3 errors, 1 doubt"


def test_doubts_alone_exit_0(project: Project) -> None:
    done = project.command("store-clustering", "check")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "0 errors, 1 doubt"
    assert done.stdout.splitlines()[-2].startswith("doubt: external.0: ")


def test_a_missing_file_exits_20_and_the_others_are_still_looked_at(project: Project) -> None:
    project.path("data/raw/sales.parquet").unlink()
    external = pd.read_parquet(project.path("data/raw/external.parquet"))
    external.drop(columns="STORE").to_parquet(project.path("data/raw/external.parquet"))
    done = project.command("store-clustering", "check")
    assert done.returncode == 20
    told = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert "no raw file at 'data/raw/sales.parquet' (setting sources.internal_sales.path" in told[0]
    assert "external.parquet: no column 'STORE'" in told[1]
    assert len(told) == 2


def test_sample_data_is_marked_and_an_error_where_it_is_refused(project: Project) -> None:
    shutil.rmtree(project.path("data/raw"))
    project.configure(sample_data={"accept": True, "stores": 40, "skus": 48})
    project.settings["sources"] = _sample_sources()
    project.configure(sample_data={"accept": True, "stores": 40, "skus": 48})
    project.configure("prod")
    sample.write(load("dev").settings, project.home)
    accepted = project.command("store-clustering", "check", "--env", "dev")
    assert accepted.returncode == 0, accepted.stdout
    assert "(Parquet, sample data): " in accepted.stdout
    refused = project.command("store-clustering", "check", "--env", "prod")
    assert refused.returncode == 20
    assert refused.stdout.count("is sample data, and environment prod takes real data only") == 3


def _sample_sources() -> dict[str, object]:
    return {
        "internal_sales": {"path": "data/raw/sales.parquet"},
        "need_states": {"path": "data/raw/needs.csv", "columns": {"category": "category"}},
        "external": [{"path": "data/raw/external.parquet", "labels": ["STORE_NAME", "REGION"]}],
    }


def test_where_a_run_would_make_sample_data_that_is_said(project: Project) -> None:
    shutil.rmtree(project.path("data/raw"))
    project.configure(sample_data={"accept": True, "when_missing": True})
    done = project.command("store-clustering", "check")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("doubt: all sources: no raw file at data/raw/sales.parquet, data/raw/needs.csv, ")
    assert not project.path("data/raw").exists()


def test_json_is_one_object_with_everything_in_it(project: Project) -> None:
    project.write_sales(project.sales().drop(columns="STORE").assign(UNITS=1))
    done = project.command("store-clustering", "check", "--json")
    assert done.returncode == 30
    told = json.loads(done.stdout)
    assert set(told) == {"env", "sources", "errors", "doubts", "not_looked_at"}
    sales, needs, external = told["sources"]
    assert [one["source"] for one in (sales, needs, external)] == ["internal_sales", "need_states", "external.0"]
    assert (sales["rows"], sales["formats"], sales["unused"]) == (864, ["Parquet"], ["UNITS"])
    assert sales["columns"][0] | {"nearest": []} == {
        "name": "STORE",
        "used_as": "store_id",
        "type": "MISSING",
        "nulls": None,
        "nearest": [],
    }
    assert [one["source"] for one in told["errors"]] == ["internal_sales"]
    assert "no column 'STORE'" in told["errors"][0]["text"]
    assert [one["source"] for one in told["doubts"]] == ["external.0"]
    assert told["not_looked_at"][0]["source"] == "all sources"


def test_a_fault_in_the_settings_is_one_line_and_exit_2(project: Project) -> None:
    project.configure(internal={"clustering": {"k_maxx": 3}})
    done = project.command("store-clustering", "check")
    assert done.returncode == 2
    assert done.stderr.startswith("error: configs/dev.toml: internal.clustering.k_maxx: ")
    assert done.stdout == ""
