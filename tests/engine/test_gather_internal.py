from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.schema import UNMAPPED
from pipeline.settings import CsvSettings

Rows = list[tuple[str, str, str, int]]


def sales(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store_id", "sku_id", "category", "sales_value"])


def mapping(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sku_id", "category", "need_state", "weight"][: len(rows[0])])


def as_rows(frame: pd.DataFrame) -> Rows:
    return list(frame[["store_id", "category", "need_state", "sales_cents"]].itertuples(index=False, name=None))


BREAD = mapping(("a", "Bread", "Daily"), ("b", "Bread", "Treat"))


def test_sales_are_summed_over_rows_and_skus_per_store_category_and_need_state(gather_internal) -> None:
    found = gather_internal(
        sales(("2", "a", "Bread", 1.25), ("1", "a", "Bread", 2), ("1", "a", "Bread", -0.5), ("1", "c", "Bread", 9)),
        mapping(("a", "Bread", "Daily"), ("b", "Bread", "Daily")),
    )
    assert as_rows(found["sales"]) == [
        ("1", "Bread", "Daily", 150),
        ("1", "Bread", UNMAPPED, 900),
        ("2", "Bread", "Daily", 125),
    ]
    assert found["sales"]["sales_cents"].dtype == "int64"
    assert found["unchosen_stores"].empty


def test_a_cent_that_cannot_be_split_goes_to_the_largest_remainder_and_ties_to_the_first_name(gather_internal) -> None:
    weights = mapping(("a", "Bread", "Z", 1.0), ("a", "Bread", "B", 1.0), ("a", "Bread", "A", 2.0))
    # 10 cents: quotas 5, 2.5, 2.5; -1 cent: 0.5, 0.25, 0.25 of it
    found = gather_internal(
        sales(("1", "a", "Bread", 0.10), ("2", "a", "Bread", -0.01), ("3", "a", "Bread", 0)),
        weights,
        map_columns={"category": "category", "weight": "weight"},
    )
    assert [cents for *_, cents in as_rows(found["sales"])] == [5, 3, 2, -1, 0, 0, 0, 0, 0]


def test_remainders_that_are_equal_but_for_the_noise_of_the_division_are_ties(gather_internal) -> None:
    weights = mapping(("a", "Bread", "A", 4.0), ("a", "Bread", "B", 1.0), ("a", "Bread", "C", 1.0))
    # 4 cents: quotas 8/3, 2/3, 2/3; in binary the first remainder is the smallest
    found = gather_internal(
        sales(("1", "a", "Bread", 0.04)), weights, map_columns={"category": "category", "weight": "weight"}
    )
    assert [cents for *_, cents in as_rows(found["sales"])] == [3, 1, 0]


def test_sums_beyond_the_precision_of_a_float_are_conserved(gather_internal) -> None:
    rows = sales(*[("1", "a", "Bread", 9_999_999_999_999.99)] * 801)
    found = gather_internal(rows, mapping(*(("a", "Bread", name) for name in "ABCDEFG")))["sales"]
    assert int(found["sales_cents"].sum()) == 801 * 999_999_999_999_999


def test_a_need_state_with_the_weight_zero_is_not_served(gather_internal) -> None:
    found = gather_internal(
        sales(("1", "a", "Bread", 1)),
        mapping(("a", "Bread", "A", 0.0), ("a", "Bread", "B", 3.0)),
        map_columns={"category": "category", "weight": "weight"},
    )
    assert as_rows(found["sales"]) == [("1", "Bread", "B", 100)]


def test_duplicates_in_the_map_count_once(gather_internal) -> None:
    doubled = pd.concat([mapping(("a", "Bread", "A"), ("a", "Bread", "B")), mapping((" a", "Bread ", "A"))])
    found = gather_internal(sales(("1", "a", "Bread", 1)), doubled)
    assert [cents for *_, cents in as_rows(found["sales"])] == [50, 50]


def test_a_sku_of_two_categories_has_the_need_states_of_each(gather_internal) -> None:
    found = gather_internal(
        sales(("1", "a", "Bread", 1), ("1", "a", "Cake", 2)), mapping(("a", "Bread", "A"), ("a", "Cake", "B"))
    )
    assert as_rows(found["sales"]) == [("1", "Bread", "A", 100), ("1", "Cake", "B", 200)]


def test_a_map_without_categories_holds_in_every_category(gather_internal) -> None:
    found = gather_internal(
        sales(("1", "a", "Bread", 1), ("1", "a", "Cake", 2)),
        pd.DataFrame({"sku_id": ["a"], "need_state": ["A"]}),
        map_columns={},
    )
    assert as_rows(found["sales"]) == [("1", "Bread", "A", 100), ("1", "Cake", "A", 200)]


def expected_split(rows: list[tuple[str, str, str, int]], weights: dict[tuple[str, str], dict[str, int]]) -> Rows:
    """Largest remainder with exact fractions, on the sums per store, SKU and category."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for store, sku, category, cents in rows:
        sums[store, sku, category] += cents
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for (store, sku, category), cents in sums.items():
        served = {name: weight for name, weight in weights.get((sku, category), {}).items() if weight}
        if not served:
            found[store, category, UNMAPPED] += cents
            continue
        quotas = {name: Fraction(abs(cents) * weight, sum(served.values())) for name, weight in served.items()}
        parts = {name: int(quota) for name, quota in quotas.items()}
        by_remainder = sorted(served, key=lambda name: (parts[name] - quotas[name], name))
        for name in by_remainder[: abs(cents) - sum(parts.values())]:
            parts[name] += 1
        for name, part in parts.items():
            found[store, category, name] += part if cents >= 0 else -part
    return sorted((*key, cents) for key, cents in found.items())


small = st.sampled_from(["1", "2", "3"])
sold = st.lists(
    st.tuples(small, small, small, st.one_of(st.integers(-60, 60), st.integers(-(10**12), 10**12))),
    min_size=1,
    max_size=25,
)
served = st.dictionaries(
    st.tuples(small, small),
    st.dictionaries(st.sampled_from(["A", "B", "C", "É", "b"]), st.integers(1, 7), min_size=1),
    min_size=1,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sold, served)
def test_the_split_is_the_largest_remainder_s_and_conserves_every_cent(gather_internal, rows, weights) -> None:
    found = gather_internal(
        sales(*((store, sku, category, cents / 100) for store, sku, category, cents in rows)),
        mapping(*((*key, name, float(weight)) for key, names in weights.items() for name, weight in names.items())),
        map_columns={"category": "category", "weight": "weight"},
    )["sales"]
    assert as_rows(found) == expected_split(rows, weights)
    assert int(found["sales_cents"].sum()) == sum(cents for *_, cents in rows)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=4),
    st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=6),
)
def test_no_weight_and_no_amount_however_large_loses_a_cent(gather_internal, cents, weights) -> None:
    amounts = sales(*((str(store), "a", "Bread", amount / 100) for store, amount in enumerate(cents)))
    found = gather_internal(
        amounts,
        mapping(*(("a", "Bread", f"N{position}", weight) for position, weight in enumerate(weights))),
        map_columns={"category": "category", "weight": "weight"},
    )["sales"]
    totals = found.groupby("store_id")["sales_cents"].sum()
    assert [int(totals[str(store)]) for store in range(len(cents))] == [round(amount / 100 * 100) for amount in cents]


@pytest.mark.parametrize("amount", [1.005, -1.005, 0.285, 1.0049, 0.125, -0.125, 12.344999])
def test_parts_of_a_cent_are_kept(gather_internal, amount: float) -> None:
    found = gather_internal(sales(("1", "a", "Bread", amount), ("2", "b", "Tea", 1e6)), BREAD)["sales"]
    assert as_rows(found)[0][-1] == pytest.approx(100 * amount, abs=1e-9)


@pytest.mark.parametrize("amount", [Decimal("1.005"), Decimal("-12345678901.23"), Decimal("0.10")])
def test_decimals_are_as_exact_as_floats(gather_internal, write, tmp_path: Path, amount: Decimal) -> None:
    table = pa.table(
        {"store_id": ["1", "2"], "sku_id": ["a", "a"], "category": ["Bread"] * 2,
         "sales_value": pa.array([amount, Decimal(10_000_000)], pa.decimal128(20, 3))}
    )  # fmt: skip
    pq.write_table(table, tmp_path / "decimal.parquet")
    found = gather_internal([str(tmp_path / "decimal.parquet")], BREAD)["sales"]
    assert as_rows(found)[0][-1] == pytest.approx(float(100 * amount), rel=1e-14)


def test_files_with_other_types_of_keys_are_one_source(gather_internal, write, tmp_path: Path) -> None:
    rows = {"sku_id": ["a"], "category": ["Bread"], "sales_value": [1.0]}
    dictionary = pa.table({"store_id": pa.array(["7"]).dictionary_encode(), **rows, "more": [1]})
    pq.write_table(dictionary, tmp_path / "0.parquet")
    paths = [str(tmp_path / "0.parquet")]
    for name, stores in (("1", [7]), ("2", [7.0]), ("3", [" 7 "]), ("4", ["007"])):
        paths.append(write(f"{name}.parquet", pd.DataFrame({"store_id": stores, **rows})))
    paths.append(write("5.csv", "sales_value,category,sku_id,store_id\n1,Bread,a,7.0\n1,Bread ,a,7\n"))
    paths.append(write("6.csv.gz", gzip.compress(b"store_id,sku_id,category,sales_value\n7,a,Bread,1\n")))
    found = gather_internal(paths, BREAD)["sales"]
    assert as_rows(found) == [("007", "Bread", "Daily", 100), ("7", "Bread", "Daily", 700)]


def test_integers_beyond_the_floats_stay_apart_beside_a_file_of_floats(gather_internal, write) -> None:
    rows = {"sku_id": ["a"], "category": ["Bread"], "sales_value": [1.0]}
    paths = [
        write("a.parquet", pd.DataFrame({"store_id": [2**53 + 1], **rows})),
        write("b.parquet", pd.DataFrame({"store_id": [2.0**53], **rows})),
    ]
    found = gather_internal(paths, BREAD)["sales"]
    assert list(found["store_id"]) == [str(2**53), str(2**53 + 1)]


def test_csv_is_read_with_the_source_s_settings(gather_internal, write) -> None:
    text = 'store_id;sku_id;category;sales_value\n1;a;"Brötchen\nund ""Brot""";"1.234,5"\n1;a;NA;1\n1;NA;NA;\'2\'\n'
    path = write("sales.csv", text.replace("'2'", "2").encode("latin-1"))
    where = write("map.csv", "sku_id;category;need_state\na;NA;null\nNA;NA;None\n")
    csv = CsvSettings(encoding="latin-1", delimiter=";", decimal=",", thousands=".")
    assert as_rows(gather_internal([path], [where], csv=csv)["sales"]) == [
        ("1", 'Brötchen\nund "Brot"', UNMAPPED, 123450),
        ("1", "NA", "None", 200),
        ("1", "NA", "null", 100),
    ]


def test_names_are_compared_in_nfc(gather_internal) -> None:
    found = gather_internal(
        sales(("Zu\u0308rich", "a", "Cafe\u0301 ", 1), ("Z\u00fcrich", "a", "Caf\u00e9", 1)),
        mapping(("a", "Caf\u00e9", "A")),
        include=("Cafe\u0301",),
    )
    assert as_rows(found["sales"]) == [("Z\u00fcrich", "Caf\u00e9", "A", 200)]


def test_chosen_categories_and_the_stores_that_then_have_nothing(gather_internal) -> None:
    rows = sales(("1", "a", "Bread", 1), ("2", "a", "Cake", 1), ("3", "a", "Cake", 1), ("3", "a", "Milk", float("nan")))
    for chosen in ({"include": ("Bread",)}, {"exclude": ("Cake", "Milk")}):
        found = gather_internal(rows, BREAD, **chosen)
        assert as_rows(found["sales"]) == [("1", "Bread", "Daily", 100)]
        assert list(found["unchosen_stores"]["store_id"]) == ["2", "3"]


@pytest.mark.parametrize(
    "weeks",
    [
        [1, 2, 3, 4],
        [1.0, 2.0, 3.0, 4.0],
        [202451, 202452, 202501, 202502],
        [20241220, 20241226, 20241227, 20250102],
        [date(2024, 12, 20), date(2024, 12, 26), date(2024, 12, 27), date(2025, 1, 2)],
        [pd.Timestamp("2024-12-20T23:59"), pd.Timestamp("2024-12-26"), pd.Timestamp("2024-12-27"), pd.Timestamp("2025-01-02T12:00")],
        [pd.Timestamp("2024-12-20", tz="UTC"), pd.Timestamp("2024-12-26", tz="UTC"), pd.Timestamp("2024-12-27", tz="UTC"),
         pd.Timestamp("2025-01-02", tz="UTC")],
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_last_weeks_are_counted_from_the_last_in_the_data(gather_internal, write, weeks, suffix) -> None:
    rows = sales(*((str(store), "a", "Bread", 10**store / 100) for store in range(4))).assign(week=weeks)
    path = write(f"weeks.{suffix}", rows)
    by_dates = not (isinstance(weeks[0], int | float) and weeks[0] < 1e6)
    found = gather_internal([path], BREAD, columns={"week": "week"}, last_weeks=1 if by_dates else 2)
    assert [cents for *_, cents in as_rows(found["sales"])] == [100, 1000]
    assert list(found["unchosen_stores"]["store_id"]) == ["0", "1"]


def test_sales_outside_the_window_do_not_count_and_need_no_value(gather_internal) -> None:
    rows = sales(("1", "a", "Bread", float("nan")), ("1", "a", "Bread", 1), ("1", "a", "Bread", 5)).assign(
        week=[1, 2, 1]
    )
    assert as_rows(gather_internal(rows, BREAD, columns={"week": "week"}, last_weeks=1)["sales"]) == [
        ("1", "Bread", "Daily", 100)
    ]


def test_weeks_that_cannot_be_read_are_a_doubt_of_the_run_where_no_window_needs_them(gather_internal) -> None:
    rows = sales(("1", "a", "Bread", 1.0), ("2", "a", "Bread", 2.0)).assign(week=["P01 FY26", "P02 FY26"])
    gathered = gather_internal(rows, BREAD, columns={"week": "week"})
    (doubt,) = [doubt for doubt in gathered.doubts if "columns.week" in doubt]
    assert "column 'week': no format fits, such as 'P01 FY26'" in doubt
    assert doubt.endswith("without it nothing says whether clusters hold; correct it, or remove columns.week")
    assert gathered.notes == []


def test_a_window_that_holds_every_week_changes_no_cent(gather_internal) -> None:
    # a window is summed the thorough way, everything the quick one
    amounts = [1.005, -0.014999, 2.675, 0.0, -3.0, 1e10, 0.1 + 0.2, 1e-9, 123456789.125]
    rows = sales(
        *(("1", f" {'ab'[i % 2]} ", "Bread", amount) for i, amount in enumerate(amounts)), ("2", "a", "Bread", 5.0)
    )
    rows["week"] = range(1, len(rows) + 1)
    split = mapping(("a", "Bread", "Daily"), ("a", "Bread", "Other"), ("b", "Bread", "Daily"))
    every, window = (
        gather_internal(rows, split, columns={"week": "week"}, last_weeks=weeks) for weeks in (None, len(rows))
    )
    for table in every:
        pd.testing.assert_frame_equal(every[table], window[table])


def test_the_order_of_rows_and_the_threads_change_nothing(gather_internal, write) -> None:
    rows = sales(*((str(n % 7), "abc"[n % 3], "Bread", n / 8) for n in range(500)))
    weights = mapping(*(("a", "Bread", f"N{n}", 0.1 * n) for n in range(1, 9)), ("b", "Bread", "N1", 1.0))
    options = {"map_columns": {"category": "category", "weight": "weight"}}
    first = gather_internal(rows, weights, **options)["sales"]
    second = gather_internal(rows.sample(frac=1, random_state=1), weights[::-1], **options)["sales"]
    pd.testing.assert_frame_equal(first, second)


def test_a_year_of_a_grocer_is_conserved_to_the_cent(gather_internal, completejourney: Path) -> None:
    found = gather_internal(
        [str(completejourney / "internal_sales.parquet")],
        [str(completejourney / "need_state.csv")],
        columns={"store_id": "STORE_NBR", "sku_id": "SKU_NBR", "category": "CAT_DSC", "sales_value": "TOTAL_SALES"},
        map_columns={"sku_id": "SKU_NBR", "category": "CAT_DSC", "need_state": "NEED_STATE"},
    )["sales"]
    raw = pd.read_parquet(completejourney / "internal_sales.parquet", columns=["CAT_DSC", "TOTAL_SALES"])
    cents = (raw["TOTAL_SALES"] * 100).round().astype("int64").groupby(raw["CAT_DSC"]).sum()
    assert found["store_id"].nunique() == 108
    assert found["category"].nunique() == 40
    assert found.groupby("category")["sales_cents"].sum().to_dict() == cents.to_dict()


def test_the_sql_texts_use_what_both_engines_know(gather_internal: Callable) -> None:
    folder = Path(__file__).parents[2] / "pipeline" / "engine" / "sql"
    texts = {path.name: path.read_text().upper() for path in folder.glob("*.sql")}
    assert len(texts) == 16
    for name, text in texts.items():
        for forbidden in ("::", "QUALIFY", "PIVOT", " EXCLUDE", "GROUP BY ALL", "FILTER (", "STRUCT", "//"):
            assert forbidden not in text, f"{name} has {forbidden}"
