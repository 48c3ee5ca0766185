"""Place new stores into the existing clusters: by mix, by surroundings, or by the rule in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.assigning.category import CategoryModel, Given, Outside
from pipeline.core.assigning.space_tables import published_spaces
from pipeline.core.assigning.spaces import EXTERNAL, INTERNAL, Space, number_or_none, of_surroundings, place
from pipeline.core.assigning.surroundings import Surroundings, surroundings
from pipeline.core.frames import frame
from pipeline.errors import SettingsError
from pipeline.schema import ALL_CATEGORIES, NO_CLUSTER
from pipeline.schema.assigning import ASSIGNMENTS
from pipeline.settings import Assign
from pipeline.settings.keys import normal
from pipeline.settings.per_category import for_category
from pipeline.wording import first_of


def assign(
    *,
    model: Mapping[str, pd.DataFrame],
    store_clusters: pd.DataFrame,
    sales_by_need_state: pd.DataFrame,
    excluded_stores: pd.DataFrame,
    features: pd.DataFrame | None,
    settings: Assign,
) -> pd.DataFrame:
    """Place stores into the clusters of every category of the model; nothing is fitted.

    A store is placed by its mix, in the likeliest cluster, if its sales reach the category's min_sales_value
    and it is not excluded from the category. Else the classifier places it by its surroundings, if it has outside data and
    the category uses it. Else the rule in the settings decides. Its final cluster is that of most stores with the same
    internal and external cluster; if no store has both, that of most stores with the same internal cluster.

    Parameters
    ----------
    model : the tables of `model.MODEL`
    store_clusters : the final clusters from which the model was made
    sales_by_need_state, excluded_stores : the new stores' tables from internal preprocessing; may be empty
    features : the new stores' outside data: store_id and the raw columns; None if there is none
    settings : `[assign]`

    Returns
    -------
    One row per store of either input and category of the model, as in `schema.assigning.ASSIGNMENTS`. Empty without stores.

    Raises
    ------
    SettingsError : `like_stores` names a store that is not in the clusters
    RawDataError : the outside data does not have the form of the model's outside data
    """
    spaces = published_spaces(model)
    offered = None if features is None or (EXTERNAL, ALL_CATEGORIES) not in spaces else features
    outside = None if offered is None else _outside(offered, model["model_features"], spaces[EXTERNAL, ALL_CATEGORIES])
    stores = {str(store) for store in sales_by_need_state["store_id"]}
    stores |= {str(store) for store in excluded_stores["store_id"]}
    stores |= set() if features is None else {str(store) for store in features["store_id"]}
    like = _like_stores(settings, {str(store) for store in store_clusters["store_id"]})
    rows: list[tuple[Any, ...]] = []
    for category in sorted(str(name) for name in model["model_categories"]["category"]):
        of = CategoryModel(
            category, model, spaces[INTERNAL, category], store_clusters, for_category(settings, category), like
        )
        sales = sales_by_need_state[sales_by_need_state["category"] == category]
        reasons = excluded_stores[excluded_stores["category"] == category]
        sold = {str(store): int(cents) for store, cents in sales.groupby("store_id")["sales_cents"].sum().items()}
        by_mix, without = of.by_mix(sales, dict(zip(reasons["store_id"], reasons["reason"], strict=True)), sold)
        for store in sorted(stores):
            given = by_mix.get(store) or of.otherwise(store, without.get(store, "no sales in the category"), outside)
            rows.append(_row(store, category, given, outside, sold.get(store, 0), of))
    return frame(ASSIGNMENTS, rows)


def _outside(offered: pd.DataFrame, model_features: pd.DataFrame, space: Space) -> Outside:
    around: Surroundings = surroundings(offered, model_features[model_features["side"] == EXTERNAL])
    points = of_surroundings(space, around.features)
    rows = {str(store): row for row, store in enumerate(around.features.index)}
    weighted = points.values * np.sqrt(space.weights)
    return Outside(rows, weighted, place(space, points), space.features, around.notes)


def _like_stores(settings: Assign, clustered: set[str]) -> dict[str, str]:
    like = {normal(new): normal(old) for new, old in settings.like_stores.items()}
    strangers = sorted(set(like.values()) - clustered)
    if strangers:
        raise SettingsError(
            f"[assign] like_stores: {first_of([repr(name) for name in strangers])} is not a store of the "
            "clusters; name stores that have a cluster"
        )
    return like


def _row(
    store: str, category: str, given: Given, outside: Outside | None, cents: int, of: CategoryModel
) -> tuple[Any, ...]:
    where = outside.rows.get(store) if outside else None
    external: int | None = None
    around: tuple[Any, ...] = (None, None, None)
    words = [given.why]
    if outside is not None and where is not None:
        placed = outside.placed
        external = int(placed.cluster[where])
        around = (float(placed.distance[where]), number_or_none(placed.margin[where]), bool(placed.too_far[where]))
        if outside.notes[store]:
            words.append(f"of its surroundings, {outside.notes[store]}")
    cluster = given.final
    if cluster is None:
        cluster, reason = of.final(given.cluster, NO_CLUSTER if external is None else external)
        words.append(reason)
    return (
        store,
        category,
        cluster,
        given.cluster,
        external,
        given.method,
        given.distance,
        given.margin,
        given.probability,
        given.too_far,
        *around,
        cents,
        of.published[store][1] if store in of.published else None,
        "; ".join(words),
    )
