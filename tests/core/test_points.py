"""Numbers and flags of a mixture's data."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.clustering.points import Scale


def test_a_feature_that_is_constant_but_for_rounding_says_nothing_of_other_points():
    fitted = np.column_stack([np.full(56, 0.1), np.linspace(0.0, 1.0, 56)])
    assert fitted.std(axis=0)[0] > 0, "rounding leaves something"
    numbers = Scale(fitted).of(np.array([[1.0, 0.5]])).numbers
    assert numbers.tolist() == [[[pytest.approx(0.0)]]]


def test_numbers_are_in_standard_deviations_and_constant_ones_are_left_out():
    matrix = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 100.0, 0.0] + 7.0
    numbers = Scale(matrix).of(matrix).numbers[0]
    assert numbers.shape == (50, 2)
    np.testing.assert_allclose(numbers.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(numbers.std(axis=0), 1.0)


@pytest.mark.parametrize("left_out", [None, 0, 1, 2])
def test_flags_of_one_feature_are_its_levels_whichever_of_them_has_no_column(left_out):
    area = np.eye(3)[np.random.default_rng(2).integers(0, 3, 40)]
    given = area if left_out is None else np.delete(area, left_out, axis=1)
    scale = Scale(given)
    levels = scale.of(given).levels[0]
    assert scale.groups() == 1
    assert levels.shape == (40, 3)
    assert sorted(map(tuple, levels.T)) == sorted(map(tuple, area.T))


def test_the_two_values_of_a_flag_do_not_matter():
    flag = np.random.default_rng(3).integers(0, 2, (40, 1)).astype(float)
    np.testing.assert_array_equal(Scale(flag).of(flag).levels, Scale(flag * 7.0 - 0.5).of(flag * 7.0 - 0.5).levels)


def test_flags_that_do_not_exclude_each_other_are_features_of_their_own():
    flags = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    scale = Scale(flags)
    assert scale.groups() == 2
    np.testing.assert_array_equal(scale.of(flags).levels[0].sum(axis=1), 2.0)
