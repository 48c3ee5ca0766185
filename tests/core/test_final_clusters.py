"""The final clusters' numbers, names and profiles, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.core.final.description import described
from pipeline.core.final.numbering import numbered
from pipeline.schema import TABLES

STORES = ["a", "b", "c", "d", "e", "f"]


def merged(clusters: list[int], category: str = "Tea") -> dict[str, pd.DataFrame]:
    other = pd.array([{1: 2, 2: 1}[cluster] for cluster in clusters], dtype="Int64")
    store_clusters = pd.DataFrame(
        {"store_id": STORES, "category": category, "cluster": clusters, "next_cluster": other}
    )
    moves = pd.DataFrame({"store_id": ["a", "a"], "category": category, "from_cluster": [4, 3], "to_cluster": [3, 1]})
    cells = pd.DataFrame({"category": category, "cluster": sorted(set(clusters))})
    return {"store_clusters": store_clusters, "merged_clusters": cells, "reassignments": moves}


def used(**highest: int) -> pd.DataFrame:
    return pd.DataFrame({"category": list(highest), "highest_number": list(highest.values())})


def test_without_a_reference_numbers_stay_and_are_taken_note_of() -> None:
    given = merged([1, 1, 1, 1, 2, 2])
    found = numbered(given, None, None)
    for name in ("store_clusters", "merged_clusters", "reassignments"):
        pd.testing.assert_frame_equal(found[name], given[name])
    assert found["cluster_numbers"].to_numpy().tolist() == [["Tea", 2]]


def test_numbers_are_the_references_and_dissolved_cells_come_after_all_of_them() -> None:
    before = pd.DataFrame({"store_id": STORES, "category": "Tea", "cluster": [5, 5, 5, 5, 2, 2]})
    found = numbered(merged([1, 1, 1, 1, 2, 2]), before, used(Tea=7, Gone=9))
    assert found["store_clusters"]["cluster"].tolist() == [5, 5, 5, 5, 2, 2]
    assert found["store_clusters"]["next_cluster"].tolist() == [2, 2, 2, 2, 5, 5], "in the same numbers"
    assert found["merged_clusters"]["cluster"].tolist() == [5, 2]
    assert found["reassignments"][["from_cluster", "to_cluster"]].to_numpy().tolist() == [[9, 8], [8, 5]]
    assert found["cluster_numbers"].to_numpy().tolist() == [["Gone", 9], ["Tea", 7]]


def test_a_category_that_the_reference_does_not_know_begins_anew() -> None:
    before = pd.DataFrame({"store_id": STORES, "category": "Coffee", "cluster": [5, 5, 5, 5, 2, 2]})
    found = numbered(merged([1, 1, 1, 1, 2, 2]), before, used(Coffee=7))
    assert found["store_clusters"]["cluster"].tolist() == [1, 1, 1, 1, 2, 2]
    assert found["cluster_numbers"].to_numpy().tolist() == [["Coffee", 7], ["Tea", 2]]


def features() -> pd.DataFrame:
    green = dict(zip(STORES, [0.9, 0.9, 0.9, 0.5, 0.1, 0.1], strict=True))
    rows = [(store, "Tea", "green", share) for store, share in green.items()]
    rows += [(store, "Tea", "black", 1 - share) for store, share in green.items()]
    return pd.DataFrame(rows, columns=["store_id", "category", "feature", "share"])


OUTSIDE = pd.DataFrame({"store_id": ["z", "f", "e", "a"], "income": [9.0, 2.0, 2.0, 8.0]})
REPORT = pd.DataFrame({"feature": ["income"], "action": ["kept"]})


def test_final_clusters_are_named_and_profiled_by_what_both_sides_know_of_their_stores() -> None:
    found = described(merged([1, 1, 1, 1, 2, 2]), features(), OUTSIDE, REPORT)
    assert dict(zip(found["merged_clusters"]["cluster"], found["merged_clusters"]["name"], strict=True)) == {
        1: "high green, low black; high income",
        2: "high black, low green; low income",
    }
    profiles = found["merged_profiles"]
    assert sorted(profiles.columns) == sorted(column.name for column in TABLES["merged_profiles"].columns)
    by_key = profiles.set_index(["cluster", "side", "feature"])
    assert by_key.loc[(1, "internal", "green"), ["stores", "mean", "chain_mean"]].tolist() == pytest.approx(
        [4, 0.8, 3.4 / 6]
    )
    assert by_key.loc[(1, "external", "income"), ["stores", "mean", "chain_mean"]].tolist() == [1, 8.0, 4.0]
    assert by_key.loc[(2, "external", "income"), "eta_squared"] == 1.0


def test_stores_of_the_outside_alone_are_named_by_it() -> None:
    alone = merged([1, 1, 1, 1, 2, 2], category="(none)")
    outside = pd.DataFrame({"store_id": STORES, "income": [9.0, 9, 9, 9, 1, 1]})
    found = described(alone, features(), outside, REPORT)
    assert found["merged_clusters"]["name"].tolist() == ["high income", "low income"]
    assert set(found["merged_profiles"]["side"]) == {"external"}


def test_no_store_gives_empty_tables() -> None:
    nobody = {name: frame.iloc[:0] for name, frame in merged([1] * 6).items()}
    found = numbered(nobody, None, None) | described(nobody, features().iloc[:0], OUTSIDE.iloc[:0], REPORT)
    assert [len(frame) for frame in found.values()] == [0] * 5
    assert sorted(found["merged_profiles"].columns) == sorted(c.name for c in TABLES["merged_profiles"].columns)
