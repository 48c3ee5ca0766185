"""What is built and what is skipped, change by change."""

from __future__ import annotations

import os
import shutil
import time

import msgspec
import pandas as pd
import pytest
import tomli_w
from projects import CATEGORIES, Project

from pipeline import tasks
from pipeline.config.environment import load, tomllib
from pipeline.freshness import traces
from pipeline.freshness.traces import slug
from pipeline.records import runs

CHILDREN = {f"ClusterCategory({category})" for category in CATEGORIES}
MERGED = {f"MergeCategory({category})" for category in CATEGORIES}
INTERNAL = {"InternalPreprocessing", "InternalClustering", *CHILDREN}
EXTERNAL = {"ExternalPreprocessing", "ExternalClustering"}
SINKS = {"Warehouse", "Report", "Workbook"}
FOLLOWING = {"Migrations", "AssignmentModel", *SINKS}  # what reads the final clusters
EVERYTHING = (
    INTERNAL
    | EXTERNAL
    | FOLLOWING
    | MERGED
    | {"ChainClustering", "ChainAgreement", "Overrides", "Merging", "Deliveries"}
)


def test_the_first_run_builds_everything(project: Project) -> None:
    outcome = project.build()
    assert outcome.status == "SUCCESS"
    assert outcome.built == EVERYTHING
    assert project.database.exists()


def test_the_chains_clustering_waits_for_no_category_so_that_a_second_worker_has_the_categories_beside_it(
    built: Project,
) -> None:
    order = [line["task"] for line in next(runs.every(load("dev"))).events]
    waiting = ("ChainClustering", *CHILDREN)
    assert next(task for task in order if task in waiting) == "ChainClustering"


def test_the_second_run_builds_nothing(built: Project) -> None:
    outcome = built.build()
    assert (outcome.built, outcome.cut_off) == (set(), set())


def test_a_job_builds_itself_and_what_it_needs_and_no_more(project: Project) -> None:
    assert project.build(tasks.ExternalClustering).built == EXTERNAL
    assert project.build(tasks.InternalPreprocessing).built == {"InternalPreprocessing"}
    assert project.build(tasks.InternalClustering).built == INTERNAL - {"InternalPreprocessing"}
    assert project.build(tasks.Merging).built == {"Overrides", "Merging", *MERGED}
    assert project.build(tasks.FullPipeline).built == FOLLOWING | {"ChainClustering", "ChainAgreement", "Deliveries"}


def test_a_touch_builds_nothing(built: Project) -> None:
    for path in (built.home / "data" / "raw").iterdir():
        os.utime(path)
    assert built.build().built == set()


def test_a_row_added_to_one_category_builds_its_chain_and_no_other_category(built: Project) -> None:
    sales = built.sales()
    more = sales[sales["CAT"] == "Coffee"].head(1).assign(SALES=77.5)
    built.write_sales(pd.concat([sales, more]))
    outcome = built.build()
    chain = {
        "InternalPreprocessing",
        "ClusterCategory(Coffee)",
        "InternalClustering",
        "ChainClustering",
        "ChainAgreement",
    }
    assert outcome.built == chain | FOLLOWING | {"MergeCategory(Coffee)", "Merging", "Deliveries"}
    assert outcome.cut_off == set()
    assert outcome.reasons["ClusterCategory(Coffee)"].startswith("input changed: outputs/dev/internal_preprocessing/")


def test_rows_in_another_order_are_cut_off_after_preprocessing(built: Project) -> None:
    built.write_sales(built.sales().sample(frac=1, random_state=3))
    outcome = built.build()
    assert outcome.built == {"InternalPreprocessing"}


def test_same_size_and_mtime_with_other_content_is_seen(built: Project) -> None:
    path = built.path("data/raw/needs.csv")
    seen = path.stat()
    text = path.read_text().replace("need 3", "need 4")
    path.write_text(text)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert path.stat().st_size == seen.st_size
    assert "InternalPreprocessing" in built.build().built


def test_the_external_file_alone_builds_the_external_side(built: Project) -> None:
    path = built.path("data/raw/external.parquet")
    frame = pd.read_parquet(path)
    frame.loc[0, "AGE"] += 1.5  # INCOME goes with it, and is dropped for that
    frame.to_parquet(path, index=False)
    outcome = built.build()
    assert outcome.built >= EXTERNAL | SINKS
    assert not outcome.built & INTERNAL


@pytest.mark.parametrize(
    ("sections", "built_tasks"),
    [
        ({"merging": {"internal_weight": 0.7}}, {*MERGED, "Merging", *FOLLOWING}),
        (
            {"merging": {"category": {"Bread": {"internal_weight": 0.7}}}},
            {"MergeCategory(Bread)", "Merging", *FOLLOWING},
        ),
        ({"external": {"clustering": {"scaling": "standard"}}}, {"ExternalClustering", *MERGED, "Merging", *FOLLOWING}),
        (
            {"internal": {"clustering": {"category": {"Bread": {"k": 3}}}}},
            {
                "ClusterCategory(Bread)",
                "InternalClustering",
                "ChainAgreement",
                "MergeCategory(Bread)",
                "Merging",
                *FOLLOWING,
            },
        ),
        ({"chain": {"clustering": {"k": 2}}}, {"ChainClustering", "ChainAgreement", *SINKS}),
        ({"stores": {"closed": ["no such store"]}}, {"InternalPreprocessing", "ExternalPreprocessing", "Report"}),
        (
            {"stores": {"held_out": ["no such store"]}},
            {*CHILDREN, "ChainClustering", "ChainAgreement", "ExternalClustering", "Report"},
        ),
        ({"logging": {"level": "DEBUG"}}, set()),
        ({"engine": {"threads": 1}}, set()),
    ],
)
def test_a_changed_setting_builds_what_reads_it(
    built: Project, sections: dict[str, object], built_tasks: set[str]
) -> None:
    built.configure(**sections)
    assert built.build().built == built_tasks


def test_a_setting_changed_and_changed_back_builds_nothing_but_what_was_published_between(built: Project) -> None:
    built.configure(merging={"internal_weight": 0.7})
    built.configure()
    assert built.build().built == set()


def test_comments_and_order_in_the_toml_build_nothing(built: Project) -> None:
    path = built.path("configs/base.toml")
    settings = tomllib.loads(path.read_text())
    path.write_text("# a comment\n" + tomli_w.dumps(dict(reversed(settings.items()))))
    assert path.read_text() != "# a comment\n" + tomli_w.dumps(settings)
    assert built.build().built == set()


@pytest.mark.parametrize("damage", ["delete", "truncate", "alter"])
def test_an_output_that_was_damaged_is_built_again_and_no_more(built: Project, damage: str) -> None:
    target = built.path("outputs/dev/external_clustering/external_clusters.parquet")
    good = target.read_bytes()
    if damage == "delete":
        target.unlink()
    elif damage == "truncate":
        target.write_bytes(good[:-7])
    else:
        target.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    outcome = built.build()
    assert outcome.built == {"ExternalClustering"}
    assert target.read_bytes() == good


def test_a_damaged_category_file_is_built_again(built: Project) -> None:
    target = built.path(f"outputs/dev/internal_preprocessing/sales_by_need_state/{slug('Bread')}.parquet")
    good = target.read_bytes()
    target.write_bytes(b"spoilt")
    outcome = built.build()
    assert outcome.built == {"InternalPreprocessing"}
    assert target.read_bytes() == good


@pytest.mark.parametrize("content", ["", "{}", '{"version": 1}', "[1, 2", "cos\nsystem\n(S'id'\ntR."])
def test_a_broken_trace_means_stale(built: Project, content: str) -> None:
    built.path("outputs/dev/.trace/merging.json").write_text(content)
    assert built.build().built == {"Merging"}


def test_the_database_is_built_again_where_it_was_altered(built: Project) -> None:
    built.database.chmod(0o644)
    with built.database.open("ab") as file:
        file.write(b"x")
    assert built.build().built == {"Warehouse"}


def test_a_category_that_is_gone_leaves_nothing_behind(built: Project) -> None:
    sales = built.sales()
    built.write_sales(sales[sales["CAT"] != "Bread"])
    outcome = built.build()
    directly = {
        "InternalPreprocessing",
        "InternalClustering",
        "ChainClustering",
        "ChainAgreement",
        "Merging",
        "Deliveries",
    }
    assert outcome.built == {*directly, *FOLLOWING}
    left = [path for path in (built.home / "outputs" / "dev").rglob(f"*{slug('Bread')}*") if path.suffix != ".json"]
    assert left == []
    for task in ("cluster_category", "merge_category"):
        assert not built.path(f"outputs/dev/.trace/{task}-{slug('Bread')}.json").exists()


def test_what_a_killed_run_made_of_a_category_that_is_gone_since_is_cleared_away(built: Project) -> None:
    """Its task had published, and the run was killed before the stage that joins the categories knew of it."""
    gone, mine = slug("Zwieback"), "bread-my-copy"
    folder = built.path("outputs/dev/cluster_category")
    for name in (gone, mine):
        shutil.copytree(folder / slug("Bread"), folder / name)
    (folder / gone / ".internal_clusters.parquet.1.tmp").touch()
    told = built.path("outputs/dev/.trace")
    shutil.copy(told / f"cluster_category-{slug('Bread')}.json", told / f"cluster_category-{gone}.json")
    mixes = built.path("outputs/dev/internal_preprocessing/sales_by_need_state")
    shutil.copy(mixes / f"{slug('Bread')}.parquet", mixes / f"{gone}.parquet")
    outcome = built.build()
    assert outcome.built == {"InternalPreprocessing", "InternalClustering"}
    assert list(built.path("outputs/dev").rglob(f"*{gone}*")) == []
    assert (folder / mine / "internal_clusters.parquet").exists()
    assert built.build().built == set()


def test_a_category_that_another_run_has_found_since_is_not_cleared_away(built: Project) -> None:
    """This run asked for its categories before; the other one has published the list, and the new category's targets."""
    stage = tasks.InternalClustering(env="dev")
    last = traces.read(stage.trace_path)
    assert last is not None
    before = msgspec.structs.replace(last, children=[name for name in last.children if name != "Bread"])
    assert stage.strays(before) == []
    sales = built.sales()
    built.write_sales(sales[sales["CAT"] != "Bread"])
    built.build(tasks.InternalPreprocessing)
    assert {path.parent.name for path in stage.strays(before)} == {slug("Bread"), ".trace"}
    stage.path("internal_clusters").parent.parent.joinpath("internal_preprocessing", "categories.parquet").write_text(
        "broken"
    )
    assert stage.strays(before) == []


def test_a_category_that_is_gone_keeps_a_file_that_is_not_ours(built: Project) -> None:
    mine = built.path(f"outputs/dev/cluster_category/{slug('Bread')}/notes.txt")
    mine.write_text("Bread: ask Ann")
    sales = built.sales()
    built.write_sales(sales[sales["CAT"] != "Bread"])
    built.build()
    assert [path.name for path in mine.parent.iterdir()] == ["notes.txt"]
    assert built.build().built == set()


def test_a_category_that_is_new_is_clustered_and_no_other_is(built: Project) -> None:
    sales = built.sales()
    new = sales[sales["CAT"] == "Coffee"].assign(CAT="Café")
    built.write_sales(pd.concat([sales, new]))
    built.configure(internal={"preprocessing": {"max_unmapped_share": 1.0}})
    outcome = built.build()
    assert "ClusterCategory(Café)" in outcome.built
    assert not outcome.built & CHILDREN


def test_a_target_keeps_its_file_where_its_bytes_are_the_same(built: Project) -> None:
    target = built.path(f"outputs/dev/internal_preprocessing/sales_by_need_state/{slug('Bread')}.parquet")
    before = target.stat()
    sales = built.sales()
    built.write_sales(pd.concat([sales, sales[sales["CAT"] == "Coffee"].head(1)]))
    built.build()
    assert target.stat().st_ino == before.st_ino
    assert target.stat().st_mtime_ns == before.st_mtime_ns


def test_two_workers_publish_the_bytes_that_one_publishes(project: Project, built: Project, parquet_bytes) -> None:
    before = parquet_bytes(built.home / "outputs")
    for path in (built.home / "outputs").rglob("*.json"):
        path.unlink()
    assert built.build(workers=2).status == "SUCCESS"
    assert parquet_bytes(built.home / "outputs") == before


def test_what_a_killed_run_left_is_swept(built: Project) -> None:
    leftovers = [
        built.path("outputs/dev/merging/.store_clusters.parquet.4242.tmp"),
        built.path("outputs/dev/.trace/.merging.json.4242.tmp"),
        built.path("outputs/.clustering_dev.duckdb.4242.tmp"),
    ]
    for path in leftovers:
        path.write_bytes(b"half")
    built.configure(merging={"internal_weight": 0.7})
    built.build()
    assert [path for path in leftovers if path.exists()] == []


def test_nothing_heavy_is_imported_when_there_is_nothing_to_do(built: Project) -> None:
    time.sleep(0.1)
    program = (
        "import sys, luigi\n"
        "from pipeline import tasks\n"
        "assert tasks.FullPipeline(env='dev').complete()\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'duckdb', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = built.command("python", "-c", program)
    assert done.returncode == 0, done.stderr


def test_an_environment_has_outputs_of_its_own(built: Project) -> None:
    built.configure("staging")
    outcome = built.build(env="staging")
    assert outcome.built == EVERYTHING
    assert built.path("outputs/clustering_staging.duckdb").exists()
    assert built.build().built == set()


def test_a_deleted_category_file_is_built_again(built: Project) -> None:
    target = built.path(f"outputs/dev/internal_preprocessing/sales_by_need_state/{slug('Bread')}.parquet")
    good = target.read_bytes()
    target.unlink()
    outcome = built.build()
    assert outcome.status == "SUCCESS"
    assert outcome.built == {"InternalPreprocessing"}
    assert target.read_bytes() == good
