"""The sales mix of stores in one category, as the shares that the model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.core.features import RARE, positive_sales
from pipeline.schema import UNMAPPED

if TYPE_CHECKING:
    import pandas as pd


class NewMixes(NamedTuple):
    """`shares`: store x the model's features, of the mapped sales. `unseen` (by store): the share of the mapped sales that is in
    none of them, so that a store's shares and this sum to 1. `totals` (by store): the mapped sales, in cents."""

    shares: pd.DataFrame
    totals: pd.Series[int]
    unseen: pd.Series[float]


def new_mixes(sales_by_need_state: pd.DataFrame, need_states: pd.DataFrame, features: list[str]) -> NewMixes:
    """The shares of the stores that sold something mapped.

    A need state that the model does not list counts as a rare one, where it has the feature `(rare)`; where it has not, it is
    in no feature.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of one category; excluded stores are left out
    need_states : model_need_states of the category
    features : the model's features of the category
    """
    sales = positive_sales(sales_by_need_state).drop(columns=UNMAPPED, errors="ignore")
    totals = sales.sum(axis=1)
    sales, totals = sales[totals > 0], totals[totals > 0]
    part_of = dict(zip(need_states["need_state"], need_states["feature"], strict=True))
    by_feature = sales.T.groupby([part_of.get(state, RARE) for state in sales.columns]).sum().T
    shares = by_feature.reindex(columns=features, fill_value=0).astype("float64").div(totals, axis=0)
    listed = by_feature[[name for name in by_feature.columns if name in set(features)]].sum(axis=1)
    return NewMixes(shares, totals, 1.0 - listed / totals)
