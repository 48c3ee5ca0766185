"""The published model: its classifier and its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from core.assigned_stores import (
    NEEDED,
    Fitted,
    fitted,
    placed,
    published,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.core.assigning import model
from pipeline.core.assigning.classifier import classifier


def test_the_accuracy_is_that_of_scikit_learn_called_directly():
    random = np.random.default_rng(5)
    clusters = np.repeat([1, 2, 5], [60, 40, 20])
    values = random.normal(0, [1.0, 10.0, 0.1], (120, 3)) + np.outer(clusters, [0.8, 0.0, 0.02])
    found = classifier(values, clusters, 3)
    direct = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert found.accuracy == pytest.approx(cross_val_score(direct, values, clusters, cv=folds).mean())
    assert found.majority == 0.5
    assert found.used
    expected = direct.fit(values, clusters).decision_function(values)
    scores = values @ found.coefficients.T + found.intercepts
    np.testing.assert_allclose(
        scores - scores.mean(axis=1, keepdims=True), expected - expected.mean(axis=1, keepdims=True)
    )


def test_of_two_clusters_the_likelihoods_are_those_of_scikit_learn():
    from pipeline.core.assigning.spaces import softmax

    random = np.random.default_rng(6)
    clusters = np.repeat([2, 3], [30, 30])
    values = random.normal(0, 1, (60, 2)) + clusters[:, None]
    found = classifier(values, clusters, 2)
    direct = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(values, clusters)
    np.testing.assert_allclose(
        softmax(values @ found.coefficients.T + found.intercepts), direct.predict_proba(values), atol=1e-6
    )


@pytest.mark.parametrize(
    ("clusters", "k", "reason"),
    [
        ([1, 1, 1], 1, "there is one cluster"),
        ([], 2, "knows no store"),
        ([2, 2, 2], 2, "are in one cluster"),
        ([1, 1, 3], 2, "knows one store of cluster 3"),
    ],
)
def test_where_no_classifier_can_be_judged_none_is_used_and_the_reason_is_said(clusters, k, reason):
    found = classifier(np.zeros((len(clusters), 2)), np.array(clusters, dtype=np.int64), k)
    assert not found.used
    assert np.isnan(found.accuracy)
    assert reason in found.reason


def test_every_table_of_the_model_is_as_described_and_does_not_depend_on_the_order_of_rows():
    of = fitted()
    assert sorted(of.model) == sorted(model.MODEL)
    settings = of.settings
    shuffled = model.build(
        **{name: of.tables[name].sample(frac=1, random_state=1) for name in NEEDED}, settings=settings
    )
    for name in model.MODEL:
        pd.testing.assert_frame_equal(published(name, shuffled[name]), of.model[name])


def test_no_store_outside_and_no_store_at_all_are_answers_too():
    of = fitted()
    settings = of.settings
    inside = {name: of.tables[name].iloc[: 0 if name.startswith("external") else None] for name in NEEDED}
    alone = {name: published(name, frame) for name, frame in model.build(**inside, settings=settings).items()}
    found = placed(Fitted(of.tables, alone, of.sales, None), of.sales, of.offered)
    assert found["external_cluster"].isna().all()
    nothing = model.build(**{name: of.tables[name].iloc[:0] for name in NEEDED}, settings=settings)
    assert all(frame.empty for frame in nothing.values())
    assert placed(Fitted(of.tables, nothing, of.sales, None), of.sales).empty
    assert placed(of).empty
