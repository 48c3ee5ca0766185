"""Separated, tiers, or no structure."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from pipeline.core.clustering.kmeans import best_of, kmeans, spread_starts
from pipeline.core.clustering.null import NullTest, as_levels, compare_with_nulls, mean_dip, mean_margin
from pipeline.core.clustering.stores import cluster_stores
from pipeline.core.clustering.verdicts import verdict
from pipeline.settings import ClusteringSettings


def compare(matrix: np.ndarray, k: int, draws: int = 39) -> NullTest:
    matrix = matrix - matrix.mean(axis=0)
    return compare_with_nulls(matrix, by_kmeans(matrix, k), k, draws, 0)


def compare_in(pattern: np.ndarray, k: int) -> NullTest:
    matrix = np.random.default_rng(0).normal(size=pattern.shape) * pattern
    matrix -= matrix.mean(axis=0)
    return compare_with_nulls(matrix, by_kmeans(matrix, k), k, 39, 0, pattern)


def by_kmeans(matrix: np.ndarray, k: int) -> np.ndarray:
    weights = np.ones((20, len(matrix)))
    return best_of(kmeans(matrix, weights, spread_starts(matrix, weights, k, np.random.default_rng(0))), 20).labels[0]


def test_clusters_that_stand_apart_beat_both_nulls():
    random = np.random.default_rng(0)
    centres = 5.0 * np.eye(6)[:3]
    test = compare(random.normal(size=(120, 6)) + centres[np.arange(120) % 3], 3)
    assert test == NullTest(1 / 40, 1 / 40)
    assert test.is_separated


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", ["gaussian", "ramp", "skewed", "arc"])
def test_a_continuum_is_never_separated(shape, seed):
    random = np.random.default_rng(seed)
    if shape == "skewed":
        matrix = random.lognormal(0.0, 0.7, size=(200, 3)) @ random.normal(size=(3, 5))
    else:
        position = random.uniform(-3, 3, 200)
        matrix = random.normal(0.0, 0.4, size=(200, 5))
        if shape == "gaussian":
            matrix[:, 0] *= 5
        else:
            matrix[:, 0] += position
        if shape == "arc":
            matrix[:, 1] += position**2 / 3
    assert not any(compare(matrix, k).is_separated for k in (2, 4))


@pytest.mark.parametrize("unit", [1e-100, 1e100])
def test_the_unit_of_the_features_changes_no_p_value(unit):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(60, 4)) + 2.0 * np.eye(4)[np.arange(60) % 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compare(matrix * unit, 2) == compare(matrix, 2)


def test_one_value_beyond_all_others_ends_no_test():
    matrix = np.random.default_rng(0).normal(size=(12, 3))
    matrix[3, 2] = 1e100
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(matrix, 2)


def test_a_draw_with_fewer_points_that_differ_than_clusters_speaks_against_the_clusters():
    flags = np.array([[0.0, 0.0]] * 5 + [[1.0, 1.0]] * 5 + [[0.0, 1.0], [1.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = compare(flags, 4)
    common, own = np.random.default_rng(0).normal(size=(2, 200, 12, 2))
    drawn = as_levels(common[:, :, :1] + 0.7 * own, flags)
    few = sum(len(np.unique(one, axis=0)) < 4 for one in drawn) / len(drawn)
    assert few > 0.02, "nothing to see"
    assert test.gaussian >= 0.5 * few


def test_the_margin_is_the_mean_over_stores_by_hand():
    matrix = np.array([[0.0], [2.0], [10.0], [14.0]])
    expected = np.mean([1 - 1 / 12, 1 - 1 / 10, 1 - 2 / 9, 1 - 2 / 13])
    assert mean_margin(matrix, np.array([0, 0, 1, 1]), 2) == pytest.approx(expected)


def test_the_dip_is_near_one_with_a_gap_zero_on_a_ramp_and_negative_on_a_hill():
    gap = np.concatenate([np.linspace(0, 1, 50), np.linspace(9, 10, 50)])[:, None]
    ramp = np.linspace(0, 1, 200)[:, None]
    hill = np.random.default_rng(0).normal(size=(400, 1))
    halves = [np.repeat([0, 1], 50), np.repeat([0, 1], 100), (hill[:, 0] > 0).astype(int)]
    dips = [mean_dip(matrix, labels, 2) for matrix, labels in zip((gap, ramp, hill), halves, strict=True)]
    assert dips[0] > 0.9
    assert abs(dips[1]) < 0.1
    assert dips[2] < -0.1


def test_the_gaussian_alone_is_not_enough():
    assert not NullTest(0.01, None).is_separated
    assert not NullTest(0.01, 0.06).is_separated
    assert not NullTest(0.06, 0.01).is_separated
    assert NullTest(0.01, 1 / 20).is_separated


@pytest.mark.parametrize(
    ("k", "axes", "test", "cut", "expected", "words"),
    [
        (3, 0, NullTest(0.01, 0.01), None, "separated", "deeper than those of one Gaussian (p = 0.01)"),
        (3, 1, NullTest(0.01, 0.01), None, "separated", "deeper than those of one Gaussian (p = 0.01)"),
        (3, 0, NullTest(0.01, 0.30), None, "tiers", "no deeper than those of a flat continuum (p = 0.30)"),
        (3, 0, NullTest(0.40, None), None, "tiers", "no deeper than those of one Gaussian (p = 0.40)"),
        (1, 0, None, None, "no structure", "there is one cluster"),
        (1, 1, None, None, "axis", "along one continuous axis"),
        (1, 2, None, None, "axis", "along one continuous axis, and a second one"),
        (1, 1, None, 4, "tiers", "cut into 4 tiers of as many stores each"),
    ],
)
def test_the_verdict_follows_from_clusters_axes_and_nulls(k, axes, test, cut, expected, words):
    found, reason = verdict(k, axes, test, cut)
    assert found == expected
    assert words in reason


def test_stores_without_values_have_none_in_any_draw_and_noisy_ones_are_drawn_as_wide():
    """Half the stores are three times as wide and a fifth of the values are gaps: taken alike, they would look like clusters."""
    random = np.random.default_rng(3)
    pattern = np.where(np.arange(200) % 2, 3.0, 1.0)[:, None] * (random.random((200, 6)) < 0.8)
    assert not any(compare_in(pattern, k).is_separated for k in (2, 4))


def test_a_draw_takes_the_two_values_of_a_flag_as_often_as_the_data_does_and_by_the_size_of_what_was_drawn():
    random = np.random.default_rng(0)
    matrix = np.column_stack([np.repeat([-0.3, 0.7], [70, 30]), random.normal(size=100)])
    drawn = random.normal(size=(5, 100, 2))
    found = as_levels(drawn.copy(), matrix)
    assert (found[:, :, 1] == drawn[:, :, 1]).all()
    for before, after in zip(drawn[:, :, 0], found[:, :, 0], strict=True):
        assert sorted(after) == sorted(matrix[:, 0])
        assert before[after == 0.7].min() > before[after == -0.3].max()


@pytest.mark.parametrize("seed", range(2))
def test_ratings_that_have_nothing_to_do_with_each_other_are_not_separated(seed):
    """A mixture cuts them by one rating, which has no middle values; nor have the draws."""
    ratings = np.random.default_rng(seed).integers(0, 3, (300, 6)).astype(float)
    names = [f"s{store:03d}" for store in range(300)]
    features = pd.DataFrame(ratings, names, [f"rating {number}" for number in range(6)])
    settings = ClusteringSettings(resamples=10, null_resamples=19)
    assert cluster_stores(features, settings).verdict["verdict"].tolist() == ["tiers"]


def test_clusters_that_stand_apart_in_features_of_a_few_values_are_separated():
    random = np.random.default_rng(0)
    clusters = np.arange(120) % 3
    matrix = np.clip(2.0 * clusters[:, None] + random.integers(-1, 2, (120, 8)), -1.0, 5.0)
    assert compare(matrix, 3).is_separated


def test_a_flag_beside_a_continuum_does_not_make_it_separated():
    random = np.random.default_rng(1)
    matrix = np.column_stack([random.normal(size=(200, 3)), 4.0 * random.integers(0, 2, 200)])
    assert not compare(matrix, 2).is_separated
