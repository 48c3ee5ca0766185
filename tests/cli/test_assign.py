"""`store-clustering assign`, in this process."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from projects import CATEGORIES, Project

from pipeline import schema
from pipeline.cli import assign as command
from pipeline.config import environment
from pipeline.errors import MissingDataError, UsageError
from pipeline.run.session import session
from pipeline.storage import parquet
from pipeline.storage.rows import to_arrow

NEW = {1: " 901", 2: "=902"}


def assign(
    sales: Path | None = None,
    *external: Path,
    output: Path | None = None,
    anyway: bool = False,
    force: bool = False,
    as_json: bool = False,
) -> None:
    session.renew()
    environment.forget()
    text = None if output is None else str(output)
    given = None if sales is None else str(sales)
    command.assign.callback(given, tuple(map(str, external)), "dev", text, force, anyway, as_json)


def new_stores(project: Project) -> tuple[Path, Path]:
    """Two new stores that are as stores 1 and 2 are; they sell in a category that nobody knows, too."""
    sales = project.sales()
    sales = sales[sales["STORE"].isin(NEW)].astype({"STORE": object})
    sales["STORE"] = sales["STORE"].map(NEW)
    sales = pd.concat([sales, sales.tail(1).assign(CAT="Fish")])
    around = pd.read_parquet(project.path("data/raw/external.parquet"))
    around = around[around["STORE"].isin(NEW)].assign(STORE=lambda frame: frame["STORE"].map(NEW))
    paths = project.path("new.parquet"), project.path("areas.parquet")
    sales.to_parquet(paths[0], index=False)
    around.to_parquet(paths[1], index=False)
    return paths


def test_new_stores_go_where_stores_like_them_are_and_what_is_not_used_is_told(
    built: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = new_stores(built)
    assign(*paths, as_json=True)
    said = capsys.readouterr()
    rows = json.loads(said.out)["assignments"]
    assert "note: sales in 1 category without clusters are not used: Fish" in said.err
    published = parquet.read(built.path("outputs/dev/merging/store_clusters.parquet"), schema.TABLES["store_clusters"])
    own = published.set_index(["store_id", "category"])
    assert [(row["store_id"], row["category"]) for row in rows] == [
        (store, category) for store in ("901", "=902") for category in CATEGORIES
    ]
    for row in rows:
        like = own.loc[("1" if row["store_id"] == "901" else "2", row["category"])]
        assert row["method"] == "mix"
        assert (row["internal_cluster"], row["external_cluster"]) == (
            like["internal_cluster"],
            like["external_cluster"],
        )
        assert row["cluster"] == like["cluster"]
        assert row["published_cluster"] is None


def test_a_file_holds_what_is_printed_and_no_text_in_it_is_a_formula(
    built: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = new_stores(built)
    assign(*paths)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["store", "category", "cluster", "by", "because"]
    assert printed[-1].startswith("2 stores in 3 categories: 6 by their mix, 0 by their surroundings, 0 by the rule; ")
    for name in ("placed.csv", "placed.parquet"):
        assign(*paths, output=built.path(name))
    with built.path("placed.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = parquet.read(built.path("placed.parquet"), schema.ASSIGNMENTS)
    assert [row["why"] for row in rows] == kept["why"].tolist()
    assert {row["store_id"] for row in rows} == {"901", "'=902"}
    assert not list(built.home.glob(".placed*"))


def test_stores_without_sales_and_stores_that_are_there_already_are_placed_too(
    built: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assign(None, built.path("data/raw/external.parquet"), as_json=True)
    rows = json.loads(capsys.readouterr().out)["assignments"]
    assert len(rows) == 36 * len(CATEGORIES)
    assert all(row["published_cluster"] for row in rows)
    assert {row["method"] for row in rows} <= {"external", "rule"}
    assert all(row["why"].startswith("no sales in the category; ") for row in rows)


def test_clusters_that_are_not_there_or_stale_are_told_with_the_next_step(
    built: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = new_stores(built)
    built.configure(merging={"internal_weight": 0.7})
    with pytest.raises(
        UsageError, match=r"stale \(MergeCategory\(Bread\): setting changed: merging.internal_weight.*--anyway"
    ):
        assign(*paths)
    assign(*paths, anyway=True)
    assert "note: the clusters of dev are stale" in capsys.readouterr().err
    built.path("outputs/dev/assignment_model/model_pairs.parquet").unlink()
    with pytest.raises(MissingDataError, match=r"no assignment model.*`store-clustering run --env dev` builds it"):
        assign(*paths)


def test_a_setting_of_assign_alone_makes_no_cluster_stale(built: Project) -> None:
    built.configure(assign={"otherwise": "like_store", "like_stores": {"901": "3"}})
    assign(*new_stores(built))
    built.configure(assign={"min_sales_share": 0.5})
    session.renew()
    assert built.build().built == {"AssignmentModel", "Warehouse", "Report", "Workbook"}


def test_what_is_typed_wrong_is_one_line_that_says_what_is_right(built: Project) -> None:
    sales, around = new_stores(built)
    with pytest.raises(UsageError, match="--sales FILE, --external FILE, or both"):
        assign()
    with pytest.raises(
        UsageError, match=r"--external is given 2 times, and environment dev has 1 \[\[sources.external\]\]"
    ):
        assign(sales, around, around)
    with pytest.raises(MissingDataError, match=r"nowhere\.csv: no such file"):
        assign(built.path("nowhere.csv"))
    for output, said in (
        (sales, "never overwritten"),
        (built.path("data/raw/external.parquet"), r"a raw file of dev \(sources.external\[0\].path\)"),
        (built.path("outputs/dev/merging/store_clusters.parquet"), "is in outputs"),
        (built.path("a.txt"), "ends in .csv"),
        (built.path("no/a.csv"), "the folder .* does not exist"),
    ):
        with pytest.raises(UsageError, match=said):
            assign(sales, output=output)
    built.configure(sources={"need_states": {"path": "data/raw/needs*.csv"}})
    environment.forget()
    with pytest.raises(UsageError, match=r"would be, a raw file of dev \(sources.need_states.path\)"):
        assign(sales, output=built.path("data/raw/needs_placed.csv"))
    built.configure(sources={"need_states": {"path": "data/raw"}})
    with pytest.raises(UsageError, match=r"would be, a raw file of dev"):
        assign(sales, output=built.path("data/raw/placed.csv"))


def test_outside_data_without_any_column_that_is_known_is_an_error_that_lists_both(built: Project) -> None:
    built.path("new.csv").write_text("STORE,NAME,INCOMES\n900,x,3\n")
    done = built.command("store-clustering", "assign", "--external", "new.csv")
    assert done.returncode == 30
    (line,) = done.stderr.splitlines()
    assert "none of the columns that the model uses: AGE; found: INCOMES; correct the names" in line


def test_a_folder_of_the_name_is_an_error_that_says_so(built: Project) -> None:
    sales, _ = new_stores(built)
    folder = built.path("folder.csv")
    folder.mkdir()
    with pytest.raises(UsageError, match=r"folder.csv: is a folder; name a file"):
        assign(sales, output=folder)


def test_the_model_s_json_document_says_what_its_tables_say(built: Project) -> None:
    folder = built.path("outputs/dev/assignment_model")
    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))["tables"]
    assert {path.stem for path in folder.glob("*.parquet")} == set(document)
    for name, said in document.items():
        rows = [dict(zip(said["columns"], row, strict=True)) for row in said["rows"]]
        arrow = to_arrow(parquet.read(folder / f"{name}.parquet", schema.TABLES[name]), schema.TABLES[name])
        assert rows == json.loads(json.dumps(arrow.to_pylist(), default=float))
        assert said["key"] == list(schema.TABLES[name].key)


def test_a_file_that_exists_is_replaced_only_where_that_is_asked_for(built: Project) -> None:
    sales, _ = new_stores(built)
    output = built.path("mine.csv")
    output.write_text("mine")
    with pytest.raises(
        UsageError, match=r"mine\.csv: exists, and is not replaced: choose another path, or give --force$"
    ):
        assign(sales, output=output)
    assert output.read_text() == "mine"
    assign(sales, output=output, force=True)
    assert output.read_text() != "mine"
