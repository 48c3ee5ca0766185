"""What the mix is over where no need-state map says it, and where the category is when the sales have none."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from engine.given import said

from pipeline.engine import attributes
from pipeline.schema import RARE, UNMAPPED
from pipeline.settings import Sources


def sales(*rows: tuple[Any, ...], more: tuple[str, ...] = ()) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store_id", "sku_id", "category", "sales_value", *more])


def cents(found: dict[str, pd.DataFrame]) -> dict[tuple[str, ...], int]:
    rows = found["sales"][["store_id", "category", "need_state", "sales_cents"]]
    return {row[:-1]: row[-1] for row in rows.itertuples(index=False, name=None)}


# ---------------------------------------------------------------- over the SKUs


def test_without_a_need_state_map_the_skus_are_the_need_states(gather_internal) -> None:
    found = gather_internal(sales(("1", 7.0, "Bread", 1.5), ("1", 8.0, "Bread", 2), ("2", 7.0, "Tea", -1)), None)
    assert cents(found) == {("1", "Bread", "7"): 150, ("1", "Bread", "8"): 200, ("2", "Tea", "7"): -100}


def test_the_largest_skus_of_each_category_are_need_states_and_the_others_are_one(gather_internal, monkeypatch) -> None:
    monkeypatch.setattr(attributes, "LARGEST", 2)
    rows = [
        ("1", "a", "Bread", 9),
        ("1", "b", "Bread", 5),
        ("1", "c", "Bread", 2),
        ("1", "d", "Bread", 1),
        ("1", "d", "Tea", 1),
    ]
    found = gather_internal(sales(*rows), None)
    assert cents(found) == {
        ("1", "Bread", RARE): 300,
        ("1", "Bread", "a"): 900,
        ("1", "Bread", "b"): 500,
        ("1", "Tea", "d"): 100,
    }


def test_skus_that_sell_alike_are_taken_by_name_and_returns_count_as_sales_do(gather_internal, monkeypatch) -> None:
    monkeypatch.setattr(attributes, "LARGEST", 1)
    assert set(cents(gather_internal(sales(("1", "b", "B", 5), ("1", "a", "B", 5)), None))) == {
        ("1", "B", "a"),
        ("1", "B", RARE),
    }
    assert cents(gather_internal(sales(("1", "b", "B", 5), ("1", "z", "B", -6)), None))["1", "B", "z"] == -600


# ---------------------------------------------------------------- over a column of the sales


@pytest.mark.parametrize(
    ("name", "values", "states"),
    [
        ("SUBCATEGORY", ["Rye", " Rye ", "Wheat"], ("Rye", "Wheat")),
        ("Marke", ["Müller", "Mu\u0308ller", "Aldi"], ("Müller", "Aldi")),
        ("SIZE", [1.0, 1.0, 2.0], ("1", "2")),
        ("ORGANIC", ["yes", "yes", "no"], ("yes", "no")),
    ],
)
def test_the_mix_can_be_over_any_column_of_the_sales(gather_internal, name, values, states) -> None:
    frame = sales(("1", "a", "Bread", 1), ("1", "b", "Bread", 2), ("1", "c", "Bread", 4)).assign(**{name: values})
    found = gather_internal(frame, None, columns={"need_state": name})
    assert cents(found) == {("1", "Bread", states[0]): 300, ("1", "Bread", states[1]): 400}


def test_a_mix_over_a_column_needs_no_sku(gather_internal) -> None:
    frame = sales(("1", "a", "Bread", 1)).assign(FAMILY="Rye").drop(columns="sku_id")
    assert cents(gather_internal(frame, None, columns={"need_state": "FAMILY"})) == {("1", "Bread", "Rye"): 100}


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_sales_without_a_value_in_the_column_are_unmapped_and_not_lost(gather_internal, write, nothing) -> None:
    frame = sales(("1", "a", "Bread", 1), ("1", "b", "Bread", 2)).assign(BRAND=["Acme", nothing])
    found = gather_internal(frame, None, columns={"need_state": "BRAND"})
    assert cents(found) == {("1", "Bread", "Acme"): 100, ("1", "Bread", UNMAPPED): 200}


def test_several_columns_are_blocks_that_share_each_sale_by_weight(gather_internal) -> None:
    frame = sales(("1", "a", "Bread", 3), ("1", "b", "Bread", 0.05)).assign(SUB=["Rye", "Wheat"], BRAND=["Acme", None])
    found = gather_internal(frame, None, columns={"need_state": {"SUB": 2.0, "BRAND": 1.0}})
    assert cents(found) == {
        ("1", "Bread", "BRAND: Acme"): 100,
        ("1", "Bread", "SUB: Rye"): 200,
        ("1", "Bread", "SUB: Wheat"): 3,
        ("1", "Bread", UNMAPPED): 2,
    }
    assert found["sales"]["sales_cents"].sum() == 305


def test_a_key_that_is_written_in_several_ways_is_told_as_one_of_a_need_state(gather_internal) -> None:
    frame = sales(("1", "a", "Bread", 1), ("1", "b", "Bread", 2)).assign(BRAND=["Acme", " Acme"])
    told = gather_internal(frame, None, columns={"need_state": "BRAND"})["key_spellings"]
    assert told.to_dict("records") == [{"kind": "need state", "key": "Acme", "spellings": 2}]


def test_a_column_that_is_not_there_is_an_error_that_names_it(gather_internal) -> None:
    line = said(gather_internal, sales(("1", "a", "Bread", 1)), None, columns={"need_state": "BRAND"})
    assert "no column 'BRAND'" in line
    assert "set columns.need_state in [sources.internal_sales]" in line


# ---------------------------------------------------------------- over columns of a product table

PRODUCTS = pd.DataFrame(
    {"sku_id": ["a", "b", "c"], "category": "Bread", "SUB": ["Rye", "Rye", "Wheat"], "BRAND": ["Acme", "Best", None]}
)


def test_the_mix_can_be_over_any_attribute_of_a_product_table(gather_internal) -> None:
    frame = sales(("1", "a", "Bread", 1), ("1", "b", "Bread", 2), ("1", "x", "Bread", 4))
    found = gather_internal(frame, PRODUCTS, map_columns={"category": "category", "need_state": "SUB"})
    assert cents(found) == {("1", "Bread", "Rye"): 300, ("1", "Bread", UNMAPPED): 400}


def test_several_attributes_of_a_product_table_are_blocks(gather_internal) -> None:
    frame = sales(("1", "a", "Bread", 1), ("1", "b", "Bread", 2), ("1", "c", "Bread", 4))
    found = gather_internal(
        frame, PRODUCTS, map_columns={"category": "category", "need_state": {"SUB": 1.0, "BRAND": 1.0}}
    )
    assert cents(found) == {
        ("1", "Bread", "BRAND: Acme"): 50,
        ("1", "Bread", "BRAND: Best"): 100,
        ("1", "Bread", "SUB: Rye"): 150,
        ("1", "Bread", "SUB: Wheat"): 200,
        ("1", "Bread", UNMAPPED): 200,
    }


def test_an_attribute_with_two_values_for_a_sku_keeps_its_part_of_the_sale(gather_internal) -> None:
    twice = pd.concat([PRODUCTS, PRODUCTS.iloc[:1].assign(BRAND="Best")])
    found = gather_internal(
        sales(("1", "a", "Bread", 1)),
        twice,
        map_columns={"category": "category", "need_state": {"SUB": 1.0, "BRAND": 1.0}},
    )
    assert cents(found) == {
        ("1", "Bread", "BRAND: Acme"): 25,
        ("1", "Bread", "BRAND: Best"): 25,
        ("1", "Bread", "SUB: Rye"): 50,
    }


# ---------------------------------------------------------------- the category of the product table

STAR = pd.DataFrame({"sku_id": ["a", "b"], "need_state": ["Daily", "Treat"], "category": ["Bread", "Coffee"]})


@pytest.mark.parametrize("names", [{}, {"category": "CAT"}])
def test_where_the_sales_have_no_category_it_is_that_of_the_sku_in_the_map(gather_internal, names) -> None:
    frame = sales(("1", "a", "", 1), ("1", "b", "", 2)).drop(columns="category")
    in_map = STAR.rename(columns={"category": names.get("category", "category")})
    found = gather_internal(frame, in_map, columns=names, map_columns={"category": names.get("category", "category")})
    assert cents(found) == {("1", "Bread", "Daily"): 100, ("1", "Coffee", "Treat"): 200}


def test_sales_of_skus_whose_category_nothing_tells_are_kept_apart_and_not_lost(gather_internal) -> None:
    frame = sales(("1", "a", "", 1), ("1", "x", "", 2)).drop(columns="category")
    found = gather_internal(frame, STAR, map_columns={"category": "category"})
    assert cents(found) == {("1", "Bread", "Daily"): 100, ("1", UNMAPPED, UNMAPPED): 200}


def test_categories_of_the_map_can_be_chosen(gather_internal) -> None:
    frame = sales(("1", "a", "", 1), ("2", "b", "", 2)).drop(columns="category")
    found = gather_internal(frame, STAR, map_columns={"category": "category"}, include=("Coffee",))
    assert cents(found) == {("2", "Coffee", "Treat"): 200}
    assert list(found["unchosen_stores"]["store_id"]) == ["1"]


def test_a_sku_in_two_categories_of_the_map_is_an_error_where_only_the_sales_could_tell(gather_internal) -> None:
    two = pd.concat([STAR, STAR.iloc[:1].assign(category="Coffee")])
    frame = sales(("1", "a", "", 1)).drop(columns="category")
    line = said(gather_internal, frame, two, map_columns={"category": "category"})
    assert "1 SKU in several: SKU 'a' in 'Bread' and 'Coffee'" in line


@pytest.mark.parametrize(
    ("columns", "map_columns"),
    [({"category": "CATEGRY"}, {"category": "category"}), ({}, {}), ({"category": "CAT"}, {})],
)
def test_a_category_that_is_misspelt_or_nowhere_is_an_error(gather_internal, columns, map_columns) -> None:
    frame = sales(("1", "a", "", 1)).drop(columns="category")
    line = said(gather_internal, frame, STAR, columns=columns, map_columns=map_columns)
    assert "set columns.category in [sources.internal_sales]" in line


def test_a_category_that_one_of_two_files_lacks_is_an_error(gather_internal, write) -> None:
    paths = [
        write("a.csv", sales(("1", "a", "Bread", 1))),
        write("b.csv", sales(("1", "a", "", 1)).drop(columns="category")),
    ]
    assert "b.csv: no column 'category'" in said(gather_internal, paths, STAR, map_columns={"category": "category"})


# ---------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"internal_sales": {"path": "x"}}, ("SKUs",)),
        ({"internal_sales": {"path": "x", "columns": {"need_state": "SUB"}}}, ("SUB",)),
        ({"internal_sales": {"path": "x"}, "need_states": {"path": "y"}}, ("need_state",)),
        (
            {
                "internal_sales": {"path": "x"},
                "need_states": {"path": "y", "columns": {"need_state": {"A": 2, "B": 0.5}}},
            },
            ("A (weight 2)", "B (weight 0.5)"),
        ),
        ({"external": [{"path": "x"}]}, ("SKUs",)),
    ],
)
def test_what_the_mix_is_over_is_said_in_the_words_of_the_raw_files(given, words) -> None:
    import msgspec

    assert msgspec.convert(given, Sources).mix_over == words
