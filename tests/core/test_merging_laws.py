"""What holds of merging whatever the stores and settings are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pandas as pd
from core.merged_stores import Given, checked, rows
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipeline.core.merging import merge
from pipeline.core.merging.methods import METHODS
from pipeline.core.merging.stores import floor_of
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.settings import Merging

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
    """Any method, and a floor."""
    return Merging(
        method=draw(st.sampled_from(tuple(METHODS))),
        min_cluster_size=draw(st.integers(1, 6)),
        min_cluster_share=0.1,
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


SMALL_CELL = Given(
    inside={"Bread": {"s5": (1, (0.0, 0.0)), "s6": (2, (0.0, 0.125))}},
    outside={"s5": (1, (0.0, 0.0)), "s6": (1, (0.0, 0.0))},
)


@settings(max_examples=12, deadline=None)
@given(anything(), told, st.sampled_from([0.125, 4.0, 1024.0]))
@example(SMALL_CELL, Merging(method="internal", min_cluster_size=2, compare_methods=False, resamples=10), 0.125)
def test_the_scale_of_features_changes_nothing(given_, told, factor):
    scaled = changed(given_, lambda table: table.assign(value=table["value"] * factor) if "value" in table else table)
    before, after = merge(**given_.tables(), settings=told), merge(**scaled, settings=told)
    for name in before:
        pd.testing.assert_frame_equal(before[name], after[name], rtol=0, atol=1e-9)
