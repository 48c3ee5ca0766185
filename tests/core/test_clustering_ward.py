"""Ward's clustering, against SciPy's cuts and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering import ward


@pytest.mark.parametrize("k", [1, 2, 3, 7, 40])
def test_a_cut_is_scipys(k):
    points = np.random.default_rng(0).normal(size=(40, 3))
    expected = cut_tree(linkage(points, "ward"), n_clusters=k)[:, 0]
    found = ward.cut(ward.tree(points), k)
    assert len(np.unique(found)) == k
    assert adjusted_rand_score(expected, found) == 1.0


def test_identical_points_can_still_be_cut_into_exactly_k():
    assert sorted(np.bincount(ward.cut(ward.tree(np.zeros((5, 2))), 3)).tolist()) == [1, 1, 3]
    assert ward.cut(ward.tree(np.zeros((1, 2))), 1).tolist() == [0]
