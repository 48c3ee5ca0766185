"""The first two principal components, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pipeline.core.statistics.projection import two_components


def test_the_map_is_the_principal_components_of_scikit_learn() -> None:
    values = np.random.default_rng(1).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1]
    coordinates, held = two_components(values)
    model = PCA(n_components=2, svd_solver="full").fit(values)
    np.testing.assert_allclose(np.abs(coordinates), np.abs(model.transform(values)), atol=1e-9)
    np.testing.assert_allclose(held, model.explained_variance_ratio_)
    assert two_components(values[::-1])[0][::-1] == pytest.approx(coordinates)


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3), (1, 4), (5, 1)])
def test_the_map_of_nothing_is_the_origin(shape: tuple[int, int]) -> None:
    coordinates, held = two_components(np.ones(shape))
    assert coordinates.shape == (shape[0], 2)
    assert not coordinates.any()
    assert held == (0.0, 0.0)
