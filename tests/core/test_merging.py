"""Merging: internal and external clusters become the final ones, and no store is lost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from core.merged_stores import Given, in_category, rows

from pipeline.core.frames import by_category
from pipeline.core.merging import contribution_rows, joined, merge
from pipeline.errors import DataError
from pipeline.schema import NO_CATEGORY
from pipeline.settings import Merging


@pytest.fixture
def square() -> Given:
    """Four cells at the corners of a square: 5, 1, 1 and 5 stores. Both blocks have mean 0 and variance 1."""
    given = Given({"Bread": {}})
    corners = [(1, 1)] * 5 + [(1, 2)] + [(2, 1)] + [(2, 2)] * 5
    for number, (inside, outside) in enumerate(corners):
        given.inside["Bread"][f"s{number:02d}"] = (inside, (2.0 * inside - 3,))
        given.outside[f"s{number:02d}"] = (outside, (2.0 * outside - 3,))
    return given


A, B = math.sqrt(0.6), math.sqrt(0.4)  # half the sides of the square in the block-scaled space


def test_small_cells_of_a_square_go_to_their_nearest_corner(square):
    merged = square.cross(min_cluster_size=3)
    # s05 at (-A, B) is 2 B from (1, 1), 2 A from (2, 2); then (1, 1) has moved to (-A, -2/3 B), and s06 at (A, -B) is
    # 2 B from (2, 2), but hypot(2 A, B / 3) from (1, 1)
    far = math.hypot(2 * A, B / 3)
    assert rows(merged["reassignments"], "store_id", "from_cluster", "to_cluster", "from_cell", "to_cell") == [
        ("s05", 3, 1, "1 x 2", "1 x 1"),
        ("s06", 4, 2, "2 x 1", "2 x 2"),
    ]
    np.testing.assert_allclose(merged["reassignments"]["distance"], [2 * B, 2 * B], atol=1e-9)
    np.testing.assert_allclose(merged["reassignments"]["margin"], [1 - B / A, 1 - 2 * B / far], atol=1e-9)
    assert merged["store_clusters"]["cluster"].tolist() == [1] * 6 + [2] * 6
    assert merged["store_clusters"]["reassigned"].tolist() == [False] * 5 + [True] * 2 + [False] * 5
    expected = [B / 3] * 5 + [5 * B / 3] * 2 + [B / 3] * 5
    np.testing.assert_allclose(merged["store_clusters"]["distance"], expected, atol=1e-9)
    assert rows(
        merged["merged_clusters"], "cluster", "internal_cluster", "external_cluster", "stores", "reassigned_stores"
    ) == [(1, 1, 1, 6, 1), (2, 2, 2, 6, 1)]


def test_a_stores_own_internal_and_external_cluster_stay_what_they_were(square):
    found = square.cross(min_cluster_size=3)["store_clusters"].set_index("store_id")
    assert tuple(found.loc["s05", ["internal_cluster", "external_cluster", "cluster", "status"]]) == (1, 2, 1, "both")


def test_weights_decide_which_side_a_store_stays_with(square):
    inside = square.cross(min_cluster_size=3)["reassignments"]
    outside = square.cross(min_cluster_size=3, internal_weight=0.4, external_weight=0.6)["reassignments"]
    assert inside["to_cell"].tolist() == ["1 x 1", "2 x 2"]
    assert outside["to_cell"].tolist() == ["2 x 2", "1 x 1"]


def test_without_a_floor_to_speak_of_the_cells_are_the_clusters_by_size_then_label(square):
    merged = square.merge(min_cluster_size=1)
    cells = rows(merged["merged_clusters"], "cluster", "internal_cluster", "external_cluster", "stores")
    assert cells == [(1, 1, 1, 5), (2, 2, 2, 5), (3, 1, 2, 1), (4, 2, 1, 1)]
    assert merged["reassignments"].empty


def test_a_second_move_starts_where_the_first_one_ended():
    stores = {f"s{i}": (1, (0.0,)) for i in range(6)} | {"s6": (2, (10.0,)), "s7": (2, (10.0,)), "s8": (3, (12.0,))}
    given = Given(in_category(**stores), dict.fromkeys(stores, (1, (5.0,))))
    moves = given.cross(min_cluster_size=4)["reassignments"]
    assert rows(moves, "store_id", "from_cluster", "to_cluster", "from_cell", "to_cell") == [
        ("s6", 3, 1, "2 x 1", "1 x 1"),
        ("s7", 3, 1, "2 x 1", "1 x 1"),
        ("s8", 2, 3, "3 x 1", "2 x 1"),
        ("s8", 3, 1, "2 x 1", "1 x 1"),
    ]
    unit = A / math.sqrt(344 / 9 - (32 / 9) ** 2)  # mean of squares 344/9, mean 32/9
    np.testing.assert_allclose(moves["distance"], [10 * unit, 10 * unit, 2 * unit, 12 * unit], atol=1e-9)
    np.testing.assert_allclose(moves["margin"], [np.nan, np.nan, 10 / 12, np.nan], atol=1e-9)


def test_the_note_says_where_stores_moved_in(square):
    first = square.cross(min_cluster_size=3)["merged_clusters"]["note"][0]
    assert first == (
        "internal cluster 1 crossed with external cluster 1; stores moved in from cells below the floor of 3: 1"
    )


def test_few_stores_for_a_crossing_are_nested_instead_and_it_says_so(square):
    merged = square.merge(min_cluster_size=3)
    assert merged["store_clusters"]["cluster"].tolist() == [1] * 6 + [2] * 6
    assert merged["reassignments"].empty
    assert merged["merged_clusters"]["note"][0] == (
        "internal cluster 1, not split: fewer than two of its parts by external cluster reach the floor; few stores for a "
        "crossing: 12 / (2 x 2) is less than twice the floor of 3: nested instead"
    )
    assert rows(merged["merging_methods"], "method", "taken") == [("nested", True)]


def test_the_note_has_nothing_to_say_of_a_crossing_with_stores_enough(square):
    notes = square.merge(min_cluster_size=1)["merged_clusters"]["note"].tolist()
    assert notes[0] == "internal cluster 1 crossed with external cluster 1"
    assert not any("few stores" in note for note in notes)


def test_stores_unknown_outside_are_cells_of_their_own_whatever_their_number():
    stores = {f"s{i}": (1 + i % 2, (float(i % 2), float(i))) for i in range(12)}
    given = Given(in_category(**stores), {f"s{i}": (1, (float(i),)) for i in range(10)})
    merged = given.cross(min_cluster_size=5)
    assert rows(merged["merged_clusters"], "cluster", "internal_cluster", "external_cluster", "stores") == [
        (1, 1, 1, 5),
        (2, 2, 1, 5),
        (3, 1, None, 1),
        (4, 2, None, 1),
    ]
    assert merged["merged_clusters"]["note"][2] == "internal cluster 1; the outside data does not know these stores"
    found = merged["store_clusters"].set_index("store_id")
    assert found.loc[["s10", "s11"], "status"].tolist() == ["internal_only"] * 2
    assert found.loc[["s10", "s11"], "external_cluster"].isna().all()
    assert (found.loc[["s10", "s11"], "distance"] == 0).all()


def test_at_equal_size_the_stores_known_outside_come_first():
    stores = {f"s{i}": (1, (float(i),)) for i in range(6)}
    merged = Given(in_category(**stores), {f"s{i}": (1, (float(i),)) for i in (3, 4, 5)}).cross(min_cluster_size=3)
    assert rows(merged["merged_clusters"], "cluster", "external_cluster", "stores") == [(1, 1, 3), (2, None, 3)]


def test_with_one_external_cluster_the_internal_clusters_come_back():
    stores = {f"s{i:02d}": (1 + (i >= 7), (float(i >= 7), 0.1 * i)) for i in range(12)}
    given = Given(in_category(**stores), dict.fromkeys(stores, (1, (1.0, 2.0))))
    merged = given.merge()
    assert merged["store_clusters"]["cluster"].tolist() == [inside for inside, _ in stores.values()]
    assert merged["reassignments"].empty


def test_without_any_outside_data_the_internal_clusters_stand():
    stores = {f"s{i}": (1 + (i > 5), (float(i > 5),)) for i in range(8)}
    merged = Given(in_category(**stores)).merge()
    assert merged["store_clusters"]["cluster"].tolist() == [1] * 6 + [2] * 2
    assert set(merged["store_clusters"]["status"]) == {"internal_only"}
    assert merged["store_clusters"]["external_cluster"].isna().all()
    assert merged["merged_clusters"]["note"].tolist() == [
        "internal cluster 1; the outside data knows no store of the category",
        "internal cluster 2; the outside data knows no store of the category",
    ]


def test_where_no_cell_can_survive_the_internal_clusters_stand_and_it_says_so():
    stores = {f"s{i}": (1 + (i > 5), (float(i),)) for i in range(9)}
    given = Given(in_category(**stores), {f"s{i}": (1 + i % 2, (float(i % 2),)) for i in range(4)})
    merged = given.merge(min_cluster_size=5)
    assert merged["store_clusters"]["cluster"].tolist() == [1] * 6 + [2] * 3
    assert merged["store_clusters"]["status"].tolist() == ["both"] * 4 + ["internal_only"] * 5
    assert rows(merged["merged_clusters"], "internal_cluster", "external_cluster", "note") == [
        (
            number,
            None,
            f"internal cluster {number} as it stands: both sides know 4 stores of the category, fewer than the floor of 5",
        )
        for number in (1, 2)
    ]
    assert merged["reassignments"].empty


@pytest.mark.parametrize("known", [True, False])
def test_a_category_with_one_store_has_one_cluster(known):
    given = Given(in_category(only=(1, (0.3, 0.7))), {"only": (2, (1.0,))} if known else {})
    merged = given.merge()
    assert rows(merged["store_clusters"], "store_id", "cluster", "distance", "reassigned") == [("only", 1, 0.0, False)]
    assert merged["merged_clusters"]["stores"].tolist() == [1]


def test_identical_stores_are_merged_without_a_distance():
    stores = {f"s{i}": (1, (1 / 3, 2 / 3)) for i in range(7)}
    given = Given(in_category(**stores), {store: (1 + (store > "s4"), (0.1,)) for store in stores})
    merged = given.merge(min_cluster_size=4)
    assert merged["store_clusters"]["cluster"].tolist() == [1] * 7
    assert (merged["store_clusters"]["distance"] == 0).all()
    assert merged["reassignments"]["margin"].isna().all()


def test_a_categorys_own_floor_holds_for_it_alone(square):
    square.inside["Tea"] = dict(square.inside["Bread"])
    merged = square.merge(min_cluster_size=3, category={"Tea": Merging.CategorySettings(min_cluster_size=1)})
    assert merged["merged_clusters"].groupby("category").size().to_dict() == {"Bread": 2, "Tea": 4}
    taken = merged["merging_methods"].set_index("category")["method"].to_dict()
    assert taken == {"Bread": "nested", "Tea": "cross"}


def test_a_store_without_sales_stands_once_as_external_only_with_its_external_cluster_renumbered():
    given = Given(
        in_category(a=(1, (1.0,))),
        {"a": (1, (0.0,)), "b": (3, (1.0,)), "c": (2, (2.0,)), "d": (3, (3.0,)), "e": (1, (0.0,))},
        inside_excluded=[("b", NO_CATEGORY), ("z", NO_CATEGORY)],
    )
    merged = given.merge()
    alone = merged["store_clusters"].query("category == @NO_CATEGORY")
    assert rows(alone, "store_id", "internal_cluster", "external_cluster", "cluster", "status", "distance") == [
        ("b", None, 3, 1, "external_only", 1 / 8),
        ("c", None, 2, 3, "external_only", 2 / 8),
        ("d", None, 3, 1, "external_only", 3 / 8),
        ("e", None, 1, 2, "external_only", 4 / 8),
    ]
    cells = merged["merged_clusters"].query("category == @NO_CATEGORY")
    assert rows(cells, "cluster", "internal_cluster", "external_cluster", "stores") == [
        (1, None, 3, 2),
        (2, None, 1, 1),
        (3, None, 2, 1),
    ]
    assert cells["note"].tolist()[0] == "external cluster 3; no sales in the chosen categories"
    assert merged["excluded_stores"]["store_id"].tolist() == ["z"]


def test_a_store_excluded_from_a_category_is_not_external_only():
    given = Given(
        in_category(a=(1, (1.0,))),
        {"a": (1, (0.0,)), "b": (1, (1.0,))},
        inside_excluded=[("b", "Bread"), ("a", "Tea")],
        outside_excluded=["c"],
    )
    merged = given.merge()
    assert rows(merged["store_clusters"], "store_id", "category") == [("a", "Bread")]
    assert rows(merged["excluded_stores"], "store_id", "category", "source") == [
        ("a", "Tea", "internal_sales"),
        ("b", "Bread", "internal_sales"),
        ("c", NO_CATEGORY, "external"),
    ]


def test_a_store_that_neither_side_can_use_keeps_both_reasons():
    merged = Given(inside_excluded=[("x", NO_CATEGORY)], outside_excluded=["x"]).merge()
    assert merged["excluded_stores"]["source"].tolist() == ["external", "internal_sales"]
    assert merged["store_clusters"].empty


def test_nothing_at_all_gives_tables_without_rows():
    assert all(found.empty for found in Given().merge().values())


def test_only_outside_data_gives_external_only_stores():
    merged = Given(outside={"a": (1, (0.0,)), "b": (2, (1.0,))}).merge()
    assert merged["store_clusters"]["status"].tolist() == ["external_only"] * 2


def test_a_category_named_as_the_missing_one_is_refused():
    with pytest.raises(DataError, match=r"a category is named \(none\)"):
        Given({NO_CATEGORY: {"a": (1, (1.0,))}}).merge()


def test_a_clustered_store_without_features_is_an_error(square):
    for name, where in (("internal_features", "category 'Bread'"), ("external_scaled_features", "external clustering")):
        given = square.tables()
        given[name] = given[name][given[name]["store_id"] != "s03"]
        with pytest.raises(DataError, match=f"{where}: 1 clustered store lacks features, such as 's03'"):
            merge(**given, settings=Merging())


def test_a_store_clustered_and_excluded_in_one_category_is_an_error(square):
    square.inside_excluded.append(("s01", "Bread"))
    with pytest.raises(DataError, match=r"lost 0 stores \(none\) and has 1 both clustered and excluded .*s01"):
        square.merge()


def test_a_store_that_would_be_lost_is_an_error(square):
    given, merged = square.tables(), square.merge()
    outside = {name: given[name] for name in ("internal_excluded", "external_clusters", "external_excluded")}
    clusters = by_category(given["internal_clusters"])
    left = merged["store_clusters"][merged["store_clusters"]["store_id"] != "s03"]
    with pytest.raises(DataError, match=r"merging lost 1 store \(s03\)"):
        joined(merged, contribution_rows([]), store_clusters=by_category(left), internal_clusters=clusters, **outside)


def test_the_tables_that_are_given_are_not_changed(square):
    given = square.tables()
    before = {name: table.copy() for name, table in given.items()}
    merge(**given, settings=Merging())
    for name, table in given.items():
        pd.testing.assert_frame_equal(table, before[name])


@pytest.mark.parametrize(("tells", "method"), [(0.0, "internal"), (0.5, "cross")])
def test_by_default_the_outside_data_counts_only_in_categories_where_it_earns_its_place(
    tells: float, method: str
) -> None:
    random = np.random.default_rng(3)
    inside, outside = {}, {}
    for number in range(80):
        internal, external = 1 + number % 2, 1 + number // 2 % 2
        mix = (2.0 * internal, tells * external)
        inside[f"s{number}"] = (internal, tuple(mix + random.normal(0, 0.1, 2)))
        outside[f"s{number}"] = (external, (float(external),))
    merged = Given({"Bread": inside}, outside).merge(method="auto")
    [row] = merged["merging_methods"].itertuples()
    earns = method == "cross"
    assert (row.method, merged["external_contribution"]["earns"].tolist()) == (method, [earns])
    assert row.reason.startswith(f"taken: the outside data {'earns' if earns else 'does not earn'} its place")
    assert merged["merged_clusters"]["stores"].tolist() == ([20] * 4 if earns else [40, 40])


def test_the_floor_holds_for_clusters_of_the_sales_mix_alone_and_the_mix_decides_where_their_stores_go() -> None:
    inside = {f"a{i}": (1, (0.0, 0.1 * i)) for i in range(9)} | {f"b{i}": (2, (5.0, 0.1 * i)) for i in range(9)}
    inside |= {"c": (3, (4.0, 0.0))}
    outside = {store: (1 if store < "b" else 2, (0.0 if store in ("c", "a0") else 9.0,)) for store in inside}
    merged = Given({"Bread": inside}, outside).merge(method="internal", min_cluster_size=5)
    assert merged["merged_clusters"]["stores"].tolist() == [10, 9]
    [move] = merged["reassignments"].itertuples()
    assert (move.store_id, move.to_cell) == ("c", "2")
