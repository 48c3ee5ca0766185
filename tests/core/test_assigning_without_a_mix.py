"""New stores whose sales cannot place them: by their surroundings, by the rule, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from core.assigned_stores import (
    fitted,
    group,
    placed,
    surroundings,
)

from pipeline.errors import SettingsError
from pipeline.settings import (
    Assign,
    ExternalClustering,
    InternalClustering,
)
from pipeline.settings.assigning import model_of


def test_too_few_sales_do_not_place_a_store_and_the_setting_says_how_many_are_enough():
    of = fitted()
    little = pd.DataFrame([("n1", "Bread", "a", 5_199)], columns=of.sales.columns)
    enough = little.assign(sales_cents=5_200)  # 5 % of 104 000, what every store sold
    assert placed(of, little).query("category == 'Bread'")["method"].tolist() == ["rule"]
    assert placed(of, enough).query("category == 'Bread'")["method"].tolist() == ["mix"]
    assert "its sales of 51.99 are below 52.00" in placed(of, little).query("category == 'Bread'")["why"].iloc[0]


def test_a_store_without_sales_is_placed_by_its_surroundings_where_these_tell_the_clusters():
    of = fitted()
    new = surroundings([f"n{number:03d}" for number in range(30)], 9)
    found = placed(of, offered=new)
    assert set(found["method"]) == {"external"}
    assert found["probability"].between(1 / 3, 1).all()
    like = of.tables["internal_clusters"].assign(group=of.tables["internal_clusters"]["store_id"].map(group))
    expected = like.groupby(["category", "group"])["cluster"].agg(lambda clusters: clusters.mode()[0])
    truth = [
        expected[category, group(store)] for store, category in zip(found["store_id"], found["category"], strict=True)
    ]
    assert (found["internal_cluster"] == truth).mean() > 0.95


def test_a_store_without_sales_falls_to_the_rule_where_surroundings_tell_nothing_and_the_row_says_both():
    of = fitted(told=False)
    facts = of.model["model_categories"]
    assert not facts["by_surroundings"].any()
    assert (facts["accuracy"] <= facts["majority_share"] + 0.15).all()
    assert of.model["model_coefficients"].empty
    row = placed(of, offered=surroundings(["n001"], 9)).iloc[0]
    largest = (
        of.tables["internal_clusters"].query("category == 'Bread'")["cluster"].value_counts().sort_index().idxmax()
    )
    assert (row["method"], row["internal_cluster"], row["too_far"]) == ("rule", largest, False)
    assert "no sales in the category; its surroundings are not used: " in row["why"]
    assert "the largest cluster" in row["why"]


def test_a_store_of_which_nothing_is_known_outside_has_no_external_cluster_and_falls_to_the_rule():
    of = fitted()
    empty = surroundings(["n001"], 9)
    empty[["income", "people"]] = np.nan
    empty[["kind", "parking"]] = None
    found = placed(of, offered=empty)
    assert len(found) == 2
    assert found["external_cluster"].isna().all()
    assert found["why"].str.contains("its surroundings are not known").all()


def test_a_store_whose_returns_exclude_it_from_the_category_is_not_placed_by_its_mix():
    of = fitted()
    returns = pd.DataFrame([("n1", "Bread", "a", 90_000), ("n1", "Bread", "b", -50_000)], columns=of.sales.columns)
    row = placed(of, returns).query("category == 'Bread'").iloc[0]
    assert row["method"] == "rule"
    assert "its mix is not used: returns clip" in row["why"]


def test_like_stores_gives_a_store_both_clusters_of_the_one_it_is_like():
    of = fitted()
    settings = Assign(otherwise="like_store", like_stores={" n1 ": "s051"})
    empty = pd.DataFrame({"store_id": ["n1", "n2"], "income": np.nan})
    found = placed(of, offered=empty, settings=settings).set_index(["store_id", "category"])
    own = of.tables["store_clusters"].set_index(["store_id", "category"]).loc[("s051", "Bread")]
    like = found.loc[("n1", "Bread")]
    assert (like["internal_cluster"], like["cluster"]) == (own["internal_cluster"], own["cluster"])
    assert "store s051 has no cluster in the category; the largest cluster" in found.loc[("n1", "Tea"), "why"]
    assert "like_stores does not name it; the largest cluster" in found.loc[("n2", "Bread"), "why"]


def test_like_stores_of_a_store_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(SettingsError, match="like_stores: 's999' is not a store of the clusters"):
        placed(fitted(), settings=Assign(otherwise="like_store", like_stores={"n1": "s999"}))


def test_a_category_may_have_a_rule_and_a_limit_of_its_own():
    of = fitted()
    own = Assign(like_stores={"n1": "s000"}, category={"Tea": Assign.CategorySettings(otherwise="like_store")})
    found = placed(of, offered=pd.DataFrame({"store_id": ["n1"], "income": [np.nan]}), settings=own)
    assert ["like_stores names" in why for why in found.sort_values("category")["why"]] == [False, True]
    settings = model_of(
        Assign(category={"Tea": Assign.CategorySettings(min_sales_share=0.5)}),
        InternalClustering(),
        ExternalClustering(),
    )
    assert settings.category["Tea"].min_sales_share == 0.5
