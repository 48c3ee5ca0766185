"""Overrides: rows checked one by one, and stores placed where people say, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.final.placement_rows import check
from pipeline.core.final.placements import place
from pipeline.core.frames import by_category
from pipeline.errors import RawDataError
from pipeline.schema import TABLES
from pipeline.settings import Merging, OverridesSource

SOURCE = OverridesSource(path="by_hand.xlsx")
Row = tuple[str | None, str | None, str | None, str | None]


def raw(*rows: Row) -> pd.DataFrame:
    """Rows as the engine gives them."""
    frame = pd.DataFrame(rows, columns=["store_id", "category", "cluster_text", "reason"], dtype=object)
    return frame.assign(cluster=pd.to_numeric(frame["cluster_text"], errors="coerce").astype("float64"))


def overrides(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame([(*row, "local") for row in rows], columns=["store_id", "category", "cluster", "reason"])


def merged(clusters: Sequence[int] = (1, 1, 1, 2, 2, 3), category: str = "Tea") -> dict[str, pd.DataFrame]:
    """Six stores of a category, the last of which merging moved; one more is excluded, another sells something else."""
    placed = pd.DataFrame({"store_id": list("abcdef"), "category": category, "cluster": clusters})
    placed = placed.assign(reassigned=[False] * 5 + [True])
    other = pd.DataFrame({"store_id": ["a", "h"], "category": "Oil", "cluster": 1, "reassigned": False})
    found = pd.concat([other, placed], ignore_index=True)
    cells = found.groupby(["category", "cluster"], as_index=False).agg(stores=("store_id", "size"))
    lost = {"store_id": ["g", "k"], "category": [category, "(none)"], "source": "x", "reason": "no positive sales"}
    return {
        "store_clusters": found,
        "merged_clusters": cells.assign(reassigned_stores=0, note="1 x 1"),
        "excluded_stores": pd.DataFrame(lost),
    }


def placed(tables: dict[str, pd.DataFrame], given: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables with the placements."""
    result = place(by_category(tables["store_clusters"]), tables["excluded_stores"], given)
    return {
        "store_clusters": pd.concat([result.rows(name) for name in result.categories], ignore_index=True),
        "merged_clusters": result.counted(tables["merged_clusters"]),
        "overrides_applied": result.applied,
    }


def refused(call) -> list[str]:
    with pytest.raises(RawDataError) as caught:
        call()
    return caught.value.lines


def test_good_rows_become_a_table_in_order_of_its_key() -> None:
    found = check(rows=raw(("b", "Tea", "2", "why"), ("a", "Tea", "1", "=cmd()")), settings=SOURCE)["overrides"]
    assert found.to_numpy().tolist() == [["a", "Tea", 1, "=cmd()"], ["b", "Tea", 2, "why"]]
    assert len(check(rows=raw(), settings=None)["overrides"]) == 0


def test_one_bad_row_refuses_them_all_and_every_bad_row_says_why() -> None:
    bad = raw(
        ("a", "Tea", "1", "fine"),
        (None, "Tea", "1", "why"),
        ("b", None, "1.5", None),
        ("c", "Tea", "zero", "why"),
        ("d", "Tea", None, "why"),
        ("e", "Tea", "0", "why"),
        ("f", "Tea", "1", "why"),
        ("f", "Tea", "2", "why"),
        ("g", "Tea", "1e300", "why"),
    )
    whole = "but a whole number from 1 is needed; correct the row, or remove it"
    assert refused(lambda: check(rows=bad, settings=SOURCE)) == [
        "by_hand.xlsx: category 'Tea': no store_id; correct the row, or remove it",
        f"by_hand.xlsx: store 'b': no category; no reason; cluster '1.5', {whole}",
        f"by_hand.xlsx: store 'c', category 'Tea': cluster 'zero', {whole}",
        f"by_hand.xlsx: store 'd', category 'Tea': no cluster, {whole}",
        f"by_hand.xlsx: store 'e', category 'Tea': cluster '0', {whole}",
        "by_hand.xlsx: store 'f', category 'Tea': has 2 rows; leave one of them",
        f"by_hand.xlsx: store 'g', category 'Tea': cluster '1e300', {whole}",
    ]


def test_a_store_goes_where_the_override_says_and_the_clusters_are_counted_anew() -> None:
    found = placed(merged(), overrides(("a", "Tea", 2), ("b", "Tea", 1), ("f", "Tea", 2)))
    tea = found["store_clusters"].query("category == 'Tea'").set_index("store_id")
    assert tea["cluster"].tolist() == [2, 1, 1, 2, 2, 2]
    assert tea["overridden"].tolist() == [True, True, False, False, False, True]
    assert not tea["reassigned"].any()
    assert found["store_clusters"].query("category == 'Oil'")["cluster"].tolist() == [1, 1]
    counted = found["merged_clusters"].query("category == 'Tea'")
    assert counted[["cluster", "stores", "note"]].to_numpy().tolist() == [
        [1, 2, "1 x 1; stores placed by overrides: 1"],
        [2, 4, "1 x 1; stores placed by overrides: 2"],
    ]  # the third is gone
    applied = found["overrides_applied"]
    assert sorted(applied.columns) == sorted(column.name for column in TABLES["overrides_applied"].columns)
    assert applied[["store_id", "from_cluster", "to_cluster", "applied", "note"]].to_numpy().tolist() == [
        ["a", 1, 2, True, ""],
        ["b", 1, 1, True, "the clustering places it there too"],
        ["f", 3, 2, True, "moved by merging before, out of a cell that was too small"],
    ]


def test_a_store_without_a_cluster_in_the_category_keeps_none_and_the_reason_is_told() -> None:
    given = overrides(("g", "Tea", 9), ("h", "Tea", 1), ("k", "Tea", 1))
    found = placed(merged(), given)
    assert found["overrides_applied"]["note"].tolist() == [
        "not applied: excluded from the category: no positive sales",
        "not applied: no sales in the category",
        "not applied: no sales in the category",
    ]
    assert not found["overrides_applied"]["applied"].any()
    assert found["overrides_applied"]["from_cluster"].isna().all()
    assert not found["store_clusters"]["overridden"].any()
    pd.testing.assert_frame_equal(found["merged_clusters"], merged()["merged_clusters"])


def test_what_the_result_does_not_know_refuses_them_all() -> None:
    given = overrides(("a", "Tea", 2), ("a", "Bred", 1), ("x", "Tea", 1), ("b", "Tea", 4), ("b", "(none)", 1))
    end = "correct the row, or remove it"
    assert refused(lambda: placed(merged(), given)) == [
        f"[sources.overrides]: store 'a', category 'Bred': the category is unknown; the categories are Oil, Tea; {end}",
        "[sources.overrides]: store 'x', category 'Tea': the store is unknown: it is neither in the sales nor in the "
        f"outside data; {end}",
        f"[sources.overrides]: store 'b', category 'Tea': the category has no cluster 4, only 1, 2, 3; {end}",
        f"[sources.overrides]: store 'b', category '(none)': the category is unknown; the categories are Oil, Tea; {end}",
    ]


def finished(given: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Twelve stores of two kinds of mix, known from the sales alone."""
    stores = [f"s{number:02d}" for number in range(12)]
    kind = np.array([1] * 6 + [2] * 6)
    share = np.where(kind == 1, 0.9, 0.1)
    clusters = pd.DataFrame({"store_id": stores, "category": "Tea", "cluster": kind, "is_held_out": False})
    features = pd.concat(
        [
            pd.DataFrame({"store_id": stores, "category": "Tea", "feature": name, "value": part, "share": part})
            for name, part in (("green", share), ("black", 1 - share))
        ]
    )
    outside = pd.DataFrame({"store_id": pd.Series(dtype="str"), "cluster": pd.Series(dtype="int64")})
    nobody = pd.DataFrame({name: pd.Series(dtype="str") for name in ("store_id", "category", "source", "reason")})
    return merge_and_finish(
        internal_clusters=clusters,
        internal_features=features,
        internal_excluded=nobody,
        external_clusters=outside.assign(distance=0.0),
        external_features=outside[["store_id"]],
        external_feature_report=pd.DataFrame({"feature": [], "action": []}),
        external_scaled_features=outside[["store_id"]].assign(feature="", value=0.0),
        external_excluded=nobody,
        overrides=given,
        settings=Merging(compare_methods=False, resamples=10),
    )


def test_names_profiles_and_distances_follow_and_an_emptied_cluster_keeps_its_number_used() -> None:
    before = finished(overrides())
    assert before["store_clusters"]["distance"].eq(0.0).all()
    found = finished(overrides(("s00", "Tea", 2)))
    profiles = found["merged_profiles"].set_index(["cluster", "feature"])
    assert profiles.loc[(2, "green"), ["stores", "mean"]].tolist() == pytest.approx([7, (0.9 + 6 * 0.1) / 7])
    assert profiles.loc[(1, "green"), "stores"] == 5
    distance = found["store_clusters"].set_index("store_id")["distance"]
    assert distance["s01"] == 0.0
    assert distance["s00"] == pytest.approx(6 * distance["s11"])  # the mean of seven lies a seventh of the way to it
    assert distance["s11"] > 0

    emptied = finished(overrides(*((f"s{number:02d}", "Tea", 1) for number in range(6, 12))))
    assert emptied["merged_clusters"][["cluster", "stores"]].to_numpy().tolist() == [[1, 12]]
    assert emptied["cluster_numbers"]["highest_number"].tolist() == [2]
