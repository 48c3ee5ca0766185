"""A store placed by hand, from the number in the workbook to what is said of it afterwards."""

from __future__ import annotations

import csv

import duckdb
import pandas as pd
import pyarrow.parquet as pq
from projects import Project

from pipeline import schema
from pipeline.cli.pin import pin
from pipeline.run.session import session
from pipeline.storage import parquet

CROSSED = {"merging": {"method": "cross", "min_cluster_size": 2, "min_cluster_share": 0.0}}
SOURCE = {"sources": {"overrides": {"path": "data/raw/overrides.csv"}}}


def table(project: Project, name: str) -> pd.DataFrame:
    (path,) = project.path("outputs/dev").rglob(f"[!.]*/{name}.parquet")
    return parquet.read(path, schema.TABLES[name])


def csv_rows(project: Project) -> list[dict[str, str]]:
    with project.path("outputs/dev/csv/clusters.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_override_written_from_the_next_nearest_of_workbook_csv_or_database_places_the_store_there(
    built: Project,
) -> None:
    built.configure(**CROSSED)
    assert built.build().status == "SUCCESS"
    bread = [row for row in csv_rows(built) if row["Category"] == "Bread"]
    finals, mixes = {row["Cluster"] for row in bread}, {row["Sales-mix cluster"] for row in bread}
    assert len(finals) > len(mixes), "the final clusters have more numbers than the sales mix"
    assert {row["Next-nearest"] for row in bread} - {""} <= finals
    assert any(row["Next-nearest"] not in mixes for row in bread)
    with duckdb.connect(str(built.database), read_only=True) as connection:
        nearest = dict(
            connection.execute("SELECT store_id, next_cluster FROM store_clusters WHERE category = 'Bread'").fetchall()
        )
    assert {row["Store"]: row["Next-nearest"] for row in bread} == {
        store: "" if number is None else str(number) for store, number in nearest.items()
    }
    store = next(row for row in bread if row["Next-nearest"] not in ("", row["Cluster"]))
    built.path("data/raw/overrides.csv").write_text(
        f"store_id,category,cluster,reason\n{store['Store']},Bread,{store['Next-nearest']},nearer to its region\n"
    )
    built.configure(**CROSSED, **SOURCE)
    assert built.build().status == "SUCCESS"
    placed = table(built, "store_clusters").set_index(["store_id", "category"]).loc[(store["Store"], "Bread")]
    assert placed["cluster"] == int(store["Next-nearest"])
    assert placed["next_cluster"] != placed["cluster"], "what lies near is measured from where the store is now"
    again = next(row for row in csv_rows(built) if (row["Store"], row["Category"]) == (store["Store"], "Bread"))
    assert (again["Overridden"], again["Confidence"]) == ("yes", ""), (
        "no confidence of the clustering in what a person did"
    )


def test_a_move_by_hand_is_no_move_of_the_data_and_neither_is_its_end(built: Project) -> None:
    session.renew()
    pin.callback("spring", "dev", False, False, False)
    before = table(built, "store_clusters").set_index(["store_id", "category"])["cluster"]
    other = {1: 2, 2: 1}[before["7", "Bread"]]
    built.path("data/raw/overrides.csv").write_text(f"store_id,category,cluster,reason\n7,Bread,{other},by hand\n")
    built.configure(**SOURCE, merging={"reference": "spring"})
    assert built.build().status == "SUCCESS"
    (move,) = table(built, "migrations").to_dict("records")
    assert (move["store_id"], move["cause"]) == ("7", "by hand")
    assert pd.isna(move["confidence"])
    compared = built.command("store-clustering", "compare", "spring", "dev", "--moves").stdout
    assert [line.split()[0] for line in compared.splitlines() if line.endswith("by hand")] == ["7"]
    agreement = table(built, "agreement").set_index("category").loc["Bread"]
    assert (agreement["moved"], agreement["moved_by_hand"]) == (1, 1)

    session.renew()
    pin.callback("summer", "dev", False, False, False)
    built.configure(merging={"reference": "summer"})
    assert built.build().status == "SUCCESS"
    (back,) = table(built, "migrations").to_dict("records")
    assert (back["store_id"], back["cause"]) == ("7", "no longer by hand")


def test_a_pin_of_a_version_that_did_not_say_what_was_placed_by_hand_is_still_a_reference(built: Project) -> None:
    session.renew()
    pin.callback("old", "dev", False, False, False)
    from pipeline.freshness import fingerprints
    from pipeline.pins import archive

    path = built.path("pins/dev/old/store_clusters.parquet")
    path.chmod(0o644)
    description = built.path("pins/dev/old/pin.toml")
    description.chmod(0o644)
    recorded = archive.read(built.home, archive.Reference("dev", "old")).files[path.name]
    pq.write_table(pq.read_table(path).drop_columns(["overridden", "next_cluster", "margin"]), path)
    description.write_text(description.read_text().replace(recorded, fingerprints.content(path)))
    built.configure(merging={"reference": "old"})
    outcome = built.build()
    assert outcome.status == "SUCCESS", outcome.failed
