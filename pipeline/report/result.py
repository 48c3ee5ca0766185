"""A result in one row: what it is of, and the short hash by which two results can be told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.schema import NO_CATEGORY
from pipeline.wording import counted

_LETTERS = 8  # of the hash


@dataclass(frozen=True)
class Result:
    """What the tables hold. `currency` and the weeks are empty, and `weeks` is 0, where they are not known."""

    result: str
    env: str
    categories: int
    stores: int
    clusters: int
    first_week: str
    last_week: str
    weeks: int
    currency: str

    @property
    def period(self) -> str:
        """The weeks of the sales in words; empty where they are not known."""
        if not self.weeks:
            return ""
        if self.weeks == 1:
            return f"sales of week {self.first_week}"
        return f"sales of weeks {self.first_week} to {self.last_week} ({counted(self.weeks, 'week', 'weeks')})"

    @property
    def amounts(self) -> str:
        """What amounts of money are in, in words."""
        return f"amounts in {self.currency}" if self.currency else "amounts in the currency of the sales' files"

    def row(self) -> pd.DataFrame:
        """The table `result`."""
        return pd.DataFrame(
            [
                {
                    "result": self.result,
                    "env": self.env,
                    "categories": self.categories,
                    "stores": self.stores,
                    "clusters": self.clusters,
                    "first_week": self.first_week or None,
                    "last_week": self.last_week or None,
                    "weeks": self.weeks or pd.NA,
                    "currency": self.currency or None,
                }
            ]
        ).astype({"weeks": "Int64"})


def result_of(
    env: str,
    contents: Mapping[str, Sequence[str]],
    *,
    categories: pd.DataFrame,
    store_clusters: pd.DataFrame,
    merged_clusters: pd.DataFrame,
    currency: str,
) -> Result:
    """The result of an environment.

    Parameters
    ----------
    env : its name
    contents : content hashes of the files of each table
    categories, store_clusters, merged_clusters : the tables of these names, as in `pipeline.schema`
    currency : of amounts; empty where it is not known
    """
    weeks = categories[categories["weeks"].notna()]
    first = weeks.iloc[0] if len(weeks) else None
    of_sales = store_clusters[store_clusters["category"] != NO_CATEGORY]
    return Result(
        result=short(contents),
        env=env,
        categories=int(of_sales["category"].nunique()),
        stores=int(store_clusters["store_id"].nunique()),
        clusters=int((merged_clusters["category"] != NO_CATEGORY).sum()),
        first_week="" if first is None else str(first["first_week"]),
        last_week="" if first is None else str(first["last_week"]),
        weeks=0 if first is None else int(first["weeks"]),
        currency=currency,
    )


def short(contents: Mapping[str, Sequence[str]]) -> str:
    """The short hash of the content hashes of tables, whatever their order."""
    lines = [f"{table} {' '.join(hashes)}" for table, hashes in sorted(contents.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_LETTERS]
