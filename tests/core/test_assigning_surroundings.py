"""The outside data of new stores, as the published model reads it."""

from __future__ import annotations

import numpy as np
import pytest
from core.assigned_stores import (
    STORES,
    fitted,
    placed,
    surroundings,
)

from pipeline.errors import RawDataError


def test_a_fitted_store_gets_its_own_external_cluster_back_from_the_raw_outside_data():
    for told in (True, False):
        of = fitted(told=told)
        found = placed(of, offered=of.offered).query("category == 'Bread'")
        both = found.merge(of.tables["external_clusters"], on="store_id")
        assert len(both) == len(STORES)
        assert (both["external_cluster"] == both["cluster_y"]).all()
        np.testing.assert_allclose(both["external_distance"].astype(float), both["distance_y"], atol=1e-8)


def test_what_the_outside_data_does_not_say_is_filled_from_the_model_and_told():
    of = fitted()
    new = surroundings(["n001"], 9).drop(columns="people").assign(kind="island")
    why = placed(of, offered=new)["why"].iloc[0]
    assert "people is missing; " in why
    assert "kind is 'island', which is not a level of the model" in why


def test_texts_where_the_model_has_numbers_and_negative_counts_are_errors_that_name_the_store():
    of = fitted()
    new = surroundings(["n001"], 9)
    with pytest.raises(RawDataError, match="column 'income' is 'high' for store 'n001'"):
        placed(of, offered=new.assign(income="high"))
    assert of.model["model_features"].set_index("feature").loc["people", "kind"] == "log1p"
    with pytest.raises(RawDataError, match=r"column 'people' is -5 for store 'n001'.*logarithm"):
        placed(of, offered=new.assign(people=-5.0))
