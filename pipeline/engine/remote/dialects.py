"""The words in which the SQL of databases differs, as far as the sums need them.

`FLOOR` of a double is an integer on Spark, and saturates in silence on one of its kin above 9.2e12: there `x - x % 1` is the same to
the last bit for x >= 0. Texts of numbers differ everywhere, so that none is made where the sales are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Dialect(NamedTuple):
    """The words of a database.

    Attributes
    ----------
    quote : what stands around a name; in a name it is doubled
    double : the type of a binary number of 64 bits
    integer : the type of an integer of 64 bits
    floor : the whole part of a double that is not negative, as a double
    finite : what has to be said besides a comparison, so that NaN is none
    begin : statements that a session begins with: in UTC, and read-only where that can be had
    parser : the name that sqlglot has for it, for tests
    """

    quote: str
    double: str
    integer: str
    floor: str
    finite: str = ""
    begin: tuple[str, ...] = ()
    parser: str = ""

    def name(self, name: str) -> str:
        """A name in quotes."""
        return f"{self.quote}{name.replace(self.quote, 2 * self.quote)}{self.quote}"

    def whole(self, expression: str) -> str:
        """The whole part of a double that is not negative."""
        return self.floor.format(expression)


_POSTGRESQL = Dialect('"', "DOUBLE PRECISION", "BIGINT", "FLOOR({0})", "", ("SET TIME ZONE 'UTC'",), "postgres")
_SPARK = Dialect("`", "DOUBLE", "BIGINT", "({0} - ({0}) % 1)", "", ("SET TIME ZONE 'UTC'",), "spark")

DIALECTS: Mapping[str, Dialect] = {
    "postgresql": _POSTGRESQL._replace(begin=(*_POSTGRESQL.begin, "SET default_transaction_read_only = on")),
    "redshift": _POSTGRESQL._replace(parser="redshift", begin=("SET timezone TO 'UTC'",)),
    "snowflake": Dialect(
        '"', "DOUBLE", "BIGINT", "FLOOR({0})", "", ("ALTER SESSION SET TIMEZONE = 'UTC'",), "snowflake"
    ),
    "bigquery": Dialect("`", "FLOAT64", "INT64", "FLOOR({0})", "", (), "bigquery"),  # its sessions are in UTC
    "spark": _SPARK,
    "databricks": _SPARK._replace(parser="databricks"),
    "duckdb": Dialect(
        '"', "DOUBLE", "BIGINT", "FLOOR({0})", "ISFINITE(CAST({0} AS DOUBLE)) AND ", ("SET TimeZone = 'UTC'",), "duckdb"
    ),
    "flightsql": Dialect('"', "DOUBLE PRECISION", "BIGINT", "FLOOR({0})"),
}
