"""What became of the clusters of a reference, in cases drawn by hand; and the tables of all levels together."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.core.between_runs.changes import changes
from pipeline.core.between_runs.migrations import compare_with_references
from pipeline.schema import TABLES
from pipeline.settings import References


def series(**stores: int) -> pd.Series:
    """Clusters of so many stores each: c1=4 is four stores in cluster 1."""
    labels = [int(name[1:]) for name, count in stores.items() for _ in range(count)]
    return pd.Series(labels, index=[f"s{i:02d}" for i in range(len(labels))], dtype="int64")


def told(before: pd.Series, now: pd.Series) -> dict[int, tuple[str, str]]:
    found = changes(before, now)
    return {row.cluster: (row.change, row.words) for row in found.itertuples()}


def test_the_same_clusters_are_kept() -> None:
    one = series(c1=4, c2=3)
    found = changes(one, one)
    assert found.drop(columns="words").to_numpy().tolist() == [[1, "kept", 4, 4, 4], [2, "kept", 3, 3, 3]]
    assert set(found["words"]) == {"the same stores, of those that both know"}


def test_a_kept_cluster_says_what_it_lost_and_gained() -> None:
    before, now = series(c1=10, c2=10), series(c1=9, c2=11)
    assert told(before, now) == {1: ("kept", "lost to 2 (1 store)"), 2: ("kept", "gained from 1 (1 store)")}


def test_a_split_cluster_and_what_came_of_it() -> None:
    before, now = series(c1=10, c2=10), series(c1=6, c3=4, c2=10)
    assert told(before, now) == {
        1: ("split", "split into 1 (6 stores), 3 (4)"),
        2: ("kept", "the same stores, of those that both know"),
        3: ("split", "split from 1 (4 stores)"),
    }


def test_merged_clusters() -> None:
    before, now = series(c1=10, c2=6), series(c1=16)
    assert told(before, now) == {
        1: ("merged", "merged from 1 (10 stores), 2 (6)"),
        2: ("merged", "merged into 1 (6 stores)"),
    }


def test_new_and_vanished_clusters() -> None:
    before = series(c1=10, c2=10, c3=4)
    now = before.copy()
    now.iloc[[8, 9, 18, 19]] = 4  # two of each of the large ones
    now.iloc[20:24] = [1, 1, 2, 2]  # the small one is dispersed
    found = told(before, now)
    assert found[3] == ("vanished", "its stores went to 1 (2 stores), 2 (2)")
    assert found[4] == ("new", "its stores come from 1 (2 stores), 2 (2)")
    assert found[1][0] == found[2][0] == "kept"


def test_stores_of_one_result_alone_count_for_nothing() -> None:
    before = series(c1=4)
    now = pd.concat([before, pd.Series(9, ["x", "y"])])
    assert told(before, now)[9] == ("new", "its stores come from none that both results know")
    assert len(changes(before.iloc[:0], before.iloc[:0])) == 0


CLUSTERS = {"store_id": ["a", "b", "c"], "cluster": [1, 1, 2], "confidence": [0.9, 0.5, 0.8]}


def given(cluster: list[int]) -> dict[str, pd.DataFrame]:
    internal = pd.DataFrame(CLUSTERS | {"cluster": cluster}).assign(category="Tea")
    features = pd.DataFrame({"store_id": ["a", "b", "c"], "category": "Tea", "feature": "f", "share": [0.1, 0.2, 0.3]})
    return {
        "internal_clusters": internal,
        "internal_features": features,
        "external_clusters": pd.DataFrame(CLUSTERS).assign(confidence=[0.7, 0.6, 1.0]),
        "external_features": pd.DataFrame({"store_id": ["a", "b", "c"], "age": [1.0, 2.0, 3.0]}),
        "store_clusters": internal[["store_id", "category", "cluster"]],
    }


def test_every_level_is_compared_with_its_own_reference() -> None:
    before = {f"before_{name}": frame for name, frame in given([1, 1, 2]).items()}
    settings = References(internal="one", external="two", final="three")
    found = compare_with_references(**given([1, 2, 2]), settings=settings, **before)
    for name, frame in found.items():
        assert list(frame.columns) == [column.name for column in TABLES[name].columns]
        assert not frame.duplicated(list(TABLES[name].key)).any()
    agreement = found["agreement"].set_index("level")
    assert agreement["reference"].to_dict() == {"internal": "one", "external": "two", "final": "three"}
    assert agreement["moved"].to_dict() == {"internal": 1, "external": 0, "final": 1}
    assert agreement.loc["internal", "kept_share"] == pytest.approx(2 / 3)
    moved = found["migrations"].set_index("level")
    assert moved[["store_id", "from_cluster", "to_cluster"]].drop_duplicates().to_numpy().tolist() == [["b", 1, 2]]
    assert moved["confidence"].to_dict() == {"internal": 0.5, "final": 0.5}
    assert found["drift"][["level", "category", "feature"]].to_numpy().tolist() == [
        ["external", "(all)", "age"],
        ["internal", "Tea", "f"],
    ]


def test_a_category_that_is_gone_and_one_that_is_new_are_told_of() -> None:
    now = given([1, 1, 2])
    before = {
        f"before_{name}": now[name].replace({"category": {"Tea": "Coffee"}}) if "category" in now[name] else now[name]
        for name in ("internal_clusters", "internal_features")
    }
    found = compare_with_references(**now, settings=References(internal="one"), **before)
    assert found["agreement"][["category", "stores", "only_before", "only_now"]].to_numpy().tolist() == [
        ["Coffee", 0, 3, 0],
        ["Tea", 0, 0, 3],
    ]
    assert found["agreement"]["kept_share"].isna().all()
    assert set(found["cluster_changes"].query("category == 'Coffee'")["change"]) == {"vanished"}
    assert found["drift"].set_index("category")["change"].to_dict() == {"Coffee": "gone", "Tea": "new"}


def test_without_a_reference_no_table_has_a_row() -> None:
    found = compare_with_references(**given([1, 1, 2]), settings=References())
    assert [len(frame) for frame in found.values()] == [0, 0, 0, 0]
