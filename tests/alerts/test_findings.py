"""What there is to look at after a load."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from projects import Project

from pipeline.alerts.findings import findings, of_databases
from pipeline.settings import Alerts

SETTINGS = Alerts()


def tables(
    verdicts: dict[str, str] | None = None,
    outside: str | None = None,
    unmapped: dict[str, float] | None = None,
    clusters: dict[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    return {
        "internal_verdicts": pd.DataFrame((verdicts or {}).items(), columns=["category", "verdict"]),
        "external_verdicts": pd.DataFrame({"verdict": [outside] if outside else []}),
        "need_state_coverage": pd.DataFrame((unmapped or {}).items(), columns=["category", "unmapped_share"]).astype(
            {"unmapped_share": "float64"}
        ),
        "store_clusters": pd.DataFrame(
            [
                (f"s{store}", category, int(cluster))
                for category, text in (clusters or {}).items()
                for store, cluster in enumerate(text)
            ],
            columns=["store_id", "category", "cluster"],
        ),
    }


def test_the_same_again_is_nothing_to_look_at() -> None:
    same = tables({"Bread": "tiers"}, "separated", {"Bread": 0.1}, {"Bread": "1122"})
    assert findings(same, same, SETTINGS) == []


def test_a_verdict_that_changed_is_named_with_what_it_was() -> None:
    before = tables({"Bread": "separated", "Tea": "tiers", "Gone": "tiers"}, "tiers")
    after = tables({"Bread": "no structure", "Tea": "tiers", "New": "separated"}, "separated")
    assert findings(before, after, SETTINGS) == [
        "outside data: the verdict changed (tiers -> separated)",
        "Bread: the verdict changed (separated -> no structure)",
    ]


def test_sales_without_a_need_state_are_told_above_the_limit_also_the_first_time() -> None:
    after = tables(unmapped={"Bread": 0.1, "Coffee": 0.1004, "Tea": 0.25, "Odd": float("nan")})
    expected = [
        "Tea: more than 10% of sales are of SKUs without a need state (25.00%)",
        "Coffee: more than 10% of sales are of SKUs without a need state (10.04%)",
    ]
    assert findings(None, after, SETTINGS) == expected
    assert findings(tables(), after, SETTINGS) == expected
    assert findings(None, after, Alerts(max_unmapped_share=0.5)) == []


def test_stores_that_moved_are_told_above_the_limit() -> None:
    before = tables(clusters={"Bread": "1111122222", "Tea": "1111122222"})
    after = tables(clusters={"Bread": "1112222222", "Tea": "2222111111"})
    # Bread: two of ten moved, which is the limit and not above it; Tea: renumbered, and one moved
    assert findings(before, after, SETTINGS) == []
    assert findings(before, after, Alerts(max_moved_share=0.1)) == [
        "Bread: more than 10% of the stores moved to another cluster (20.00%, 2 of 10)"
    ]


def test_a_category_without_a_common_store_is_not_said_to_have_moved() -> None:
    assert findings(tables(clusters={"Bread": "12"}), tables(clusters={"Tea": "12"}), Alerts(max_moved_share=0)) == []


def test_many_categories_are_one_line_that_counts_them_and_names_the_worst() -> None:
    shares = {f"category {number:02d}": 0.2 + number / 100 for number in range(12)}
    told = findings(None, tables(unmapped=shares), SETTINGS)
    assert told == [
        "12 categories: more than 10% of sales are of SKUs without a need state: "
        "category 11 (31.00%), category 10 (30.00%), category 09 (29.00%) and 9 more"
    ]


def test_tables_that_are_not_there_tell_nothing() -> None:
    full = tables({"Bread": "tiers"}, "tiers", {"Bread": 0.9}, {"Bread": "12"})
    assert findings({}, full, SETTINGS) == findings(None, full, SETTINGS)
    assert findings(full, {}, SETTINGS) == []


def database(path: Path, frames: dict[str, pd.DataFrame]) -> Path:
    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            connection.register("incoming", frame)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')
            connection.unregister("incoming")
    return path


def test_databases_are_compared_and_left_alone(tmp_path: Path) -> None:
    before = database(tmp_path / "a.duckdb", tables({"Bread": "tiers"}, "tiers", clusters={"Bread": "1122"}))
    after = database(tmp_path / "b.duckdb", tables({"Bread": "separated"}, "tiers", clusters={"Bread": "1222"}))
    for path in (before, after):
        path.chmod(0o444)
    content = before.read_bytes(), after.read_bytes()
    assert of_databases(before, after, SETTINGS) == [
        "Bread: the verdict changed (tiers -> separated)",
        "Bread: more than 20% of the stores moved to another cluster (25.00%, 1 of 4)",
    ]
    assert (before.read_bytes(), after.read_bytes()) == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.duckdb", "b.duckdb"]
    assert of_databases(None, after, SETTINGS) == []


def test_an_older_database_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    old = tables({"Bread": "tiers"}, "tiers", clusters={"Bread": "1122"})
    del old["external_verdicts"]
    old["store_clusters"] = old["store_clusters"].rename(columns={"cluster": "group"})
    before = database(tmp_path / "a.duckdb", old)
    after = database(tmp_path / "b.duckdb", tables({"Bread": "separated"}, "tiers", clusters={"Bread": "1222"}))
    told = of_databases(before, after, SETTINGS)
    assert len(told) == 2
    assert told[0].startswith("the previous database cannot be compared: external_verdicts (")
    assert "; store_clusters (" in told[0]
    assert told[1] == "Bread: the verdict changed (tiers -> separated)"
    assert all("\n" not in line for line in told)


@pytest.mark.parametrize("damage", ["gone", "text", "zeros"])
def test_a_damaged_database_is_said_to_be_incomparable(tmp_path: Path, damage: str) -> None:
    before = database(tmp_path / "a.duckdb", tables({"Bread": "tiers"}))
    after = database(tmp_path / "b.duckdb", tables({"Bread": "separated"}, unmapped={"Bread": 0.5}))
    before.unlink()
    if damage != "gone":
        before.write_bytes(b"no database" if damage == "text" else bytes(4096 * 8))
    told = of_databases(before, after, SETTINGS)
    assert told[0].startswith("the previous database cannot be compared: a.duckdb (")
    assert told[1:] == ["Bread: more than 10% of sales are of SKUs without a need state (50.00%)"]
    assert of_databases(None, before, SETTINGS)[0].startswith("the database cannot be read: a.duckdb (")


def test_a_database_of_the_pipeline_can_be_looked_at(built: Project) -> None:
    assert of_databases(built.database, built.database, Alerts(max_unmapped_share=0, max_moved_share=0)) == []


def held(holds: dict[str, str], still_explained: dict[str, float] | None = None) -> dict[str, pd.DataFrame]:
    """Verdicts with how the clusters hold; those in `still_explained` are outdated."""
    shares = still_explained or {}
    verdicts = pd.DataFrame({
        "category": list(holds), "verdict": "tiers", "holds": list(holds.values()),
        "still_explained": [shares.get(name, 1.0) for name in holds], "outdated": [name in shares for name in holds],
    })  # fmt: skip
    return tables() | {"internal_verdicts": verdicts}


def test_clusters_that_hold_less_than_before_are_told_and_those_of_which_nothing_was_known_are_not() -> None:
    before = held({"Bread": "yes", "Coffee": "partly", "Tea": "no", "Milk": "unknown", "Beer": "yes"})
    after = held({"Bread": "no", "Coffee": "yes", "Tea": "no", "Milk": "no", "Beer": "unknown"})
    assert findings(before, after, SETTINGS) == ["Bread: the clusters hold less on other weeks (yes -> no)"]


def test_outdated_clusters_are_told_the_most_outdated_first_also_the_first_time() -> None:
    after = held({"Bread": "yes", "Coffee": "partly", "Tea": "yes"}, {"Bread": 0.7, "Coffee": 0.25})
    assert findings(None, after, SETTINGS) == [
        "Coffee: the clusters are outdated: what they still explain of the newest weeks, of what new ones would (25.00%)",
        "Bread: the clusters are outdated: what they still explain of the newest weeks, of what new ones would (70.00%)",
    ]


def test_a_database_from_before_clusters_were_tried_on_other_weeks_is_compared_all_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / "before.duckdb", tmp_path / "after.duckdb"]
    for path, result in zip(paths, (tables({"Bread": "separated"}), held({"Bread": "no"})), strict=True):
        with duckdb.connect(str(path)) as connection:
            for name, frame in result.items():
                connection.register("given", frame)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
                connection.unregister("given")
    assert of_databases(paths[0], paths[1], SETTINGS) == ["Bread: the verdict changed (separated -> tiers)"]


def lineage(**settings: dict[str, object]) -> pd.DataFrame:
    """The lineage of targets, one per task, made with these settings."""
    names = {"Bread": "ClusterCategory(Bread)", "Tea": "ClusterCategory(Tea)"}
    rows = [(f"{task}.parquet", names.get(task, task), json.dumps(values)) for task, values in settings.items()]
    return pd.DataFrame(rows, columns=["target", "task", "settings"])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"outside", "Bread", "Tea", "moved"}),
        ({"Merging": {"method": "cross"}}, {"outside", "Bread", "Tea"}),
        ({"Bread": {"k": 4}}, {"outside", "Tea", "moved"}),
        ({"ExternalClustering": {"k": 4}}, {"Bread", "Tea"}),
        ({"InternalPreprocessing": {"last_weeks": 13}}, {"outside"}),
        (
            {"InternalPreprocessing": {"sources.internal_sales.path": "other", "schema.categories": []}},
            {"outside", "Bread", "Tea", "moved"},
        ),
    ],
)
def test_what_other_settings_made_is_not_compared(
    tmp_path: Path, changed: dict[str, dict[str, object]], expected: set[str]
) -> None:
    same: dict[str, dict[str, object]] = {
        task: {} for task in ("InternalPreprocessing", "Bread", "Tea", "ExternalClustering", "Merging")
    }
    was = tables({"Bread": "tiers", "Tea": "tiers"}, "tiers", clusters={"Tea": "111222"})
    now = tables({"Bread": "separated", "Tea": "separated"}, "separated", clusters={"Tea": "121212"})
    before = database(tmp_path / "a.duckdb", was | {"lineage": lineage(**same)})
    after = database(tmp_path / "b.duckdb", now | {"lineage": lineage(**(same | changed))})
    lines = "\n".join(of_databases(before, after, SETTINGS))
    words = {
        "outside": "outside data: the verdict",
        "Bread": "Bread: the verdict",
        "Tea": "Tea: the verdict",
        "moved": "Tea: more than 20% of the stores moved",
    }
    assert {name for name, text in words.items() if text in lines} == expected


def test_stores_that_somebody_placed_are_no_alarm_and_those_that_the_data_moved_are() -> None:
    before, after = tables(clusters={"Tea": "1111122222"}), tables(clusters={"Tea": "2221122222"})
    assert len(findings(before, after, SETTINGS)) == 1
    after["store_clusters"]["overridden"] = after["store_clusters"]["store_id"].isin(["s0", "s1", "s2"])
    assert findings(before, after, SETTINGS) == []
