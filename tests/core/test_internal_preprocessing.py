from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.internal.preprocessing import preprocess
from pipeline.errors import RawDataError
from pipeline.schema import TABLES, UNMAPPED
from pipeline.settings import InternalPreprocessing

NO_STORES = pd.DataFrame({"store_id": pd.Series([], dtype=object)})
ANY = {"max_unmapped_share": 1.0, "max_clipped_share": 1.0}


def run(*rows: tuple[str, str, str, int], unchosen: pd.DataFrame = NO_STORES, **options) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])
    return preprocess(sales=frame, unchosen_stores=unchosen, settings=InternalPreprocessing(**options))


def reasons(found: dict[str, pd.DataFrame]) -> dict[tuple[str, str], str]:
    excluded = found["excluded_stores"]
    return dict(zip(zip(excluded["store_id"], excluded["category"], strict=True), excluded["reason"], strict=True))


def test_shares_and_indices_of_a_worked_example() -> None:
    found = run(
        ("1", "Bread", "A", 300),
        ("1", "Bread", "B", 100),
        ("2", "Bread", "A", 100),
        ("2", "Bread", "B", 310),
        ("2", "Bread", "C", -10),
    )
    table = found["sales_by_need_state"].set_index(["store_id", "need_state"])
    assert table["share"].to_dict() == pytest.approx(
        {("1", "A"): 0.75, ("1", "B"): 0.25, ("2", "A"): 10 / 41, ("2", "B"): 31 / 41, ("2", "C"): 0.0}
    )
    # pooled: A 400 of 810, B 410 of 810, C nothing
    index = table["share_index"]
    assert index["1", "A"] == pytest.approx(100 * 0.75 * 810 / 400)
    assert index["2", "B"] == pytest.approx(100 * (31 / 41) * 810 / 410)
    assert pd.isna(index["2", "C"])
    assert not table["is_excluded"].any()
    categories = found["categories"].iloc[0].to_dict()
    assert categories == {
        "category": "Bread", "stores": 2, "excluded_stores": 0, "need_states": 3, "sales_cents": 800, "clipped_sales_cents": 10, "mix_over": "",
        "first_week": None, "last_week": None, "weeks": None,
    }  # fmt: skip


def test_a_store_with_only_returns_is_excluded_with_its_reason_and_its_sales_stay() -> None:
    found = run(("1", "Bread", "A", 300), ("2", "Bread", "A", -50), ("2", "Bread", "B", 0))
    assert reasons(found) == {("2", "Bread"): "no positive sales"}
    table = found["sales_by_need_state"].set_index("store_id")
    assert table["sales_cents"].sum() == 250
    assert table.loc["2", "share"].isna().all()
    assert table["is_excluded"].tolist() == [False, True, True]
    assert found["categories"].loc[0, "excluded_stores"] == 1


def test_a_store_whose_returns_clip_more_than_the_limit_is_excluded() -> None:
    rows = [
        *(("1", "Bread", "A", 1000), ("1", "Bread", "B", -100)),
        *(("2", "Bread", "A", 500), ("2", "Bread", "B", -101), ("2", "Bread", "C", 500)),
    ]
    found = run(*rows)
    assert reasons(found) == {("2", "Bread"): "returns clip 10.1 % of positive sales (limit 10 %)"}
    # it does not count in the chain, whose share of A is then 1
    assert found["sales_by_need_state"].set_index(["store_id", "need_state"])["share_index"]["2", "A"] == 50
    assert reasons(run(*rows, max_clipped_share=0.2)) == {}


def test_unmapped_sales_are_kept_count_in_shares_and_are_no_need_state() -> None:
    found = run(("1", "Bread", "A", 90), ("1", "Bread", UNMAPPED, 10))
    assert found["sales_by_need_state"]["share"].tolist() == [0.9, 0.1]
    assert found["categories"].loc[0, "need_states"] == 1
    assert found["need_state_coverage"].iloc[0].to_dict() == {
        "category": "Bread", "sales_cents": 100, "unmapped_sales_cents": 10, "dropped_sales_cents": 0, "unmapped_share": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize("unmapped", ["keep", "drop"])
def test_a_store_that_sold_only_unmapped_skus_is_excluded(unmapped: str) -> None:
    found = run(("1", "Bread", "A", 900), ("2", "Bread", UNMAPPED, 10), unmapped=unmapped)
    assert reasons(found) == {("2", "Bread"): "no positive sales of mapped SKUs"}
    assert found["categories"].loc[0, "stores"] == 2
    assert found["need_state_coverage"].loc[0, "dropped_sales_cents"] == (10 if unmapped == "drop" else 0)


def test_dropped_sales_are_accounted_for_per_category() -> None:
    found = run(
        ("1", "Bread", "A", 90),
        ("1", "Bread", UNMAPPED, 10),
        ("1", "Milk", "A", 90),
        ("1", "Milk", UNMAPPED, 10),
        category={"Milk": InternalPreprocessing.CategorySettings(unmapped="drop")},
    )
    assert found["need_state_coverage"]["dropped_sales_cents"].tolist() == [0, 10]
    assert found["categories"]["sales_cents"].tolist() == [100, 90]
    assert found["sales_by_need_state"]["share"].tolist() == [0.9, 0.1, 1.0]


def test_all_categories_with_too_many_unmapped_sales_fail_in_one_line() -> None:
    rows = [
        (store, name, state, 50)
        for store in "1"
        for name in ("Bread", "Cake", "Milk", "Tea")
        for state in ("A", UNMAPPED)
    ]
    with pytest.raises(RawDataError) as caught:
        run(
            *rows,
            ("1", "Salt", UNMAPPED, 0),
            category={
                "Milk": InternalPreprocessing.CategorySettings(max_unmapped_share=0.5),
                "Cake": InternalPreprocessing.CategorySettings(max_unmapped_share=0.4),
                "Salt": InternalPreprocessing.CategorySettings(unmapped="error"),
                "Tea": InternalPreprocessing.CategorySettings(unmapped="error", max_unmapped_share=1.0),
            },
        )
    assert str(caught.value) == (
        "unmapped sales above max_unmapped_share in Bread (50.0%, limit 20.0%), Cake (50.0%, limit 40.0%); unmapped sales where "
        'unmapped = "error" in Salt (0.0%), Tea (50.0%); add their SKUs to the need states, or change [internal.preprocessing] '
        "unmapped and max_unmapped_share, which can be set per category"
    )


def test_the_unmapped_share_stays_within_0_and_1_where_returns_prevail() -> None:
    found = run(
        ("1", "A", "x", -50),
        ("1", "A", UNMAPPED, 10),
        ("1", "B", "x", -50),
        ("1", "C", "x", -5),
        ("1", "C", UNMAPPED, 10),
        **ANY,
    )
    assert found["need_state_coverage"]["unmapped_share"].tolist() == [1.0, 0.0, 1.0]


def test_unchosen_stores_are_excluded_under_no_category() -> None:
    found = run(("1", "Bread", "A", 1), unchosen=pd.DataFrame({"store_id": ["0"]}))
    assert found["excluded_stores"].to_numpy().tolist() == [
        ["0", "(none)", "internal_sales", "no sales in the chosen categories and weeks"]
    ]
    assert found["categories"].loc[0, "excluded_stores"] == 0


def test_a_category_with_the_reserved_name_is_refused() -> None:
    with pytest.raises(RawDataError, match=r"a category is called \(none\)"):
        run(("1", "(none)", "A", 1))


def test_the_frames_have_the_columns_of_the_schema() -> None:
    found = run(("1", "Bread", "A", 1))
    for name, frame in found.items():
        expected = {column.frame_name for column in TABLES[name].columns} - (
            {"file"} if name == "categories" else set()
        )
        assert set(frame.columns) == expected
    counted = found["categories"].drop(columns=["category", "mix_over", "first_week", "last_week", "weeks"])
    assert counted.dtypes.astype(str).tolist() == ["int64"] * 5


rows_of_sales = st.dictionaries(
    st.tuples(st.sampled_from("123"), st.sampled_from(["Bread", "Milk"]), st.sampled_from(["A", "B", UNMAPPED])),
    st.integers(-1000, 1000),
    min_size=1,
)


@settings(max_examples=25, deadline=None)
@given(rows_of_sales, st.sampled_from(["keep", "drop"]))
def test_every_cent_is_published_or_dropped_and_every_store_is_clustered_or_excluded(sold, unmapped) -> None:
    found = run(*((*key, cents) for key, cents in sold.items()), unmapped=unmapped, max_unmapped_share=1.0)
    coverage = found["need_state_coverage"].set_index("category")
    published: dict[str, int] = defaultdict(int)
    for category, cents in zip(
        found["sales_by_need_state"]["category"], found["sales_by_need_state"]["sales_cents"], strict=True
    ):
        published[category] += cents
    for category in {key[1] for key in sold}:
        came_in = sum(cents for key, cents in sold.items() if key[1] == category)
        assert came_in == published[category] + coverage.loc[category, "dropped_sales_cents"]

    table = found["sales_by_need_state"]
    used = table[~table["is_excluded"]]
    clustered = set(zip(used["store_id"], used["category"], strict=True))
    assert clustered | set(reasons(found)) == {key[:2] for key in sold}
    assert not clustered & set(reasons(found))
    sums = used.groupby(["store_id", "category"])["share"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)


@settings(max_examples=10, deadline=None)
@given(rows_of_sales)
def test_another_currency_unit_leaves_shares_and_exclusions_as_they_are(sold) -> None:
    units = run(*((*key, cents) for key, cents in sold.items()), max_unmapped_share=1.0)
    hundreds = run(*((*key, 100 * cents) for key, cents in sold.items()), max_unmapped_share=1.0)
    pd.testing.assert_frame_equal(
        units["sales_by_need_state"].drop(columns="sales_cents"),
        hundreds["sales_by_need_state"].drop(columns="sales_cents"),
        rtol=1e-12,
    )
    pd.testing.assert_frame_equal(units["excluded_stores"], hundreds["excluded_stores"])
    assert (100 * units["categories"]["sales_cents"]).tolist() == hundreds["categories"]["sales_cents"].tolist()


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [(store, "Bread", state, ord(state) * int(store)) for store in "123" for state in "ABC"]
    for name, frame in run(*rows).items():
        pd.testing.assert_frame_equal(frame, run(*rows[::-1])[name])


def test_hundreds_of_categories_in_a_message_are_cut() -> None:
    sales = pd.DataFrame(
        [("1", f"category {number:03}", UNMAPPED, 100) for number in range(400)],
        columns=["store_id", "category", "need_state", "sales_cents"],
    )
    for options in ({"max_unmapped_share": 0.1}, {"unmapped": "error"}):
        with pytest.raises(RawDataError) as caught:
            preprocess(
                sales=sales,
                unchosen_stores=sales[["store_id"]].iloc[:0],
                settings=InternalPreprocessing(**options),
            )
        assert "category 009 (100.0%" in str(caught.value)
        assert " and 390 more; add their SKUs" in str(caught.value)
        assert len(str(caught.value)) < 800
