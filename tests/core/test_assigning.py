"""New stores: the published model, and what it gives them."""

from __future__ import annotations

import functools
from typing import Any, get_args

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.core.assigning import model
from pipeline.core.assigning.assign import assign
from pipeline.core.assigning.classifier import classifier
from pipeline.core.assigning.sales import NewSales, new_sales
from pipeline.core.assigning.spaces import fitted_space, place
from pipeline.core.external import clustering as external_clustering
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.internal.preprocessing import preprocess
from pipeline.core.merging import merge
from pipeline.core.statistics.features import Axes
from pipeline.errors import RawDataError, SettingsError
from pipeline.schema import TABLES, UNMAPPED
from pipeline.schema.assigning import ASSIGNMENTS
from pipeline.settings import (
    Assign,
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)
from pipeline.settings.assigning import AssignOverride, model_of
from pipeline.storage.parquet import to_arrow

FAST: dict[str, Any] = {"resamples": 10, "null_resamples": 19}
MIXES = [[0.5, 0.2, 0.2, 0.095, 0.005], [0.2, 0.5, 0.2, 0.095, 0.005], [0.2, 0.2, 0.5, 0.095, 0.005]]
NEEDS = ("a", "b", "c", "d", "seldom")
TRANSFORMS = get_args(InternalClustering.__annotations__["transform"]) or (
    "hellinger", "zscore", "none", "chi_square", "clr",
)  # fmt: skip


def group(store: str) -> int:
    return int(store[1:]) % 3


def sold(stores: list[str], category: str, seed: int, small: int = 0) -> pd.DataFrame:
    """Sales of stores whose mix is that of their group, with some that are not mapped; every `small`th store sells little."""
    random = np.random.default_rng(seed)
    rows = []
    for number, store in enumerate(stores):
        baskets, price = (25, 250) if small and number % small == 0 else (100_000, 1)
        cents = price * random.multinomial(baskets, random.dirichlet(np.array(MIXES[group(store)]) * 60.0))
        rows += [(store, category, need, int(one)) for need, one in zip(NEEDS, cents, strict=True) if one]
        rows.append((store, category, UNMAPPED, cents.sum() // 25))
    return pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])


def surroundings(stores: list[str], seed: int, told: bool = True) -> pd.DataFrame:
    """Outside data that says a store's group, or that says nothing of it."""
    random = np.random.default_rng(seed)
    groups = np.array([group(store) for store in stores]) if told else random.integers(0, 3, len(stores))
    frame = pd.DataFrame(
        {
            "store_id": stores,
            "income": 100.0 + 30.0 * groups + random.normal(0, 6.0, len(stores)),
            "people": np.floor(np.exp(random.normal(6 + groups, 0.4))),
            "kind": np.array(["city", "town", "village"])[groups],
            "parking": np.array(["no", "yes"])[(groups == 1).astype(int)],
        }
    )
    frame.loc[::17, "income"] = np.nan
    return frame


CATEGORIES = ("Bread", "Tea")
STORES = [f"s{number:03d}" for number in range(60)]


NEEDED = sorted(model.build.__annotations__.keys() - {"settings", "return"})


class Fitted(msgspec.Struct, frozen=True):
    """What was published, and the model of it; as read back from Parquet."""

    tables: dict[str, Any]
    model: dict[str, Any]
    sales: Any
    offered: Any
    settings: Any = None


def published(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """As the next stage reads it: rounded and sorted."""
    from pipeline.storage.parquet import _to_frame

    return _to_frame(to_arrow(frame, TABLES[name]), TABLES[name])


@functools.cache
def outside(algorithm: str, told: bool) -> dict[str, Any]:
    """The external side, and what it was made of."""
    offered = surroundings(STORES, 3 if told else 4, told)
    around = external_preprocessing.preprocess(
        features=offered,
        ignored=pd.DataFrame({"feature": [], "reason": []}, dtype=object),
        labels=pd.DataFrame({"store_id": [], "label": [], "value": []}, dtype=object),
        settings=ExternalPreprocessing(max_correlation=1.0, missing_indicators=True),
    )
    tables = {name: published(name, around[name]) for name in ("external_features", "external_feature_report")}
    weights = {} if algorithm == "gmm" else {"kind": 0.5, "income": 2.0}
    settings = ExternalClustering(algorithm=algorithm, k=3, weights=weights, **FAST)
    made = external_clustering.cluster(external_features=tables["external_features"], settings=settings)
    tables |= {name: published(name, frame) for name, frame in made.items()}
    return {"offered": offered, "excluded": around["excluded_stores"], "settings": settings, "tables": tables}


@functools.cache
def fitted(
    transform: str = "hellinger",
    algorithm: str = "kmeans",
    told: bool = True,
    outliers: str = "none",
    shrinkage: str = "none",
    held_out: tuple[str, ...] = (),
) -> Fitted:
    """Two categories and the outside data, clustered, merged and made a model of; shrinkage has small stores to shrink."""
    internal = InternalClustering(
        transform=transform,
        algorithm=algorithm,
        k=3,
        outliers=outliers,
        shrinkage=shrinkage,
        weights={} if algorithm == "gmm" else {"a": 1.5, "d": 0.0},
        **FAST,
    )
    around = outside("gmm" if algorithm == "gmm" else "kmeans", told)
    small = 5 if shrinkage != "none" else 0
    sales = pd.concat([sold(STORES, "Bread", 1, small), sold(STORES[:40], "Tea", 2, small)], ignore_index=True)
    none = pd.DataFrame({"store_id": pd.Series(dtype=object)})
    inside = preprocess(sales=sales, unchosen_stores=none, settings=InternalPreprocessing())
    by_need = published("sales_by_need_state", inside["sales_by_need_state"])
    parts = [
        internal_clustering.cluster_category(sales_by_need_state=rows, settings=internal, held_out=held_out)
        for _, rows in by_need.groupby("category")
    ]
    tables = {name: published(name, pd.concat([part[name] for part in parts])) for name in parts[0]}
    tables |= around["tables"] | {"sales_by_need_state": by_need}
    merged = merge(
        **{name: tables[name] for name in ("internal_clusters", "internal_features", "external_clusters",
           "external_scaled_features")},
        internal_excluded=inside["excluded_stores"],
        external_excluded=around["excluded"],
        settings=Merging(compare_methods=False),
    )  # fmt: skip
    tables["store_clusters"] = published("store_clusters", merged["store_clusters"].assign(overridden=False))
    settings = model_of(Assign(), internal, around["settings"])
    built = model.build(**{name: tables[name] for name in NEEDED}, settings=settings)
    made = {name: published(name, frame) for name, frame in built.items()}
    return Fitted(tables, made, sales, around["offered"], settings)


def placed(
    of: Fitted, sales: pd.DataFrame | None = None, offered: pd.DataFrame | None = None, settings: Assign | None = None
) -> pd.DataFrame:
    """What the model gives stores, from their sales and surroundings."""
    none = pd.DataFrame({"store_id": pd.Series(dtype=object)})
    given = of.sales.iloc[:0] if sales is None else sales
    inside = new_sales(given, none, set(CATEGORIES), InternalPreprocessing(max_unmapped_share=1.0))
    return assigned(of, inside, offered, settings)


def assigned(
    of: Fitted, inside: NewSales, offered: pd.DataFrame | None = None, settings: Assign | None = None
) -> pd.DataFrame:
    """What the model gives stores, from their sales as they were preprocessed."""
    found = assign(
        model=of.model,
        store_clusters=of.tables["store_clusters"],
        sales_by_need_state=inside.sales_by_need_state,
        excluded_stores=inside.excluded_stores,
        features=offered,
        settings=settings or Assign(),
    )
    to_arrow(found, ASSIGNMENTS)  # it is what its description says
    return found


def own_cluster_back(of: Fitted) -> pd.Series:
    """Of every fitted store and category, whether its own sales give it the cluster that was published."""
    own = of.tables["internal_clusters"].query("not is_outlier")
    found = placed(of, of.sales).merge(own[["store_id", "category", "cluster", "margin"]], on=["store_id", "category"])
    assert len(found) == len(own)
    assert set(found["method"]) == {"mix"}
    return (found["internal_cluster"] == found["cluster_y"]).set_axis(found["margin_y"])


# ---------------------------------------------------------------- by mix


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_fitted_store_gets_its_own_cluster_back_whatever_the_transform(transform):
    assert own_cluster_back(fitted(transform)).all()
    assert (fitted(transform).model["model_spaces"]["replayed_share"] == 1.0).all()


def test_a_fitted_store_gets_its_own_cluster_back_where_small_stores_are_drawn_towards_the_chain():
    of = fitted(shrinkage="empirical_bayes")
    assert own_cluster_back(of).all()
    assert (of.model["model_spaces"].query("side == 'internal'")["noise"] > 0).all()
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-6)


def test_distances_and_margins_are_those_that_the_clustering_published():
    of = fitted("chi_square")
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-8)
    np.testing.assert_allclose(both["margin_x"].astype(float), both["margin_y"].astype(float), atol=1e-8)


def test_a_store_that_is_known_by_its_exclusion_alone_has_its_row_and_the_reason():
    of = fitted()
    inside = new_sales(of.sales.iloc[:0], pd.DataFrame({"store_id": ["x9"]}), set(CATEGORIES), InternalPreprocessing())
    assert inside.sales_by_need_state.empty
    found = assigned(of, inside)
    assert found["store_id"].tolist() == ["x9", "x9"]
    assert set(found["category"]) == set(CATEGORIES)


def test_ward_gives_back_the_stores_nearest_to_their_own_centroid_and_says_how_many_those_are():
    of = fitted("none", "ward", outliers="isolation_forest")
    back = own_cluster_back(of)
    assert (back == (back.index > 0)).all()
    spaces = of.model["model_spaces"].query("side == 'internal'")
    assert (spaces["replayed_share"] * spaces["stores"]).sum() == pytest.approx(back.sum())


def test_gmm_gives_back_the_likeliest_component_and_how_likely_it_is():
    of = fitted("hellinger", "gmm")
    assert own_cluster_back(of).all()
    likeliest = of.tables["internal_memberships"].groupby(["store_id", "category"])["probability"].max()
    found = placed(of, of.sales).dropna(subset=["distance"]).set_index(["store_id", "category"])["probability"]
    np.testing.assert_allclose(found, likeliest.loc[found.index], atol=0.01)
    around = (
        placed(of, offered=of.offered).query("category == 'Bread'").merge(of.tables["external_clusters"], on="store_id")
    )
    assert (around["external_cluster"] == around["cluster_y"]).all()


def test_stores_held_out_shape_nothing_and_are_placed_as_the_clustering_placed_them():
    held_out, alone = ("s000", "s001"), fitted()
    of = fitted(held_out=held_out)
    both = placed(of, of.sales, of.offered).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    assert (both["internal_cluster"] == both["cluster_y"]).all()
    np.testing.assert_allclose(both["distance_x"], both["distance_y"], atol=1e-8)
    for category in CATEGORIES:
        facts = [one.model["model_spaces"].set_index("category").loc[category, "stores"] for one in (of, alone)]
        assert facts == [alone.tables["internal_clusters"]["category"].eq(category).sum() - 2, facts[1]]


def test_outlier_stores_are_placed_as_the_clustering_placed_them():
    of = fitted(outliers="isolation_forest")
    both = placed(of, of.sales).merge(of.tables["internal_clusters"], on=["store_id", "category"])
    assert (both["internal_cluster"] == both["cluster_y"]).all()


def test_a_store_beyond_nearly_all_that_were_fitted_is_placed_at_the_nearest_and_said_to_be_too_far():
    of = fitted()
    strange = pd.DataFrame([("n1", "Bread", "a", 50_000), ("n2", "Bread", "d", 50_000)], columns=of.sales.columns)
    found = placed(of, strange).query("category == 'Bread'").set_index("store_id")
    assert found["too_far"].all()
    assert found["why"].str.contains("farther from every centroid than 99% of the stores that were fitted").all()
    first = of.tables["internal_clusters"].query("category == 'Bread' and store_id in ['s000', 's003', 's006']")[
        "cluster"
    ]
    assert found.loc["n1", "internal_cluster"] == first.mode()[0]


def test_of_the_fitted_stores_one_in_a_hundred_is_too_far_at_most_and_none_of_fewer():
    of = fitted()
    for _, rows in placed(of, of.sales).query("method == 'mix'").groupby("category"):
        assert rows["too_far"].sum() == len(rows) // 100
    for stores in (20, 99, 100, 116, 250):
        values = np.random.default_rng(stores).random((stores, 1)) - 0.5
        axes = Axes(1.0, np.zeros(1), np.ones(1))
        own = np.abs(values - values.mean())[:, 0]
        space = fitted_space(["a"], axes, values, np.ones(stores, dtype=np.int64), own.round(10), None)
        assert place(space, values).too_far.sum() == stores // 100


def test_sales_in_a_need_state_that_no_store_sold_are_left_out_and_told():
    of = fitted()
    known = pd.DataFrame([("n1", "Bread", "a", 40_000), ("n1", "Bread", "b", 20_000)], columns=of.sales.columns)
    new = pd.concat([known, known.tail(1).assign(need_state="unheard of", sales_cents=40_000)])
    row, same = (placed(of, sales).query("category == 'Bread'").iloc[0] for sales in (new, known))
    assert "40.0% of its mapped sales are left out: no store of the clusters sold these need states" in row["why"]
    assert (row["internal_cluster"], row["distance"]) == (same["internal_cluster"], same["distance"])


# ---------------------------------------------------------------- without a mix that can be trusted


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
    with pytest.raises(SettingsError, match="like_stores: 's999' is no store of the clusters"):
        placed(fitted(), settings=Assign(otherwise="like_store", like_stores={"n1": "s999"}))


def test_a_category_may_have_a_rule_and_a_limit_of_its_own():
    of = fitted()
    own = Assign(like_stores={"n1": "s000"}, category={"Tea": AssignOverride(otherwise="like_store")})
    found = placed(of, offered=pd.DataFrame({"store_id": ["n1"], "income": [np.nan]}), settings=own)
    assert ["like_stores names" in why for why in found.sort_values("category")["why"]] == [False, True]
    settings = model_of(
        Assign(category={"Tea": AssignOverride(min_sales_share=0.5)}), InternalClustering(), ExternalClustering()
    )
    assert settings.category["Tea"].min_sales_share == 0.5


# ---------------------------------------------------------------- surroundings


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
    assert "kind is 'island', which is no level of the model" in why


def test_texts_where_the_model_has_numbers_and_negative_counts_are_errors_that_name_the_store():
    of = fitted()
    new = surroundings(["n001"], 9)
    with pytest.raises(RawDataError, match="column 'income' is 'high' for store 'n001'"):
        placed(of, offered=new.assign(income="high"))
    assert of.model["model_features"].set_index("feature").loc["people", "kind"] == "log1p"
    with pytest.raises(RawDataError, match=r"column 'people' is -5 for store 'n001'.*logarithm"):
        placed(of, offered=new.assign(people=-5.0))


# ---------------------------------------------------------------- the final cluster


def test_the_final_cluster_is_that_of_most_stores_of_the_pair_else_of_the_internal_cluster():
    of = fitted()
    pairs = pd.DataFrame(
        [("Bread", 1, 1, 1, 3), ("Bread", 1, 1, 2, 4), ("Bread", 1, 2, 1, 9)],
        columns=[column.name for column in TABLES["model_pairs"].columns],
    )
    rest = of.model["model_pairs"].query("category != 'Bread'")
    from pipeline.core.assigning.category import CategoryModel
    from pipeline.core.assigning.spaces import published_spaces

    changed = of.model | {"model_pairs": pd.concat([pairs, rest])}
    spaces = published_spaces(changed)
    one = CategoryModel("Bread", changed, spaces["internal", "Bread"], of.tables["store_clusters"], Assign(), {})
    assert one.final(1, 1) == (2, "4 of 7 stores of internal 1 and external 1 are in cluster 2")
    assert one.final(1, 0)[0] == 1
    assert one.final(1, 0)[1].startswith(
        "no store is of internal 1 and external unknown; 12 of 16 stores of internal 1"
    )


def test_fitted_stores_get_their_final_cluster_back_as_often_as_the_model_says():
    of = fitted()
    found = placed(of, of.sales, of.offered).query("method == 'mix'")
    assert (found["cluster"] == found["published_cluster"]).groupby(found["category"]).mean().tolist() == pytest.approx(
        of.model["model_categories"].sort_values("category")["pair_share"].tolist()
    )


# ---------------------------------------------------------------- the classifier and the tables


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
