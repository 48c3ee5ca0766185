"""The sales mix of stores in one category, as shares of the model's features."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pipeline.core.statistics.features import positive_sales
from pipeline.schema import RARE, UNMAPPED


class NewMixes(NamedTuple):
    """`shares`: store x the model's features; each row sums to 1. `totals` (by store): the sum of these sales, in cents.
    `unseen` (by store): the share of the mapped sales in need states that the model does not have, 0..1."""

    shares: pd.DataFrame
    totals: pd.Series[int]
    unseen: pd.Series[float]


def new_mixes(sales_by_need_state: pd.DataFrame, need_states: pd.DataFrame, features: list[str]) -> NewMixes:
    """The shares of the stores with sales in need states of the model.

    Sales in other need states say nothing about the clusters, whose stores have no such sales. They are left out of the
    shares, as for held-out stores. Where `(rare)` is a need state of the model, as in a mix over SKUs, they are part of it.

    Parameters
    ----------
    sales_by_need_state : the table of that name, of one category; excluded stores are left out
    need_states : model_need_states of the category
    features : the model's features of the category
    """
    mapped = positive_sales(sales_by_need_state).drop(columns=UNMAPPED, errors="ignore")
    part_of = dict(zip(need_states["need_state"], need_states["feature"], strict=True))
    if RARE in part_of:
        part_of = {state: part_of.get(state, part_of[RARE]) for state in mapped.columns}
    in_model = mapped[[state for state in mapped.columns if state in part_of]]
    totals = in_model.sum(axis=1)
    in_model, totals = in_model[totals > 0], totals[totals > 0]
    by_feature = in_model.T.groupby([part_of[state] for state in in_model.columns]).sum().T
    shares = by_feature.reindex(columns=features, fill_value=0).astype("float64").div(totals, axis=0)
    return NewMixes(shares, totals, 1.0 - totals / mapped.loc[totals.index].sum(axis=1))
