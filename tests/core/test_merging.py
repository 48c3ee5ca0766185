"""Merging: internal and external clusters become the final ones, and no store is lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline import tasks
from pipeline.core.merging import merge
from pipeline.core.merging.crossing import cross
from pipeline.core.merging.methods import METHODS
from pipeline.core.merging.outcome import outcome
from pipeline.core.merging.stores import CategoryStores, floor_of
from pipeline.errors import DataError
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.settings import Merging, MergingOverride
from pipeline.storage import parquet

Features = tuple[float, ...]


@dataclass
class Given:
    """What both sides know: clusters with features by store, and exclusions."""

    inside: dict[str, dict[str, tuple[int, Features]]] = field(default_factory=dict)
    outside: dict[str, tuple[int, Features]] = field(default_factory=dict)
    inside_excluded: list[tuple[str, str]] = field(default_factory=list)
    outside_excluded: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, pd.DataFrame]:
        inside = [(s, c, *known) for c, stores in self.inside.items() for s, known in stores.items()]
        outside = [(store, *known) for store, known in self.outside.items()]
        return {
            "internal_clusters": clusters([(s, c) for s, c, _, _ in inside], [k for _, _, k, _ in inside], 2),
            "internal_features": frame(
                ["store_id", "category", "feature", "value"],
                [(s, c, f"need {i}", v) for s, c, _, values in inside for i, v in enumerate(values)],
            ),
            "internal_excluded": excluded([(*pair, "internal_sales") for pair in self.inside_excluded]),
            "external_clusters": clusters([(s,) for s, _, _ in outside], [k for _, k, _ in outside], 1),
            "external_scaled_features": frame(
                ["store_id", "feature", "value"],
                [(s, f"feature {i}", v) for s, _, values in outside for i, v in enumerate(values)],
            ),
            "external_excluded": excluded([(store, NO_CATEGORY, "external") for store in self.outside_excluded]),
        }

    def merge(self, **chosen: object) -> dict[str, pd.DataFrame]:
        quick = {"compare_methods": False, "resamples": 10}
        return checked(merge(**self.tables(), settings=Merging(**quick | chosen)))

    def stores(self, category: str = "Bread") -> CategoryStores:
        """The stores of a category, as merging has them."""
        inside = self.inside[category]
        width = len(next(iter(self.outside.values()), (0, ()))[1])
        outside = [self.outside.get(store, (0, (0.0,) * width)) for store in inside]
        found = CategoryStores(
            category,
            np.array(list(inside), dtype=object),
            np.array([cluster for cluster, _ in inside.values()]),
            np.array([cluster for cluster, _ in outside]),
            np.array([values for _, values in inside.values()], dtype=float),
            np.array([values for _, values in outside], dtype=float).reshape(len(inside), width),
        )
        return found.in_order_of_values()

    def cross(self, **chosen: object) -> dict[str, pd.DataFrame]:
        """The crossing of a category, also where it has few stores for one."""
        stores, told = self.stores(), Merging(**chosen)
        space, floor = stores.space(told), floor_of(told, len(stores.store_id))
        made = outcome(stores, space, cross(stores, space, floor), floor, "")._asdict()
        del made["cluster"]
        return {name: table.sort_values(list(TABLES[name].key), ignore_index=True) for name, table in made.items()}


def frame(columns: list[str], rows: list[tuple]) -> pd.DataFrame:
    """Text as str and numbers as floats, also without rows, as `tables.read` gives them."""
    found = pd.DataFrame(rows, columns=columns)
    return found.astype({name: "float64" if name == "value" else "str" for name in columns})


def clusters(keys: list[tuple[str, ...]], numbers: list[int], width: int) -> pd.DataFrame:
    found = frame(["store_id", "category"][:width], keys)
    found["cluster"] = np.array(numbers, dtype="int64")
    found["distance"] = np.arange(len(keys)) / 8
    found["is_held_out"] = False
    found["next_cluster"] = pd.array([None] * len(keys), dtype="Int64")
    return found


def excluded(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return frame(["store_id", "category", "source", "reason"], [(*row, "a reason") for row in rows])


def checked(merged: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables as given, once they were seen to be what the schema says, and sorted."""
    assert set(merged) == set(tasks.Merging.tables) - {"merged_profiles", "cluster_numbers", "overrides_applied"}
    for name, found in merged.items():
        found = found.assign(name="") if name == "merged_clusters" else found  # names are given afterwards
        found = found.assign(overridden=False) if name == "store_clusters" else found  # as are overrides
        assert set(found.columns) == {column.name for column in TABLES[name].columns}
        key = list(TABLES[name].key)
        pd.testing.assert_frame_equal(found, found.sort_values(key, ignore_index=True))
        parquet.to_arrow(found, TABLES[name])  # no null where there may be none, no key twice
    return merged


def rows(table: pd.DataFrame, *columns: str) -> list[tuple]:
    """Rows as tuples of plain values; None for null."""
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[list(columns)].astype(object).itertuples(index=False)
    ]


def in_category(**stores: tuple[int, Features]) -> dict[str, dict[str, tuple[int, Features]]]:
    return {"Bread": stores}


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
    merged = square.merge(min_cluster_size=3, category={"Tea": MergingOverride(min_cluster_size=1)})
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
        with pytest.raises(DataError, match=f"{where}: 1 clustered stores lack features, the first is 's03'"):
            merge(**given, settings=Merging())


def test_a_store_clustered_and_excluded_in_one_category_is_an_error(square):
    square.inside_excluded.append(("s01", "Bread"))
    with pytest.raises(DataError, match=r"lost 0 stores \(none\) and has 1 both clustered and excluded .*s01"):
        square.merge()


def test_a_store_that_would_be_lost_is_an_error(square):
    given = square.tables()
    given["internal_clusters"] = given["internal_clusters"].astype({"category": object})
    given["internal_clusters"].loc[3, "category"] = None  # a group without a name is no group
    with pytest.raises(DataError, match=r"merging lost 1 stores \(s03\)"):
        merge(**given, settings=Merging())


def test_the_tables_that_are_given_are_not_changed(square):
    given = square.tables()
    before = {name: table.copy() for name, table in given.items()}
    merge(**given, settings=Merging())
    for name, table in given.items():
        pd.testing.assert_frame_equal(table, before[name])


# ------------------------------------------------------------------------------------------------ what always holds

eighths = st.integers(-8, 8).map(lambda number: number / 8)
known_as = st.tuples(st.integers(1, 3), st.tuples(eighths, eighths))


@st.composite
def anything(draw: st.DrawFn) -> Given:
    """Up to two categories of up to 20 stores, known to either side, to both or to none."""
    stores = [f"s{number}" for number in range(draw(st.integers(0, 20)))]
    given = Given()
    for category in ("Bread", "Tea"):
        inside = {store: draw(known_as) for store in stores if draw(st.booleans())}
        if inside:
            given.inside[category] = inside
        left = [store for store in stores if store not in inside]
        given.inside_excluded += [(store, category) for store in left if draw(st.integers(0, 4)) == 0]
    selling = {store for inside in given.inside.values() for store in inside} | {s for s, _ in given.inside_excluded}
    given.inside_excluded += [(store, NO_CATEGORY) for store in stores if store not in selling and draw(st.booleans())]
    for store in stores:
        side = draw(st.sampled_from(["known", "known", "excluded", "nothing"]))
        if side == "known":
            given.outside[store] = draw(known_as)
        elif side == "excluded":
            given.outside_excluded.append(store)
    inside = selling | {store for store, _ in given.inside_excluded}
    outside = {*given.outside, *given.outside_excluded}
    assume(not inside or not outside or inside & outside)  # else their keys are written differently, which is an error
    return given


@st.composite
def settings_of(draw: st.DrawFn) -> Merging:
    """Any method, a floor, and sometimes a number of clusters."""
    return Merging(
        method=draw(st.sampled_from(METHODS)),
        min_cluster_size=draw(st.integers(1, 6)),
        min_cluster_share=0.1,
        k=draw(st.sampled_from([None, None, 1, 3])),
        resamples=10,
        compare_methods=False,
    )


told = settings_of()


@settings(max_examples=20, deadline=None)
@given(anything(), told)
def test_no_store_is_lost_or_there_twice(given_, told):
    merged = checked(merge(**given_.tables(), settings=told))
    placed = rows(merged["store_clusters"], "store_id", "category")
    assert len(placed) == len(set(placed))
    selling = {(store, category) for category, inside in given_.inside.items() for store in inside}
    sells = {store for store, _ in selling} | {store for store, c in given_.inside_excluded if c != NO_CATEGORY}
    alone = {(store, NO_CATEGORY) for store in given_.outside if store not in sells}
    assert set(placed) == selling | alone
    left_out = {(store, category, "internal_sales") for store, category in set(given_.inside_excluded) - alone}
    left_out |= {(store, NO_CATEGORY, "external") for store in given_.outside_excluded}
    assert set(rows(merged["excluded_stores"], "store_id", "category", "source")) == left_out


@settings(max_examples=20, deadline=None)
@given(anything(), told)
def test_clusters_are_numbered_by_size_and_reach_the_floor(given_, told):
    merged = merge(**given_.tables(), settings=told)
    stores = Counter(rows(merged["store_clusters"], "category", "cluster"))
    cells = rows(
        merged["merged_clusters"], "category", "cluster", "stores", "internal_cluster", "external_cluster", "note"
    )
    assert stores == {(category, number): count for category, number, count, *_ in cells}
    for category in {cell[0] for cell in cells}:
        own = [cell[1:] for cell in cells if cell[0] == category]
        assert [number for number, *_ in own] == list(range(1, len(own) + 1))
        assert [-count for _, count, *_ in own] == sorted(-count for _, count, *_ in own)
        floor = floor_of(told, sum(count for _, count, *_ in own))
        for _, count, inside, outside, note in own:
            unknown = "stands" in note or "outside data does not know" in note or "outside data knows no" in note
            assert count >= floor or unknown or category == NO_CATEGORY
            assert not unknown or (inside is not None and outside is None)


@settings(max_examples=20, deadline=None)
@given(anything(), told)
def test_moves_lead_from_a_stores_own_cell_to_its_final_cluster(given_, told):
    merged = merge(**given_.tables(), settings=told)
    moves: dict[tuple[str, str], dict[int, tuple[int, str, str]]] = {}
    for store, category, *move in rows(
        merged["reassignments"], "store_id", "category", "from_cluster", "to_cluster", "from_cell", "to_cell"
    ):
        moves.setdefault((store, category), {})[move[0]] = tuple(move[1:])
    last = Counter(rows(merged["merged_clusters"], "category"))
    for store, category, inside, outside, cluster, moved in rows(
        merged["store_clusters"],
        "store_id",
        "category",
        "internal_cluster",
        "external_cluster",
        "cluster",
        "reassigned",
    ):
        steps = moves.pop((store, category), {})
        assert moved == bool(steps)
        if not steps:
            continue
        assert all(start > last[(category,)] for start in steps)  # dissolved cells come after the final ones
        at = min(steps)  # the cells are numbered in the order they went
        assert steps[at][1] in (f"{inside} x {outside}", f"{inside}") or steps[at][1].startswith(told.method)
        cell = steps[at][1]
        while at in steps:
            following, source, target = steps.pop(at)
            assert source == cell
            at, cell = following, target
        assert at == cluster
        assert not steps
    assert not moves


def same(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> None:
    for name, table in one.items():
        pd.testing.assert_frame_equal(table, other[name], check_exact=True)


def changed(given_: Given, change: Callable[[pd.DataFrame], pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: change(table) for name, table in given_.tables().items()}


@settings(max_examples=12, deadline=None)
@given(anything(), told, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(given_, told, seed):
    shuffled = changed(given_, lambda table: table.sample(frac=1, random_state=seed))
    same(merge(**given_.tables(), settings=told), merge(**shuffled, settings=told))


@settings(max_examples=12, deadline=None)
@given(anything(), told, st.permutations([f"s{number}" for number in range(20)]))
def test_renaming_stores_changes_nothing_but_names(given_, told, names):
    new = {f"s{number}": name for number, name in enumerate(names)}
    renamed = changed(given_, lambda table: table.assign(store_id=table["store_id"].map(new).astype("str")))
    before, after = merge(**given_.tables(), settings=told), merge(**renamed, settings=told)
    for name in ("store_clusters", "reassignments", "excluded_stores"):
        before[name]["store_id"] = before[name]["store_id"].map(new)
        before[name] = before[name].sort_values(list(TABLES[name].key), ignore_index=True)
        for table in (before[name], after[name]):
            table["store_id"] = table["store_id"].astype(object)
    same(before, after)


@settings(max_examples=12, deadline=None)
@given(anything(), told, st.sampled_from([0.125, 4.0, 1024.0]))
def test_the_scale_of_features_changes_nothing(given_, told, factor):
    scaled = changed(given_, lambda table: table.assign(value=table["value"] * factor) if "value" in table else table)
    before, after = merge(**given_.tables(), settings=told), merge(**scaled, settings=told)
    for name in before:
        pd.testing.assert_frame_equal(before[name], after[name], rtol=0, atol=1e-9)
