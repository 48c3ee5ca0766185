"""Sales by need state: coverage of the map, shares, and the stores that cannot be clustered in a category.

P1, sales are conserved: per category, the sales read are the published plus the dropped sales, to the last digit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.frames import empty
from pipeline.core.internal import shares
from pipeline.core.statistics import money
from pipeline.core.statistics.named_stores import CLOSED, keys
from pipeline.errors import DataError, RawDataError
from pipeline.schema import BLOCK_CENTS, NO_CATEGORY, TABLES, UNMAPPED
from pipeline.settings import InternalPreprocessing
from pipeline.settings.per_category import for_category
from pipeline.wording import listed

_NAMED = 10  # categories in a message

SOURCE = "internal_sales"
NOT_CHOSEN = "no sales in the chosen categories and weeks"


class Treatment(NamedTuple):
    """The treatment of sales without a need state: `dropped`, or `refused` with an error; otherwise they stay."""

    dropped: bool = False
    refused: bool = False


UNMAPPED_SALES = {"keep": Treatment(), "drop": Treatment(dropped=True), "error": Treatment(refused=True)}


def preprocess(
    *,
    sales: pd.DataFrame,
    unchosen_stores: pd.DataFrame,
    settings: InternalPreprocessing,
    key_spellings: pd.DataFrame | None = None,
    delivered_sales: pd.DataFrame | None = None,
    delivered_stores: pd.DataFrame | None = None,
    sales_weeks: pd.DataFrame | None = None,
    closed: Collection[str] = (),
    mix_over: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """Turn sales per store, category and need state into shares, and list the exclusions with their reasons.

    Parameters
    ----------
    sales : store_id, category, need_state, sales_cents (may be negative; floats where amounts have parts of a cent); one row per key. Unmapped SKUs
        have the need state `schema.UNMAPPED`, and the category of that name if their category is unknown. If weeks are known,
        also `schema.BLOCK_CENTS`. Without rows, all tables are empty.
    unchosen_stores : store_id; stores without a row in `sales`, may be empty
    key_spellings, delivered_sales, delivered_stores : the tables of these names, which are passed on; None: no rows
    settings : the treatment of unmapped sales, and the limits, with their values per category
    sales_weeks : first_week, last_week, weeks: one row with the weeks of the sales; None or no row where they are not known
    closed : stores that are excluded from every category; their sales stay, like the sales of all excluded stores
    mix_over : the unit of the mix, in words

    Returns
    -------
    categories : one row per category of `sales`, without the column `file`. `stores` counts all stores with a row,
        `need_states` the published ones without UNMAPPED; `clipped_sales_cents` is a positive amount.
    need_state_coverage : one row per category; `unmapped_share` is unmapped / net sales within 0..1; if net sales
        are not positive, 1 if there are unmapped sales, else 0
    excluded_stores : the stores that cannot be clustered in a category, and the unchosen ones under `(none)`
    sales_by_need_state : all published rows, with the rows of excluded stores
    sales_by_block : the same rows by block of weeks; no rows if the weeks are unknown

    Raises
    ------
    RawDataError : unmapped sales exceed `max_unmapped_share`, or exist where `unmapped = "error"`; names all such categories
    DataError : sales are not conserved, which is a fault of this program
    """
    part = of_categories(sales=sales, settings=settings, closed=closed)
    return part | together(
        parts=[part],
        unchosen_stores=unchosen_stores,
        settings=settings,
        key_spellings=key_spellings,
        delivered_sales=delivered_sales,
        delivered_stores=delivered_stores,
        sales_weeks=sales_weeks,
        closed=closed,
        mix_over=mix_over,
    )


def of_categories(
    *, sales: pd.DataFrame, settings: InternalPreprocessing, closed: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """What `preprocess` does in each category by itself.

    Parameters
    ----------
    sales, settings, closed : as for `preprocess`; sales of any whole categories

    Returns
    -------
    The tables of `preprocess` that come from `sales`, for these categories: categories without mix_over and weeks, excluded_stores without
    the unchosen ones, and need_state_coverage with `has_unmapped`.

    Raises
    ------
    RawDataError : a category is called `(none)`
    DataError : sales are not conserved, which is a fault of this program
    """
    reserved = int((sales["category"] == NO_CATEGORY).sum())
    if reserved:
        raise RawDataError(
            f"a category is called {NO_CATEGORY}, which stands for stores without any; rename it in the internal sales"
        )
    sales = sales.sort_values(["category", "store_id", "need_state"], ignore_index=True)
    coverage = _coverage(sales, settings)
    dropping = {name for name in coverage["category"] if UNMAPPED_SALES[for_category(settings, name).unmapped].dropped}
    is_unmapped = sales["need_state"] == UNMAPPED
    published = sales[~(is_unmapped & sales["category"].isin(dropping))].reset_index(drop=True)
    _check_conserved(coverage, published)
    excluded = _excluded(sales, published, settings, keys(closed))
    by_need_state = shares.with_shares(published, excluded)
    return {
        "categories": _categories(sales, by_need_state, excluded),
        "need_state_coverage": coverage.assign(has_unmapped=coverage["category"].isin(sales["category"][is_unmapped])),
        "excluded_stores": excluded,
        "sales_by_need_state": by_need_state.drop(columns=[name for name in BLOCK_CENTS if name in by_need_state]),
        "sales_by_block": _by_block(published),
    }


def together(
    *,
    parts: Sequence[Mapping[str, pd.DataFrame]],
    unchosen_stores: pd.DataFrame,
    settings: InternalPreprocessing,
    key_spellings: pd.DataFrame | None = None,
    delivered_sales: pd.DataFrame | None = None,
    delivered_stores: pd.DataFrame | None = None,
    sales_weeks: pd.DataFrame | None = None,
    closed: Collection[str] = (),
    mix_over: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """The tables of `preprocess` that have no file per category.

    Parameters
    ----------
    parts : from `of_categories`, at least one, the categories in order; only their first three tables are used
    unchosen_stores to mix_over : as for `preprocess`

    Raises
    ------
    RawDataError : as for `preprocess`
    """
    categories, coverage, excluded = (
        pd.concat([part[name] for part in parts], ignore_index=True)
        for name in ("categories", "need_state_coverage", "excluded_stores")
    )
    _check_coverage(coverage, set(coverage["category"][coverage["has_unmapped"].astype(bool)]), settings)
    return {
        "categories": categories.assign(mix_over=", ".join(mix_over), **_weeks(sales_weeks)),
        "need_state_coverage": coverage.drop(columns="has_unmapped"),
        "excluded_stores": _with_unchosen(excluded, unchosen_stores, keys(closed)),
        **{
            name: empty(TABLES[name]) if table is None else table
            for name, table in (
                ("key_spellings", key_spellings),
                ("delivered_sales", delivered_sales),
                ("delivered_stores", delivered_stores),
            )
        },
    }


def _weeks(sales_weeks: pd.DataFrame | None) -> dict[str, Any]:
    """The weeks of the sales, the same for every category: as columns."""
    weeks = None if sales_weeks is None or sales_weeks.empty else sales_weeks.iloc[0]
    return {
        "first_week": None if weeks is None else str(weeks["first_week"]),
        "last_week": None if weeks is None else str(weeks["last_week"]),
        "weeks": pd.NA if weeks is None else int(weeks["weeks"]),
    }


def _by_block(published: pd.DataFrame) -> pd.DataFrame:
    """The published rows by block of weeks, sorted by store_id, category and need_state.

    Raises
    ------
    DataError : the blocks do not add up to the sales, which is a fault of this program
    """
    key = ["store_id", "category", "need_state"]
    if BLOCK_CENTS[0] not in published:
        return published[key].iloc[:0].assign(**dict.fromkeys(BLOCK_CENTS, np.int64(0)))
    if ((published[list(BLOCK_CENTS)].sum(axis=1) - published["sales_cents"]).abs() >= money.LEAST).any():
        raise DataError("the blocks of weeks do not add up to the sales; this is a fault: please report it")
    return published[[*key, *BLOCK_CENTS]].sort_values(key, ignore_index=True)


def _coverage(sales: pd.DataFrame, settings: InternalPreprocessing) -> pd.DataFrame:
    unmapped = sales["sales_cents"].where(sales["need_state"] == UNMAPPED, 0)
    by_category = [sales["category"]]
    totals = pd.DataFrame(
        {
            "sales_cents": money.totals(sales["sales_cents"], by_category),
            "unmapped_sales_cents": money.totals(unmapped, by_category),
        }
    ).reset_index()
    drops = [UNMAPPED_SALES[for_category(settings, name).unmapped].dropped for name in totals["category"]]
    totals["dropped_sales_cents"] = totals["unmapped_sales_cents"].where(drops, 0)
    net = totals["sales_cents"]
    share = (totals["unmapped_sales_cents"] / net.where(net > 0)).clip(0.0, 1.0)
    totals["unmapped_share"] = share.fillna((totals["unmapped_sales_cents"] != 0).astype("float64"))
    return totals


def _check_coverage(coverage: pd.DataFrame, with_unmapped: set[str], settings: InternalPreprocessing) -> None:
    forbidden, above = [], []
    every = max(int(coverage["sales_cents"].clip(lower=0).sum()), 1)
    for name, share, cents in zip(
        *(coverage[key] for key in ("category", "unmapped_share", "sales_cents")), strict=True
    ):
        if name == UNMAPPED:  # the SKUs whose category only the map could tell: their part of all sales
            share = max(cents, 0) / every
        own = for_category(settings, name)
        if UNMAPPED_SALES[own.unmapped].refused and name in with_unmapped:
            forbidden.append(f"{name} ({share:.1%})")
        elif share > own.max_unmapped_share:
            above.append(f"{name} ({share:.1%}, limit {own.max_unmapped_share:.1%})")
    faults = []
    if above:
        faults.append(f"unmapped sales above max_unmapped_share in {listed(above, _NAMED)}")
    if forbidden:
        faults.append(f'unmapped sales where unmapped = "error" in {listed(forbidden, _NAMED)}')
    if faults:
        raise RawDataError(
            f"{'; '.join(faults)}; add their SKUs to the need states, or change [internal.preprocessing] unmapped and "
            "max_unmapped_share, which can be set per category"
        )


def _check_conserved(coverage: pd.DataFrame, published: pd.DataFrame) -> None:
    remaining = money.totals(published["sales_cents"], [published["category"]]).reindex(
        coverage["category"], fill_value=0
    )
    lost = coverage["sales_cents"].to_numpy() - remaining.to_numpy() - coverage["dropped_sales_cents"].to_numpy()
    is_lost = abs(lost) >= money.LEAST
    if is_lost.any():
        names = listed(coverage["category"][is_lost], _NAMED)
        raise DataError(
            f"sales are not conserved in {names}: {abs(lost[is_lost]).sum()} cents; this is a fault: please report it"
        )


def _excluded(
    sales: pd.DataFrame, published: pd.DataFrame, settings: InternalPreprocessing, closed: Collection[str]
) -> pd.DataFrame:
    """The excluded pairs (store, category) of `sales`, with their reasons."""
    every = shares.per_store(sales)
    remaining = shares.per_store(published).reindex(every.index, fill_value=0)
    mapped = shares.per_store(published[published["need_state"] != UNMAPPED]).reindex(every.index, fill_value=0)
    limit_of = {name: for_category(settings, name).max_clipped_share for name in every.index.levels[0]}
    limits = every.index.get_level_values("category").map(limit_of).astype("float64")
    clip = remaining["clipped_cents"] / remaining["positive_cents"].where(remaining["positive_cents"] > 0)
    reasons = pd.Series("", index=every.index, dtype=object)
    above = (clip > limits).to_numpy()
    reasons[above] = [
        f"returns clip {_percent(share)} % of positive sales (limit {_percent(limit)} %)"
        for share, limit in zip(clip[above], limits[above], strict=True)
    ]
    reasons[(mapped["positive_cents"] == 0).to_numpy()] = "no positive sales of mapped SKUs"
    reasons[(every["positive_cents"] == 0).to_numpy()] = "no positive sales"
    reasons[every.index.get_level_values("store_id").isin(closed)] = CLOSED
    exclusions = reasons[reasons != ""].rename("reason").reset_index()
    exclusions["source"] = SOURCE
    return exclusions[["store_id", "category", "source", "reason"]]


def _percent(share: float) -> str:
    return f"{100 * share:.4g}" if share < 10 else f"{100 * share:.0f}"


def _with_unchosen(excluded: pd.DataFrame, unchosen: pd.DataFrame, closed: Collection[str]) -> pd.DataFrame:
    why = [CLOSED if store in closed else NOT_CHOSEN for store in unchosen["store_id"]]
    more = unchosen[["store_id"]].assign(category=NO_CATEGORY, source=SOURCE, reason=why).astype(object)
    return pd.concat([excluded.astype(object), more]).sort_values(["store_id", "category"], ignore_index=True)


def _categories(sales: pd.DataFrame, published: pd.DataFrame, excluded: pd.DataFrame) -> pd.DataFrame:
    categories = sales.groupby("category", sort=True)["store_id"].nunique().rename("stores").to_frame()
    categories["excluded_stores"] = excluded.groupby("category").size()
    mapped = published[published["need_state"] != UNMAPPED]
    categories["need_states"] = mapped.groupby("category")["need_state"].nunique()
    categories = categories.reindex(columns=["stores", "excluded_stores", "need_states"]).fillna(0).astype("int64")
    for name, cents in (
        ("sales_cents", published["sales_cents"]),
        ("clipped_sales_cents", -published["sales_cents"].clip(upper=0)),
    ):
        of_category = money.totals(cents, [published["category"]])
        categories[name] = of_category.reindex(categories.index, fill_value=0).astype(cents.dtype)
    return categories.reset_index()
