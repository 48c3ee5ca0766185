"""Roots of shares on the plane that touches their sphere."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.clustering.tangent import base_of, coordinates, flat, pivot_of, vectors_of


def roots(d: int = 5, n: int = 40, seed: int = 0) -> np.ndarray:
    return np.sqrt(np.random.default_rng(seed).dirichlet(np.full(d, 2.0), n))


def test_a_vector_is_as_long_as_the_arc_from_the_base_and_lies_in_its_direction():
    points = roots()
    base = base_of(points)
    vectors = flat(points, base)
    np.testing.assert_allclose(np.linalg.norm(base), 1.0)
    np.testing.assert_allclose(vectors @ base, 0.0, atol=1e-12)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, np.arccos(points @ base))
    back = np.cos(lengths)[:, None] * base + (np.sin(lengths) / lengths)[:, None] * vectors
    np.testing.assert_allclose(back, points, atol=1e-12)


def test_the_base_itself_lies_at_the_origin_and_the_farthest_corner_a_quarter_circle_away():
    assert not flat(np.eye(3)[:1], np.eye(3)[0]).any()
    np.testing.assert_allclose(np.linalg.norm(flat(np.eye(3)[1:2], np.eye(3)[0])), np.pi / 2)


@pytest.mark.parametrize("pivot", range(5))
def test_coordinates_keep_every_distance_and_can_be_undone(pivot):
    points = roots()
    base = base_of(points)
    vectors = flat(points, base)
    found = coordinates(vectors, base, pivot)
    assert found.shape == (40, 4)
    np.testing.assert_allclose(found @ found.T, vectors @ vectors.T, atol=1e-12)
    np.testing.assert_allclose(vectors_of(found, base, pivot), vectors, atol=1e-12)


def test_amounts_that_vary_independently_give_coordinates_that_hardly_vary_together():
    """A mixture without factors takes coordinates as independent within a cluster: what they share looks like an axis."""
    random = np.random.default_rng(0)
    base = np.sqrt([0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
    widths = np.array([0.5, 2.0, 1.0, 0.5, 1.5, 1.0])  # a dear need state sells fewer units: its share varies more
    noise = random.normal(size=(4000, 6)) * widths
    together = np.corrcoef(coordinates(noise - np.outer(noise @ base, base), base, 0).T) - np.eye(5)
    assert np.abs(together).max() < 0.3


def test_a_share_without_sales_in_the_chain_is_its_own_coordinate():
    base = np.array([0.6, 0.8, 0.0])
    vectors = np.array([[0.08, -0.06, 0.3]])
    np.testing.assert_allclose(np.abs(coordinates(vectors, base, 1))[0], [0.1, 0.3])


def test_two_need_states_have_one_coordinate_on_a_line_and_not_on_a_curve():
    share = np.linspace(0.1, 0.9, 9)
    points = np.sqrt(np.column_stack([share, 1 - share]))
    base = base_of(points)
    found = coordinates(flat(points, base), base, 0)[:, 0]
    angles = np.arctan2(points[:, 1], points[:, 0])
    np.testing.assert_allclose(np.abs(np.diff(found)), np.abs(np.diff(angles)))


def test_the_pivot_is_the_largest_share_that_few_stores_lack_and_that_counts_once():
    base = np.sqrt([0.5, 0.3, 0.2])
    gaps = np.zeros((10, 3), dtype=bool)
    assert pivot_of(base, gaps, np.ones(3)) == 0
    assert pivot_of(base, gaps, np.array([2.0, 1.0, 1.0])) == 1
    gaps[:5, 0] = True
    assert pivot_of(base, gaps, np.ones(3)) == 1
