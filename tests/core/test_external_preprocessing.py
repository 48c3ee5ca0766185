from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from pipeline.core.external.columns import is_identifier_name
from pipeline.core.external.correlated import correlated
from pipeline.core.external.preprocessing import preprocess
from pipeline.errors import RawDataError
from pipeline.settings import ExternalPreprocessing

NOTHING_IGNORED = pd.DataFrame({"feature": [], "reason": []}, dtype=object)
NO_LABELS = pd.DataFrame({"store_id": [], "label": [], "value": []}, dtype=object)
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(size=(20, 4)).round(3)


def run(
    columns: dict[str, object], ignored: pd.DataFrame = NOTHING_IGNORED, labels: pd.DataFrame = NO_LABELS, **options
):
    features = pd.DataFrame(columns)
    features.insert(0, "store_id", [f"{n:02}" for n in range(len(features))])
    return preprocess(features=features, ignored=ignored, labels=labels, settings=ExternalPreprocessing(**options))


def report(found: dict[str, pd.DataFrame]) -> dict[str, tuple[str, str, float]]:
    table = found["external_feature_report"]
    return {row.feature: (row.action, row.reason, row.imputed_share) for row in table.itertuples()}


def with_missing(values: np.ndarray, *positions: int) -> np.ndarray:
    values = values.copy()
    values[list(positions)] = np.nan
    return values


@pytest.mark.parametrize(("imputation", "expected"), [("median", 2.0), ("mean", 3.0)])
def test_missing_numbers_are_imputed_and_their_share_is_recorded(imputation: str, expected: float) -> None:
    found = (
        run({"a": [1.0, 2.0, 6.5, 2.5, np.nan], "b": NOISE[:5, 0]}, imputation=imputation)
        if imputation == "mean"
        else run({"a": [1.0, 2.0, 6.5, 1.5, 2.5, np.nan], "b": NOISE[:6, 0]})
    )
    assert found["external_features"]["a"].iloc[-1] == expected
    action, reason, share = report(found)["a"]
    assert action == "kept"
    assert imputation in reason
    assert share == pytest.approx(1 / len(found["external_features"]))


def test_a_feature_that_is_missing_in_too_many_stores_is_dropped() -> None:
    found = run(
        {"a": with_missing(NOISE[:, 0], *range(11)), "b": with_missing(NOISE[:, 1], *range(10)), "c": NOISE[:, 2]}
    )
    assert report(found)["a"] == ("dropped", "missing in 55.0% of the stores (limit 50.0%)", 0.0)
    assert report(found)["b"][::2] == ("kept", 0.5)
    assert list(found["external_features"].columns) == ["store_id", "b", "c"]


def test_constants_are_dropped_with_missing_values_or_without() -> None:
    found = run(
        {"a": [5.0] * 20, "b": [*[5.0] * 19, np.nan], "t": ["x"] * 20, "n": [np.nan] * 20, "c": NOISE[:, 0]},
        max_missing_share=1.0,
    )
    assert [report(found)[name][:2] for name in "abtn"] == [
        ("dropped", "constant: 5.0"),
        ("dropped", "constant: 5.0"),
        ("dropped", "constant: x"),
        ("dropped", "no value in any store"),
    ]


def test_skewed_counts_become_log1p_and_what_a_logarithm_does_not_suit_stays() -> None:
    counts = np.array([0, 1, 1, 2, 2, 2, 3, 3, 4, 90.0] * 2)
    shifted = RANDOM.permutation(counts)
    found = run(
        {
            "counts": counts,
            "negative": RANDOM.permutation(counts) - 5,
            "fractions": shifted + 0.5,
            "flag": [1.0, *[0.0] * 19],
            "even": RANDOM.permutation(np.arange(20.0)),
        }
    )
    told = report(found)
    assert told["counts"][:2] == (
        "transformed",
        f"log1p: skewness {skew(counts, bias=False):.2f} (limit 1)",
    )
    assert found["external_features"]["counts"].to_numpy() == pytest.approx(np.log1p(counts))
    assert {name: told[name][0] for name in ("negative", "fractions", "flag", "even")} == dict.fromkeys(
        ("negative", "fractions", "flag", "even"), "kept"
    )


def test_skewed_measures_become_log1p_where_that_takes_their_skewness() -> None:
    random = np.random.default_rng(1)
    income, distance = np.exp(10.0 + random.normal(size=90)), np.exp(2.0 + 0.8 * random.normal(size=90))
    found = run({"distance": distance, "income": income, "share": np.exp(-5.0 + random.normal(size=90))})
    of_feature = report(found)
    assert of_feature["income"][:2] == ("transformed", f"log1p: skewness {skew(income, bias=False):.2f} (limit 1)")
    assert found["external_features"]["income"].to_numpy() == pytest.approx(np.log1p(income))
    assert of_feature["distance"][0] == "transformed"
    assert of_feature["share"][0] == "kept"  # its logarithm (log1p) is as skewed


def test_texts_become_one_column_per_level_and_missing_ones_are_zeros() -> None:
    levels = ["North", "South", "West", None] * 5
    found = run({"region": levels, "a": NOISE[:, 0]})
    features = found["external_features"]
    assert list(features.columns) == ["store_id", "a", "region=North", "region=South", "region=West"]
    assert features["region=South"].tolist() == [0.0, 1.0, 0.0, 0.0] * 5
    told = report(found)
    assert told["region"] == ("transformed", "one column per level: North, South, West; 25.0% missing", 0.25)
    assert told["region=West"] == ("kept", "level of region; 0 where missing (25.0%)", 0.25)


def test_a_text_with_two_levels_becomes_one_column_that_is_imputed() -> None:
    found = run({"urban": ["yes", "no", "yes", None] * 5, "a": NOISE[:, 0]})
    assert found["external_features"]["urban=yes"].tolist() == [1.0, 0.0, 1.0, 1.0] * 5
    told = report(found)
    assert told["urban"][1] == "two levels, one column: urban=yes; 25.0% missing"
    assert told["urban=yes"] == ("kept", "level of urban; 0 is no; 25.0% imputed with the median", 0.25)


def test_a_text_with_too_many_levels_is_dropped_and_a_word_among_numbers_is_pointed_out() -> None:
    found = run(
        {"zone": list("abcdeabcdeabcdeabcde"), "size": ["1", "2", "3", "4", "NA"] * 4, "a": NOISE[:, 0]}, max_levels=4
    )
    told = report(found)
    assert told["zone"][:2] == ("dropped", "5 levels (limit 4)")
    assert told["size"][1] == "5 levels (limit 4); most are numbers, but 'NA' is not: leave missing values empty"


def test_identifiers_are_no_features() -> None:
    ids = np.arange(1000.0, 1020.0)
    found = run(
        {
            "MANAGER": [f"m{n}" for n in range(19)] + ["m0"],
            "district_no": ids,
            "Population": ids + RANDOM.permutation(20) * 100,
            "ratingKey": ids / 7,
            "segment_code": [*ids[:19], 1000.0],
        },
        max_correlation=1.0,
    )
    told = report(found)
    assert told["MANAGER"][:2] == ("dropped", "an identifier: 19 different texts in 20 stores")
    assert told["district_no"][0] == "dropped"
    assert told["district_no"][1].startswith("an identifier: whole numbers")
    assert {told[name][0] for name in ("Population", "ratingKey", "segment_code")} == {"kept"}


@pytest.mark.parametrize(
    "name", ["id", "STORE_NBR", "storeId", "Store Number", "site.no", "KEY", "zip-code", "ZIPCODE", "storeid", "id2"]
)
def test_names_of_identifiers(name: str) -> None:
    assert is_identifier_name(name)


@pytest.mark.parametrize(
    "name", ["paid", "casino", "covid", "monkey", "decode", "ID_share", "number_of_kids", "", "42"]
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert not is_identifier_name(name)


def test_one_of_each_correlated_pair_is_dropped_with_partner_and_correlation() -> None:
    base = NOISE[:, 0]
    close = base + NOISE[:, 1] * 0.05
    middle = int(np.argsort(close)[10])
    found = run({"a": with_missing(close, middle), "b": base, "c": -2 * base + 1, "d": NOISE[:, 2]})
    told = report(found)
    assert told["b"][0] == told["d"][0] == "kept"
    assert told["c"] == ("dropped", "correlation -1.000 with b (limit 0.95)", 0.0)
    filled = found["external_features"]["b"].to_numpy()
    a = np.where(np.arange(20) == middle, np.nanmedian(with_missing(close, middle)), close)
    assert told["a"] == ("dropped", f"correlation {np.corrcoef(a, filled)[0, 1]:.3f} with b (limit 0.95)", 0.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.99))
def test_no_two_features_that_stay_are_correlated_and_each_dropped_one_has_its_partner(seed: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(15, 3)) @ random.normal(size=(3, 8)) + 0.2 * random.normal(size=(15, 8))
    found = correlated(matrix, limit)
    expected = np.corrcoef(matrix, rowvar=False)
    gone = {one.position for one in found}
    stay = [position for position in range(8) if position not in gone]
    assert all(abs(expected[i, j]) <= limit + 1e-9 for i in stay for j in stay if i != j)
    for one in found:
        assert one.partner in stay
        assert one.correlation == pytest.approx(expected[one.position, one.partner])
        assert abs(one.correlation) > limit


def test_stores_without_any_observed_feature_are_excluded_and_not_imputed() -> None:
    a, b = with_missing(NOISE[:, 0], 0, 1), with_missing(NOISE[:, 1], 0, 2)
    constant = [np.nan, 1.0] * 10  # says nothing, and is all that is known of store 01 once it is gone
    b[1] = np.nan
    found = run({"a": a, "b": b, "constant": constant})
    assert found["excluded_stores"].to_numpy().tolist() == [
        ["00", "(none)", "external", "no feature is observed"],
        ["01", "(none)", "external", "none of the features that were kept is observed"],
    ]
    features = found["external_features"]
    assert list(features["store_id"]) == [f"{n:02}" for n in range(2, 20)]
    assert not features.isna().any(axis=None)
    assert report(found)["b"][2] == pytest.approx(1 / 18)


def test_every_column_offered_is_in_the_report_once() -> None:
    ignored = pd.DataFrame({"feature": ["opened"], "reason": ["its type DATE is neither a number nor a text"]})
    found = run({"a": NOISE[:, 0], "b": NOISE[:, 0], "t": list("xyzw") * 5, "k": [1.0] * 20}, ignored=ignored)
    assert found["external_feature_report"]["feature"].tolist() == [
        "a",
        "b",
        "k",
        "opened",
        "t",
        "t=w",
        "t=x",
        "t=y",
        "t=z",
    ]
    assert report(found)["opened"] == ("dropped", "its type DATE is neither a number nor a text", 0.0)


def test_hundreds_of_features_are_a_table_as_well() -> None:
    values = np.random.default_rng(1).normal(size=(20, 240))
    columns = {f"x{n:03}": values[:, n] for n in range(240)} | {
        f"t{n}": RANDOM.permutation(list("xyz") * 6 + ["x", "y"]) for n in range(120)
    }
    found = run(columns, max_correlation=1.0)
    assert found["external_features"].shape == (20, 1 + 240 + 3 * 120)


def test_labels_are_carried_sorted() -> None:
    labels = pd.DataFrame({"store_id": ["2", "1"], "label": ["n", "n"], "value": ["B", None]})
    assert run({"a": NOISE[:, 0]}, labels=labels)["store_labels"]["store_id"].tolist() == ["1", "2"]


def test_the_order_of_rows_and_columns_changes_nothing() -> None:
    frame = pd.DataFrame(
        {
            "store_id": [f"{n:02}" for n in range(20)],
            "t": list("xyzw") * 5,
            "b": with_missing(NOISE[:, 0], 2),
            "a": NOISE[:, 1],
        }
    )
    options = {"ignored": NOTHING_IGNORED, "labels": NO_LABELS, "settings": ExternalPreprocessing(imputation="mean")}
    first, second = preprocess(features=frame, **options), preprocess(features=frame.iloc[::-1, ::-1], **options)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [1.0] * 20}, "no feature of the outside data can be used (a: constant: 1.0); add features"),
        ({"a": [np.nan] * 20}, "no feature of the outside data can be used (no store has a value); add features"),
        ({"Age": NOISE[:, 0], "AGE": NOISE[:, 1]}, "the features 'AGE' and 'Age' have the same name in a database"),
        ({"t": list("xyz") * 6 + ["x", "x"], "t=x": NOISE[:, 0]}, "the features 't=x' and 't=x' have the same name"),
        ({"t": list("xyz") * 6 + ["x", "x"], "t=x": [1.0] * 20}, "the features 't=x' and 't=x' have the same name"),
    ],
)
def test_what_gives_no_table_of_features_is_one_line(columns: dict, expected: str) -> None:
    with pytest.raises(RawDataError) as caught:
        run(columns)
    assert expected in str(caught.value)
    assert len(caught.value.lines) == 1


def test_what_is_protected_stays_whatever_the_limits_say_and_the_other_of_a_pair_goes() -> None:
    columns = {
        "a": NOISE[:, 0],
        "b": NOISE[:, 0] * 2 + 1e-4 * NOISE[:, 1],
        "gappy": with_missing(NOISE[:, 1], *range(11)),
        "name": [f"text {n}" for n in range(20)],
        "same": 1.0,
        "store number": np.arange(20.0),
    }
    found = run(columns, protected=["b", "gappy", "name", "same", "store number"])
    actions = {feature: action for feature, (action, _, _) in report(found).items() if "=" not in feature}
    assert actions == {
        "a": "dropped",
        "b": "kept",
        "gappy": "kept",
        "name": "transformed",
        "same": "kept",
        "store number": "kept",
    }
    assert report(found)["same"][1] == "numeric; protected, though constant: 1.0"
    assert {f"name=text {n}" for n in range(20)} <= set(found["external_features"].columns)
    assert run(columns, protected=["a", "b"])["external_features"].columns.tolist() == ["store_id", "a", "b"]


@pytest.mark.parametrize(
    ("protected", "expected"),
    [
        ("incme", "'incme' is not a feature of the outside data; the features are income, none$"),
        ("none", "'none' has no value"),
    ],
)
def test_what_is_protected_has_to_be_there(protected: str, expected: str) -> None:
    with pytest.raises(RawDataError, match=expected):
        run({"income": NOISE[:, 0], "none": np.full(20, np.nan)}, protected=[protected])


def test_a_feature_with_missing_values_has_an_indicator_beside_it_where_that_is_asked_for() -> None:
    columns = {"a": with_missing(NOISE[:, 0], 3, 7), "b": NOISE[:, 1], "area": [None, *(["x", "y", "z"] * 7)[:19]]}
    assert not [name for name in run(columns)["external_features"] if "missing" in name]
    found = run(columns, missing_indicators=True)
    features = found["external_features"]
    assert [name for name in features if "missing" in name] == ["a is missing", "area is missing"]
    assert features.index[features["a is missing"] == 1].tolist() == [3, 7]
    assert features.index[features["area is missing"] == 1].tolist() == [0]
    assert report(found)["a is missing"] == ("kept", "1 where a is missing", 0.0)


def test_indicators_that_say_the_same_are_one() -> None:
    columns = {"a": with_missing(NOISE[:, 0], 3, 7), "b": with_missing(NOISE[:, 1], 3, 7), "c": NOISE[:, 2]}
    found = run(columns, missing_indicators=True)
    assert report(found)["b is missing"][:2] == ("dropped", "correlation 1.000 with a is missing (limit 0.95)")
