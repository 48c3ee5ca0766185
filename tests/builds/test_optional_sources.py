"""Every source but one is optional: what is there is built, and report and database say what of."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import pytest
import report_pages
from projects import SETTINGS, Project

from pipeline import tasks
from pipeline.config import environment
from pipeline.errors import SettingsError

SALES, NEEDS, OUTSIDE = "internal_sales", "need_states", "external"
STORES = 36


def keep(project: Project, *names: str, **changed: Any) -> Project:
    """Leave these sources in the config, some of them with other columns."""
    sources: dict[str, Any] = {name: SETTINGS["sources"][name] for name in names}
    for name, columns in changed.items():
        sources[name] = {**sources[name], "columns": {**sources[name]["columns"], **columns}}
    project.settings["sources"] = sources
    project.configure()
    environment.forget()
    return project


def ask(project: Project, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def report(project: Project) -> str:
    return report_pages.whole_text(project.path("outputs/dev/report.html").read_text())


def total(project: Project) -> list[tuple[Any, ...]]:
    return ask(
        project,
        "SELECT category, SUM(sales_value)::DECIMAL(18, 2)::VARCHAR FROM sales_by_need_state GROUP BY 1 ORDER BY 1",
    )


def raw_total(project: Project) -> list[tuple[Any, ...]]:
    cents = (project.sales()["SALES"] * 100).round().astype("int64").groupby(project.sales()["CAT"]).sum()
    return [(category, f"{value / 100:.2f}") for category, value in cents.items()]


@pytest.mark.parametrize(
    ("sources", "over", "status"),
    [
        ((SALES,), "SKUs", "internal_only"),
        ((SALES, NEEDS), "NEED", "internal_only"),
        ((SALES, OUTSIDE), "SKUs", "both"),
    ],
)
def test_what_there_is_with_sales_is_built_to_the_report(project, sources, over, status) -> None:
    assert keep(project, *sources).build().status == "SUCCESS"
    assert ask(project, "SELECT DISTINCT mix_over FROM categories") == [(over,)]
    counted = "SELECT status, COUNT(*), COUNT(DISTINCT store_id) FROM store_clusters GROUP BY 1"
    assert ask(project, counted) == [(status, 3 * STORES, STORES)]
    assert total(project) == raw_total(project)
    assert ask(project, "SELECT COUNT(*) FROM external_verdicts") == [(int(OUTSIDE in sources),)]
    assert ("the sales mix is over SKUs" in report(project)) == (over == "SKUs")
    assert ("There is no outside data" in report(project)) == (OUTSIDE not in sources)
    assert project.build().built == set()


def test_outside_data_alone_is_clustered_to_the_report(project) -> None:
    assert keep(project, OUTSIDE).build().status == "SUCCESS"
    assert ask(project, "SELECT category, status, COUNT(*) FROM store_clusters GROUP BY ALL") == [
        ("(none)", "external_only", STORES)
    ]
    assert ask(project, "SELECT COUNT(*) FROM external_clusters") == [(STORES,)]
    assert ask(project, "SELECT COUNT(*) FROM categories UNION ALL SELECT COUNT(*) FROM chain_verdicts") == [(0,), (0,)]
    assert f"There are no sales: {STORES} stores are clustered on the outside data alone." in report(project)
    assert project.build().built == set()


def test_from_five_lines_of_config_to_a_report(project) -> None:
    project.path("configs/base.toml").write_text(
        '[sources.internal_sales]\npath = "data/raw/sales.parquet"\n'
        'columns = { store_id = "STORE", sku_id = "SKU", category = "CAT", sales_value = "SALES" }\n'
    )
    done = project.command("store-clustering", "check")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "no errors, no doubts")
    done = project.command("store-clustering", "run", "--quiet")
    assert done.returncode == 0, done.stderr
    assert total(project) == raw_total(project)


@pytest.mark.parametrize(
    ("sources", "job", "needed"),
    [
        ((OUTSIDE,), tasks.InternalPreprocessing, "[sources.internal_sales]"),
        ((OUTSIDE,), tasks.InternalClustering, "[sources.internal_sales]"),
        ((SALES, NEEDS), tasks.ExternalPreprocessing, "[[sources.external]]"),
        ((SALES,), tasks.ExternalClustering, "[[sources.external]]"),
    ],
)
def test_a_job_without_its_own_source_is_refused_in_one_line_by_both_commands(project, sources, job, needed) -> None:
    keep(project, *sources)
    for done in (project.luigi(job.__name__), project.command("store-clustering", "run", job.__name__)):
        assert done.returncode == 2
        assert done.stderr.strip() == (
            f"error: {job.__name__} needs {needed}, and environment dev has none: add it to configs/base.toml, or run FullPipeline, "
            "which makes what the sources allow"
        )


@pytest.mark.parametrize(
    ("sources", "job"),
    [
        ((OUTSIDE,), tasks.ExternalClustering),
        ((OUTSIDE,), tasks.Merging),
        ((SALES,), tasks.InternalClustering),
        ((SALES, NEEDS), tasks.Merging),
    ],
)
def test_a_job_runs_when_its_own_sources_are_there(project, sources, job) -> None:
    assert keep(project, *sources).build(job).status == "SUCCESS"


def test_sales_without_a_map_become_stale_when_the_mix_is_over_something_else(project) -> None:
    project.write_sales(project.sales().assign(SIZE=lambda rows: rows["SKU"] % 3))
    keep(project, SALES).build(tasks.InternalPreprocessing)
    keep(project, SALES, internal_sales={"need_state": "SIZE"})
    outcome = project.build()
    assert "InternalPreprocessing" in outcome.built
    assert ask(project, "SELECT DISTINCT need_state FROM sales_by_need_state ORDER BY 1") == [("0",), ("1",), ("2",)]
    assert "The sales mix is over SIZE: its values are the need states here." in report(project)
    assert total(project) == raw_total(project)


def test_blocks_of_attributes_publish_every_sale_once(project) -> None:
    project.write_sales(project.sales().assign(SIZE=lambda rows: rows["SKU"] % 3, BRAND=lambda rows: rows["SKU"] % 2))
    keep(project, SALES, internal_sales={"need_state": {"SIZE": 3, "BRAND": 1}}).build()
    assert ask(project, "SELECT DISTINCT mix_over FROM categories") == [("SIZE (weight 3), BRAND (weight 1)",)]
    assert total(project) == raw_total(project)
    shares = ask(
        project,
        "SELECT ROUND(SUM(share) FILTER (need_state LIKE 'SIZE: %'), 2) FROM sales_by_need_state GROUP BY store_id, category",
    )
    assert set(shares) == {(0.75,)}


def test_new_stores_are_placed_by_their_skus_where_the_mix_is_over_skus(project, tmp_path) -> None:
    keep(project, SALES).build()
    new = project.sales().query("STORE == 3").assign(STORE="new")
    new.to_parquet(project.path("new.parquet"))
    done = project.command("store-clustering", "assign", "--sales", str(project.path("new.parquet")))
    assert done.returncode == 0, done.stderr
    placed = dict(ask(project, "SELECT category, cluster FROM store_clusters WHERE store_id = '3'"))
    for category, cluster in placed.items():
        assert any(category in line and f" {cluster} " in f"{line} " for line in done.stdout.splitlines()), done.stdout


def test_a_category_whose_sales_are_all_dropped_has_no_clusters_and_ends_no_run(project) -> None:
    needs = pd.read_csv(project.path("data/raw/needs.csv"))
    needs[needs["CAT"] != "Bread"].to_csv(project.path("data/raw/needs.csv"), index=False)
    project.configure(internal={"preprocessing": {"unmapped": "drop", "max_unmapped_share": 1.0}})
    assert project.build().status == "SUCCESS"
    assert ask(project, "SELECT reason, COUNT(*) FROM excluded_stores WHERE category = 'Bread' GROUP BY 1") == [
        ("no positive sales of mapped SKUs", STORES)
    ]


def test_where_the_sales_have_no_category_skus_that_the_map_lacks_count_against_all_sales(project) -> None:
    sales = project.sales()
    project.write_sales(sales.drop(columns="CAT"))
    needs = pd.read_csv(project.path("data/raw/needs.csv"))
    needs[needs["SKU"] != 0].to_csv(project.path("data/raw/needs.csv"), index=False)
    keep(project, SALES, NEEDS)
    assert project.build().status == "SUCCESS"
    rows = dict(ask(project, "SELECT category, unmapped_share FROM need_state_coverage"))
    assert rows == {"Bread": 0.0, "Coffee": 0.0, "Tea & Cocoa": 0.0, "UNMAPPED": 1.0}
    project.configure(internal={"preprocessing": {"max_unmapped_share": 0.01}})
    environment.forget()
    assert "unmapped sales above max_unmapped_share in UNMAPPED" in project.build().failed["InternalPreprocessing"]


@pytest.mark.parametrize(
    ("sources", "line"),
    [
        (
            {},
            "sources: names neither sales nor outside data: add [sources.internal_sales], [[sources.external]] or both",
        ),
        ({"external": [], "need_states": {"path": "x.csv"}}, "sources: names neither sales nor outside data"),
        (
            {"external": [{"path": "x.csv"}], "need_states": {"path": "y.csv"}},
            "configs/base.toml: sources.need_states: goes with sales, and there are none: add [sources.internal_sales], or remove it",
        ),
        (
            {"external": [{"path": "x.csv"}], "overrides": {"path": "y.csv"}},
            "configs/base.toml: sources.overrides: goes with sales, and there are none",
        ),
        (
            {"internal_sales": {"path": "x.csv", "columns": {"need_state": "SUB"}}, "need_states": {"path": "y.csv"}},
            "sources.internal_sales.columns.need_state: [sources.need_states] says what the mix is over too: leave one of them",
        ),
        (
            {
                "internal_sales": {"path": "x.csv"},
                "need_states": {"path": "y.csv", "columns": {"need_state": {"A": 1}, "weight": "W"}},
            },
            "sources.need_states.columns.weight: need_state gives each of its columns a weight already: remove one of them",
        ),
        (
            {"internal_sales": {"path": "x.csv", "columns": {"need_state": {"A": 0}}}},
            "sources.internal_sales.columns.need_state: expected `float` > 0",
        ),
    ],
)
def test_sources_that_make_no_sense_together_are_one_line_each(project, sources, line) -> None:
    project.settings["sources"] = sources
    project.configure()
    environment.forget()
    with pytest.raises(SettingsError) as caught:
        environment.load("dev")
    assert any(line in told for told in caught.value.lines), caught.value.lines


@pytest.mark.parametrize(("sources", "files"), [((SALES,), {"sales.parquet"}), ((OUTSIDE,), {"external.parquet"})])
def test_sample_data_is_made_for_the_sources_that_the_config_names(project, sources, files) -> None:
    for path in project.path("data/raw").iterdir():
        path.unlink()
    keep(project, *sources)
    project.settings["sources"] = {
        name: one if name == SALES else [{**one[0], "labels": []}] for name, one in project.settings["sources"].items()
    }
    project.configure(sample_data={"when_missing": True, "accept": True, "stores": 40, "skus": 24, "weeks": 2})
    assert project.build(tasks.Merging).status == "SUCCESS"
    assert {path.name for path in project.path("data/raw").iterdir()} == files | {"sample_truth.parquet"}
