"""Two results side by side: by hand, by scikit-learn, and by trying every matching."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from pipeline.core.between_runs.compare import MIN_JACCARD, compare, matched
from pipeline.schema import NO_CATEGORY


def result(**categories: dict[str, int]) -> pd.DataFrame:
    rows = [
        {"store_id": store, "category": category, "cluster": cluster}
        for category, placed in categories.items()
        for store, cluster in placed.items()
    ]
    return pd.DataFrame(rows, columns=["store_id", "category", "cluster"]).astype({"cluster": "int64"})


def placed(text: str) -> dict[str, int]:
    """Stores 0, 1, 2... in these clusters; `.` is a store that is not there."""
    return {f"s{store:03d}": int(cluster) for store, cluster in enumerate(text) if cluster != "."}


def only(before: str, after: str) -> tuple[dict[str, object], pd.DataFrame]:
    made = compare(result(Bread=placed(before)), result(Bread=placed(after)))
    assert len(made["agreement"]) == 1
    return made["agreement"].iloc[0].to_dict(), made["moves"]


def test_a_result_agrees_with_itself_wholly() -> None:
    row, moves = only("1112223", "1112223")
    assert (row["adjusted_rand"], row["moved"], row["moved_share"], row["k_before"], row["k_after"]) == (1, 0, 0, 3, 3)
    assert moves.empty


def test_labels_that_were_only_renamed_move_nobody() -> None:
    row, moves = only("1111222233", "3333111122")
    assert (row["adjusted_rand"], row["moved"]) == (1.0, 0)
    assert moves.empty


def test_the_figures_of_a_move_are_those_worked_by_hand() -> None:
    # clusters {0,1,2}, {3,4,5} become {0,1}, {2,3,4,5}: of 15 pairs 6 are together before, 7 after, 4 both times;
    # expected 6 x 7 / 15 = 2.8; (4 - 2.8) / ((6 + 7) / 2 - 2.8) = 1.2 / 3.7
    row, moves = only("111222", "112222")
    assert row["adjusted_rand"] == pytest.approx(1.2 / 3.7)
    assert (row["stores"], row["moved"], row["moved_share"]) == (6, 1, pytest.approx(1 / 6))
    assert moves.to_dict("records") == [
        {"store_id": "s002", "category": "Bread", "before": 1, "after": 2, "expected": 1}
    ]


def test_stores_of_a_cluster_without_a_match_have_moved() -> None:
    # 2 and 3 are joined: {3,4,5} and {6,7} have Jaccard 3/5 and 2/5 with the five, and only one can be its match
    row, moves = only("11122233", "11122222")
    assert (row["k_before"], row["k_after"], row["moved"]) == (3, 2, 2)
    assert moves["store_id"].tolist() == ["s006", "s007"]
    assert moves["expected"].isna().all()


def test_a_pair_that_hardly_overlaps_is_no_match() -> None:
    # one cluster of four is dealt out to four clusters: each overlaps it with a Jaccard index of 1/4
    row, moves = only("1111", "1234")
    assert MIN_JACCARD > 1 / 4
    assert (row["moved"], row["moved_share"]) == (4, 1.0)
    assert moves["expected"].isna().all()


def test_of_equally_good_matchings_the_one_that_keeps_labels_is_taken() -> None:
    # every pair overlaps with a Jaccard index of 1/3
    assert matched(pd.Series([1, 1, 2, 2]), pd.Series([1, 2, 1, 2])) == {1: 1, 2: 2}
    assert matched(pd.Series([2, 2, 3, 3]), pd.Series([1, 2, 1, 2]))[2] == 2


def test_one_cluster_on_both_sides_is_agreement() -> None:
    row, _ = only("1111", "2222")
    assert (row["adjusted_rand"], row["moved"]) == (1.0, 0)


def test_a_cluster_that_was_split_agrees_no_better_than_chance() -> None:
    row, moves = only("111111", "111222")
    assert row["adjusted_rand"] == 0.0
    assert row["moved"] == 3
    assert set(moves["before"]) == {1}


def test_stores_of_one_side_alone_are_counted_and_move_nowhere() -> None:
    row, moves = only("11.2233", "112.23.")
    assert (row["stores"], row["only_before"], row["only_after"]) == (4, 2, 1)
    assert moves.empty


def test_without_a_common_store_there_is_no_agreement_to_speak_of() -> None:
    row, moves = only("11..", "..12")
    assert math.isnan(row["adjusted_rand"])
    assert math.isnan(row["moved_share"])
    assert (row["stores"], row["only_before"], row["only_after"], row["k_before"], row["k_after"]) == (0, 2, 2, 1, 2)
    assert moves.empty


def test_a_category_of_one_side_alone_is_told_with_no_cluster_on_the_other() -> None:
    made = compare(result(Bread=placed("12"), Tea=placed("112")), result(Bread=placed("12"), Coffee=placed("11")))
    told = made["agreement"].set_index("category")
    assert told.index.tolist() == ["Bread", "Coffee", "Tea"]
    assert told["k_before"].tolist() == [2, 0, 2]
    assert told["k_after"].tolist() == [2, 1, 0]
    assert told["only_before"].tolist() == [0, 0, 3]
    assert told["only_after"].tolist() == [0, 2, 0]
    assert told["adjusted_rand"].isna().tolist() == [False, True, True]


def test_stores_without_a_category_are_compared_like_any_other() -> None:
    made = compare(result(**{NO_CATEGORY: placed("1122")}), result(**{NO_CATEGORY: placed("2211")}))
    assert made["agreement"]["category"].tolist() == [NO_CATEGORY]
    assert made["agreement"]["moved"].tolist() == [0]


def test_empty_results_give_empty_tables_of_the_same_columns_and_types() -> None:
    empty, full = compare(result(), result()), compare(result(Bread=placed("12")), result(Bread=placed("11")))
    for name in ("agreement", "moves"):
        assert empty[name].empty
        assert empty[name].dtypes.to_dict() == full[name].dtypes.to_dict()
    one_sided = compare(result(), result(Bread=placed("11")))
    assert one_sided["agreement"]["only_after"].tolist() == [2]


def test_many_small_clusters_are_compared_without_a_warning() -> None:
    stores = {f"s{number}": number for number in range(40)}
    made = compare(result(Bread=stores), result(Bread=stores))
    assert made["agreement"]["adjusted_rand"].tolist() == [1.0]


def test_the_order_of_rows_and_further_columns_change_nothing() -> None:
    rng = np.random.default_rng(7)
    before = result(Bread=placed("1112223331"), Tea=placed("1212121212")).assign(distance=1.0)
    after = result(Bread=placed("1112223312"), Tea=placed("2121212122"))
    shuffled = compare(
        before.iloc[rng.permutation(len(before))].reset_index(drop=True), after.iloc[rng.permutation(len(after))]
    )
    for name, table in compare(before, after).items():
        pd.testing.assert_frame_equal(table, shuffled[name])


clusterings = st.integers(1, 24).flatmap(
    lambda stores: st.tuples(
        *[st.lists(st.integers(1, 4), min_size=stores, max_size=stores).map(pd.Series) for _ in range(2)]
    )
)


@given(clusterings)
@settings(max_examples=60, deadline=None)
def test_agreement_is_that_of_scikit_learn_and_the_matching_the_best_of_all(pair: tuple[pd.Series, pd.Series]) -> None:
    before, after = pair
    names = [f"s{number:02d}" for number in range(len(before))]
    made = compare(
        pd.DataFrame({"store_id": names, "category": "Bread", "cluster": before}),
        pd.DataFrame({"store_id": names, "category": "Bread", "cluster": after}),
    )
    row = made["agreement"].iloc[0]
    assert row["adjusted_rand"] == pytest.approx(adjusted_rand_score(before, after))

    def jaccard(old: int, new: int) -> float:
        a, b = set(before.index[before == old]), set(after.index[after == new])
        found = len(a & b) / len(a | b) if a | b else 0.0
        return found if found >= MIN_JACCARD else 0.0

    def worth(match: dict[int, int]) -> float:
        return sum(jaccard(old, new) for old, new in match.items())

    match = matched(before, after)
    every = (dict(zip(range(1, 5), order, strict=True)) for order in itertools.permutations(range(1, 5)))
    assert worth(match) == pytest.approx(max(worth(one) for one in every))
    assert all(jaccard(old, new) > 0 for old, new in match.items())
    assert row["moved"] == sum(match.get(old) != new for old, new in zip(before, after, strict=True))
    assert row["moved"] == len(made["moves"])
