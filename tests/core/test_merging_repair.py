"""The block-scaled space, and the repair of cells that are too small, against plain Python."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.merging.repair import Repair, repair
from pipeline.core.merging.space import block_scaled
from pipeline.core.merging.stores import NO_CLUSTER, floor_of
from pipeline.settings import Merging

Point = tuple[float, ...]


def plain_repair(
    points: list[Point], cells: list[tuple[int, int]], floor: int
) -> tuple[list[tuple[int, int]], list[tuple[int, tuple[int, int], tuple[int, int], float, float]]]:
    """The repair as its description has it: every store's cell in the end, and the moves."""
    cells = list(cells)
    alive = sorted({cell for cell in cells if cell[1] != NO_CLUSTER})
    moves = []
    while len(alive) > 1 and min(cells.count(cell) for cell in alive) < floor:
        source = min(alive, key=lambda cell: (cells.count(cell), cell))
        alive.remove(source)
        centres = {}
        for cell in alive:
            members = [point for point, own in zip(points, cells, strict=True) if own == cell]
            centres[cell] = tuple(map(statistics.fmean, zip(*members, strict=True)))
        after = list(cells)
        for store, point in enumerate(points):
            if cells[store] == source:
                ranked = sorted((round(math.dist(point, centre), 10), cell) for cell, centre in centres.items())
                after[store] = ranked[0][1]
                nearest, following = ranked[0][0], ranked[1][0] if len(ranked) > 1 else math.nan
                margin = (following - nearest) / following if following else 0.0
                moves.append((store, source, after[store], nearest, margin))
        cells = after
    return cells, moves


quarters = st.integers(-12, 12).map(lambda number: number / 4)


@st.composite
def crossings(draw: st.DrawFn) -> tuple[list[Point], list[tuple[int, int]], int]:
    """Stores in the plane, often at one place, with their cells, and a floor."""
    stores = draw(st.integers(1, 30))
    points = draw(st.lists(st.tuples(quarters, quarters), min_size=stores, max_size=stores))
    cell = st.tuples(st.integers(1, 3), st.integers(0, 3))
    return points, draw(st.lists(cell, min_size=stores, max_size=stores)), draw(st.integers(1, 8))


def repaired(points: list[Point], cells: list[tuple[int, int]], floor: int) -> tuple[list[tuple[int, int]], Repair]:
    """The cells there are, sorted, and what the repair makes of them; those that are unknown outside are exempt."""
    named = sorted(set(cells))
    numbers = np.array([named.index(cell) for cell in cells])
    exempt = np.array([cell[1] == NO_CLUSTER for cell in named])
    return named, repair(np.array(points), numbers, exempt, floor)


def repaired_cells(points: list[Point], cells: list[tuple[int, int]], floor: int) -> list[tuple[int, int]]:
    named, found = repaired(points, cells, floor)
    return [named[cell] for cell in found.cell]


@settings(max_examples=150, deadline=None)
@given(crossings())
def test_the_repair_does_what_its_description_says(crossing):
    points, cells, floor = crossing
    expected, moves = plain_repair(points, cells, floor)
    named, found = repaired(points, cells, floor)
    assert [named[cell] for cell in found.cell] == expected
    assert [(move.store, named[move.source], named[move.target]) for move in found.moves] == [m[:3] for m in moves]
    np.testing.assert_allclose([move.distance for move in found.moves], [m[3] for m in moves], atol=1e-9)
    np.testing.assert_allclose([move.margin for move in found.moves], [m[4] for m in moves], atol=1e-8)
    assert set(np.flatnonzero(found.moved())) == {m[0] for m in moves}


@settings(max_examples=100, deadline=None)
@given(crossings())
def test_stores_that_the_outside_data_does_not_know_stay_among_themselves(crossing):
    points, cells, floor = crossing
    for before, after in zip(cells, repaired_cells(points, cells, floor), strict=True):
        assert (before[1] == NO_CLUSTER) == (after[1] == NO_CLUSTER)
        assert after == before or before[1] != NO_CLUSTER


@settings(max_examples=100, deadline=None)
@given(crossings())
def test_every_cell_reaches_the_floor_where_there_are_stores_enough(crossing):
    points, cells, floor = crossing
    after = [cell for cell in repaired_cells(points, cells, floor) if cell[1] != NO_CLUSTER]
    if len(after) >= floor:
        assert all(after.count(cell) >= floor for cell in after)
    else:
        assert len(set(after)) <= 1


def test_two_small_neighbours_become_one_cell_that_is_large_enough():
    points = [(0.0,)] * 5 + [(9.0,)] * 2 + [(10.0,)] * 3
    cells = [(1, 1)] * 5 + [(2, 1)] * 2 + [(3, 1)] * 3
    assert repaired_cells(points, cells, 5) == [(1, 1)] * 5 + [(3, 1)] * 5


def test_the_lower_label_goes_first_and_is_gone_to_first_at_a_tie():
    points = [(0.0,), (2.0,), (1.0,), (1.0,)]
    cells = [(1, 1), (1, 2), (2, 1), (2, 1)]
    _, found = repaired(points, cells, 2)
    assert [(move.source, move.target) for move in found.moves] == [(0, 2), (1, 2)]
    _, middle = repaired([(0.0,), (0.0,), (2.0,), (2.0,), (1.0,)], [(1, 1), (1, 1), (2, 1), (2, 1), (3, 1)], 2)
    assert [(move.target, move.distance, move.margin) for move in middle.moves] == [(0, 1.0, 0.0)]


def test_centroids_are_computed_anew_after_each_cell_that_goes():
    # the store at 4 goes first and draws (1, 1) from 0 to 1: then -2.2 is nearer to -5 than to it
    points = [(0.0,)] * 3 + [(-5.0,)] * 3 + [(-2.2,)] * 2
    cells = [(1, 1)] * 3 + [(2, 1)] * 3 + [(3, 1)] * 2
    assert repaired_cells(points, cells, 3)[-2:] == [(1, 1)] * 2
    assert repaired_cells([*points, (4.0,)], [*cells, (4, 1)], 3)[-3:] == [(2, 1), (2, 1), (1, 1)]


@pytest.mark.parametrize(
    ("stores", "size", "share", "floor"),
    [
        (100, 5, 0.03, 5),
        (200, 5, 0.03, 6),
        (201, 5, 0.03, 7),
        (100, 1, 0.07, 7),  # 0.07 * 100 is 7.000000000000001
        (3, 1, 0.0, 1),
        (7, 2, 1.0, 7),
    ],
)
def test_the_floor_is_the_larger_of_size_and_share(stores, size, share, floor):
    assert floor_of(Merging(min_cluster_size=size, min_cluster_share=share), stores) == floor


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_each_block_scatters_as_its_weight_says_whatever_its_features_are(seed, stores, inside, outside):
    random = np.random.default_rng(seed)
    internal = random.normal(50, 7, (stores, 4))
    external = random.normal(-3, 1000, (stores, 2))
    known = np.arange(stores) < max(2, stores // 2)
    space = block_scaled(internal, external, known, inside, outside)
    assert space[:, :4].var(axis=0).sum() == pytest.approx(inside)
    assert space[known, 4:].var(axis=0).sum() == pytest.approx(outside)
    np.testing.assert_allclose(space[known].mean(axis=0)[4:], 0, atol=1e-9)
    assert (space[~known, 4:] == 0).all()
    unit = internal[:, 0] - internal[:, 0].mean()
    np.testing.assert_allclose(np.corrcoef(space[:, 0], unit)[0, 1], 1)


def test_what_is_written_for_unknown_stores_is_not_read():
    internal, known = np.array([[1.0], [2.0], [4.0]]), np.array([True, True, False])
    one = block_scaled(internal, np.array([[1.0], [3.0], [0.0]]), known, 0.6, 0.4)
    other = block_scaled(internal, np.array([[1.0], [3.0], [1e9]]), known, 0.6, 0.4)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("constant", [0.0, 1 / 3, 1e9 + 0.1])
def test_a_block_without_variance_says_nothing(constant):
    internal, known = np.full((7, 2), constant), np.ones(7, dtype=bool)
    assert (block_scaled(internal, np.zeros((7, 0)), known, 0.6, 0.4) == 0).all()
    assert (block_scaled(internal, internal, ~known, 0.6, 0.4) == 0).all()
    assert block_scaled(np.zeros((7, 0)), np.zeros((7, 0)), known, 0.6, 0.4).shape == (7, 0)
