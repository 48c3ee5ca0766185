"""The text of the sums in every dialect is SQL of that dialect, and means the same. BigQuery, Snowflake and Databricks are only parsed."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import expressions

from pipeline.config.locations import SCHEMES
from pipeline.engine.remote import statements
from pipeline.engine.remote.dialects import DIALECTS
from pipeline.engine.remote.drivers import DRIVERS
from pipeline.settings import SalesSource

NAMES = ["STORE", 'sku "x"', "back`tick", "week of sale"]


@pytest.mark.parametrize("name", [name for name, dialect in DIALECTS.items() if dialect.parser])
@pytest.mark.parametrize("source", [{"table": "shop.sales"}, {"sql": "SELECT * FROM shop.sales WHERE YEAR > 2023;"}])
@pytest.mark.parametrize("amounts", [["AMOUNT"], ["UNITS", "PRICE"]])
def test_the_sums_are_sql_of_the_dialect(name: str, source: dict[str, str], amounts: list[str]) -> None:
    dialect = DIALECTS[name]
    text = statements.sums(SalesSource(connection="x", **source), dialect, NAMES, amounts)
    assert "{" not in text
    [tree] = sqlglot.parse(text, read=dialect.parser)
    assert isinstance(tree, expressions.Select)
    assert len(tree.selects) == len(NAMES) + 5
    read = {column.name for column in tree.find_all(expressions.Column)}
    assert {*NAMES, *amounts} <= read, "names in quotes are names, whatever is in them"
    assert {cast.to.sql(dialect=dialect.parser) for cast in tree.find_all(expressions.Cast)} == {
        sqlglot.parse_one(f"CAST(x AS {type_})", read=dialect.parser).to.sql(dialect=dialect.parser)
        for type_ in (dialect.double, dialect.integer)
    }


def test_every_scheme_that_a_config_may_name_has_a_driver_and_a_dialect() -> None:
    assert set(SCHEMES) == set(DRIVERS)
    assert {driver.dialect for driver in DRIVERS.values()} <= set(DIALECTS)
