"""The planted tables, with canonical column names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.sample.inside import sales_and_need_states
from pipeline.sample.outside import external, further
from pipeline.sample.planted import NONE
from pipeline.sample.stores import Stores, stores
from pipeline.settings import SampleData

_STORES, _INSIDE, _OUTSIDE, _FURTHER = range(4)  # the streams of random numbers


def make(settings: SampleData) -> dict[str, pd.DataFrame]:
    """Plant sample data: four categories with 3, 4, 2 and 3 clusters of stores, and three clusters in the outside data.

    Also planted: outlier stores, two stores per side that only this side has, a store with almost only returns in one category,
    SKUs with two need states, unmapped SKUs, returns; and in the outside data a categorical feature, gaps, a near-duplicate, a
    constant and a skewed count. Below about 60 stores, the clusters are too small to be detected.

    Parameters
    ----------
    settings : how many stores, SKUs and weeks, and the seed; equal settings give equal tables

    Returns
    -------
    internal_sales : store_id, sku_id, category (all categorical), week (from 1), sales_value (currency, in whole cents)
    need_states : sku_id, category, need_state
    external : store_id, features, STORE_NAME, REGION
    truth : store_id, category, cluster; cluster -1 is an outlier store, category `(outside)` the outside data
    """
    drawn = _stores(settings)
    sales, need_states = sales_and_need_states(drawn, settings, _random(settings, _INSIDE))
    return {
        "internal_sales": sales,
        "need_states": need_states,
        "external": external(drawn, _random(settings, _OUTSIDE)),
        "truth": drawn.truth(),
    }


def make_further(settings: SampleData, position: int) -> pd.DataFrame:
    """The table of a further external source, at `position` from 1: store_id and one feature, DRIVE_TIME_<position>."""
    drawn = _stores(settings)
    has_data = drawn.outside != NONE
    minutes = further(drawn.outside[has_data], _random(settings, _FURTHER + position))
    return pd.DataFrame({"store_id": drawn.ids[has_data], f"DRIVE_TIME_{position}": minutes})


def _stores(settings: SampleData) -> Stores:
    return stores(settings.stores, _random(settings, _STORES))


def _random(settings: SampleData, stream: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, stream])
