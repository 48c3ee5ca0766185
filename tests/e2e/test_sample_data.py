"""From nothing to store clusters: sample data with a known truth, through the whole pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import tomli_w
from conftest import ROOT
from projects import Project
from sklearn.metrics import adjusted_rand_score

from pipeline import schema
from pipeline.config.environment import tomllib

CONTRACT = {
    "sales_by_need_state": "store_id category need_state sales_value share share_index",
    "excluded_stores": "store_id category source reason",
    "need_state_coverage": "category sales_value unmapped_sales_value dropped_sales_value unmapped_share",
    "internal_clusters": "store_id category cluster distance next_cluster margin silhouette confidence is_outlier",
    "internal_k_selection": "category k silhouette calinski_harabasz davies_bouldin bic inertia smallest_cluster "
    "stability jaccard chosen",
    "internal_verdicts": "category verdict k reason",
    "internal_profiles": "category cluster need_state stores mean_share share_index",
    "external_features": "store_id",
    "external_feature_report": "feature action reason imputed_share",
    "external_clusters": "store_id cluster distance next_cluster margin silhouette confidence is_outlier",
    "external_k_selection": "k silhouette calinski_harabasz davies_bouldin bic inertia smallest_cluster stability "
    "jaccard chosen",
    "external_verdicts": "verdict k reason",
    "external_profiles": "cluster feature stores mean",
    "store_clusters": "store_id category internal_cluster external_cluster cluster status reassigned distance",
    "reassignments": "store_id category from_cluster to_cluster distance margin",
    "lineage": "target task inputs settings code libraries built_at seconds",
    "runs": "run_id env tags started_at finished_at status built skipped",
}

MAY_BE_EMPTY = ("reassignments",)  # no cell of the sample is too small where its categories are merged by `nested`


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project as it is cloned: its own configs, and no raw file."""
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    return Project(tmp_path, {})


def table(project: Project, name: str) -> pd.DataFrame:
    """A table of the database."""
    with duckdb.connect(str(project.database), read_only=True) as connection:
        return connection.execute(f'SELECT * FROM "{name}"').df()


@pytest.mark.e2e
def test_a_fresh_clone_ends_with_every_table_of_the_contract_and_a_second_run_builds_nothing(fresh: Project) -> None:
    done = fresh.luigi("FullPipeline", "--workers", "2")
    assert done.returncode == 0, done.stderr
    for name, columns in CONTRACT.items():
        found = table(fresh, name)
        assert [column for column in columns.split() if column not in found.columns] == [], name
        assert len(found) or name in MAY_BE_EMPTY, f"{name} is empty"
    with duckdb.connect(str(fresh.database), read_only=True) as connection:
        keys = connection.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    assert {name: tuple(columns) for name, columns in keys} == {
        name: one.key
        for name, one in schema.TABLES.items()
        if one.key and name not in {"sales_by_block", *schema.CANDIDATES}  # files per category
    }
    assert "Did not run any tasks" in fresh.luigi("FullPipeline").stderr


@pytest.mark.parametrize(
    "seed",
    [pytest.param(0, marks=pytest.mark.e2e), *(pytest.param(n, marks=pytest.mark.nightly) for n in (1, 2, 3, 4))],
)
def test_the_planted_clusters_are_found(fresh: Project, seed: int) -> None:
    path = fresh.path("configs/dev.toml")
    settings = tomllib.loads(path.read_text())
    settings["sample_data"]["seed"] = seed
    path.write_text(tomli_w.dumps(settings))
    assert fresh.build().status == "SUCCESS"
    truth = pd.read_parquet(fresh.path("data/raw/sample_truth.parquet")).rename(columns={"cluster": "planted"})
    truth = truth[truth["planted"] >= 0]
    inside = table(fresh, "internal_clusters").merge(truth, on=["store_id", "category"])
    scores = {
        category: (
            adjusted_rand_score(rows["planted"], rows["cluster"]),
            rows["planted"].nunique(),
            rows["cluster"].nunique(),
        )
        for category, rows in inside.groupby("category")
    }
    outside = table(fresh, "external_clusters").merge(
        truth[~truth["category"].isin(scores)].drop(columns="category"), on="store_id"
    )
    scores["the outside data"] = (
        adjusted_rand_score(outside["planted"], outside["cluster"]),
        outside["planted"].nunique(),
        table(fresh, "external_clusters")["cluster"].nunique(),
    )
    assert len(scores) == 5
    assert len(outside) > 100
    assert min(score for score, _, _ in scores.values()) >= 0.90, scores
    assert [name for name, (_, planted, found) in scores.items() if planted != found] == [], scores


@pytest.mark.e2e
def test_sales_are_conserved_and_no_store_is_lost(fresh: Project) -> None:
    assert fresh.build().status == "SUCCESS"
    raw = pd.read_parquet(fresh.path("data/raw/internal_sales.parquet"))
    external = pd.read_parquet(fresh.path("data/raw/external_sales.parquet"))
    published = table(fresh, "sales_by_need_state").groupby("category")["sales_value"].sum().round(2)
    expected = raw.groupby("CAT_DSC", observed=True)["TOTAL_SALES"].sum().round(2)
    assert published.to_dict() == pytest.approx(expected.to_dict(), abs=0.001)
    pairs = set(zip(raw["STORE_NBR"], raw["CAT_DSC"], strict=True))
    placed = table(fresh, "store_clusters")
    excluded = table(fresh, "excluded_stores")
    found = set(zip(placed["store_id"], placed["category"], strict=True))
    left_out = set(zip(excluded["store_id"], excluded["category"], strict=True))
    assert found & left_out == set()
    assert pairs <= found | left_out
    assert set(external["STORE_NBR"]) <= set(placed["store_id"]) | set(excluded["store_id"])


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["internal_sales.parquet", "need_state.csv", "external_sales.parquet"])
def test_an_analysts_own_file_is_never_touched_and_no_sample_is_made_beside_it(fresh: Project, name: str) -> None:
    path = fresh.path(f"data/raw/{name}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"an analyst's file")
    done = fresh.luigi("FullPipeline")
    assert done.returncode in (20, 30), done.stderr
    assert path.read_bytes() == b"an analyst's file"
    assert [found.name for found in path.parent.iterdir()] == [name]


@pytest.mark.e2e
def test_prod_refuses_sample_data(fresh: Project) -> None:
    assert fresh.luigi("ExternalPreprocessing").returncode == 0
    done = fresh.command("luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "prod", "--local-scheduler")
    assert done.returncode == 20
    assert "is sample data, and environment prod takes real data only" in done.stderr


@pytest.mark.e2e
def test_sample_data_that_was_begun_and_killed_is_finished(fresh: Project) -> None:
    assert fresh.luigi("ExternalPreprocessing").returncode == 0
    names = ("internal_sales.parquet", "need_state.csv", "external_sales.parquet")
    whole = {name: fresh.path(f"data/raw/{name}").read_bytes() for name in names}
    fresh.path("data/raw/need_state.csv").unlink()
    fresh.path("outputs/dev/.sample_data_begun").touch()
    assert fresh.luigi("InternalPreprocessing").returncode == 0
    assert {name: fresh.path(f"data/raw/{name}").read_bytes() for name in names} == whole
