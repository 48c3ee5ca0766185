"""The content of the report for one category, as compact JSON.

Shares are whole percent and coordinates whole thousandths: a store takes about 24 bytes in each category, packed (`html.packed`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.report import outside, sections
from pipeline.report.clusters import Mix, mix
from pipeline.report.grids import flags, integer, integers, numbers, percent, percents
from pipeline.report.k_figures import figures_of_k
from pipeline.report.maps import placed
from pipeline.report.memberships import likely
from pipeline.report.sheets import of_sales_mix
from pipeline.report.source import Source
from pipeline.report.words import HOLDS, VERDICTS

_EXEMPLARS = 5
_JUDGED = (
    "store_id",
    "cluster",
    "distance",
    "confidence",
    "is_outlier",
    "is_held_out",
    "reassigned",
    "overridden",
)  # by which the stores of a cluster are judged


def content(source: Source, row: Any, positions: dict[str, int]) -> dict[str, Any]:
    """The content of a category.

    Parameters
    ----------
    source : where the tables are
    row : the category's row of the table `categories`
    positions : the position of each store in the list of all stores
    """
    name = str(row.category)
    rows = source.of_category("store_clusters", name)
    inside = source.of_category("internal_clusters", name)
    joined = rows.merge(of_sales_mix(inside), on="store_id", how="left")
    joined["confidence"] = joined["confidence"].mask(joined["overridden"].astype(bool))
    volumes = source.of_category("store_volumes", name)[["store_id", "sales_cents", "volume_tier"]]
    joined = joined.merge(volumes, on="store_id", how="left")
    judged = joined[list(_JUDGED)]
    merged = source.of_category("merged_clusters", name)
    numbers = [int(number) for number in merged["cluster"]]
    mixes = mix(source.part("sales_by_need_state", str(row.file)), rows, numbers)
    verdict = source.of_category("internal_verdicts", name)
    return {
        "name": name,
        **_verdict(verdict),
        "clusters": [
            _cluster(cluster, mixes, position, judged)
            for position, cluster in enumerate(merged.itertuples(index=False))
        ],
        "needs": mixes.need_states,
        "chain": [percent(share, 1) for share in mixes.chain],
        "share": [[percent(share, 1) for share in shares] for shares in mixes.share],
        "index": [[_whole(value) for value in mixes.index(position)] for position in range(len(numbers))],
        "k_figures": figures_of_k(source.of_category("internal_k_selection", name)),
        "stores": _stores(joined, positions),
        **placed(source.of_category("internal_features", name), list(joined["store_id"])),
        "explained": _explained(source.of_category("merged_profiles", name), mixes.need_states),
        "outside": outside.of_category(source, name, numbers),
        "likely": likely(source.of_category("internal_memberships", name), list(joined["store_id"])),
        "grids": [grid.plain() for grid in sections.of_category(source, name)],
    }


def _verdict(verdict: pd.DataFrame) -> dict[str, Any]:
    if verdict.empty:
        return {"verdict": "none", "says": VERDICTS["none"], "k": 0, "reason": "", "holds": "unknown", "axis": None}
    row = verdict.iloc[0]
    word, holds = str(row["verdict"]), str(row["holds"])
    says = " ".join(filter(None, (VERDICTS.get(word, ""), HOLDS.get(holds, ""))))
    axis = row["axis"] if isinstance(row["axis"], str) else None
    return {
        "verdict": word,
        "says": says,
        "k": int(row["k"]),
        "reason": str(row["reason"]),
        "holds": holds,
        "axis": axis,
    }


def _cluster(cluster: Any, mixes: Mix, position: int, joined: pd.DataFrame) -> dict[str, Any]:
    stores = joined[(joined["cluster"] == cluster.cluster).to_numpy()]
    overridden, outliers = _mask(stores["overridden"]), _mask(stores["is_outlier"])
    moved = _mask(stores["reassigned"]) | overridden
    typical = stores[~outliers & ~_mask(stores["is_held_out"]) & ~moved]
    # the rows are in the order of the stores, by which ties are broken
    nearest = np.argsort(typical["distance"].to_numpy(dtype="float64"), kind="stable")[:_EXEMPLARS]
    more, less = mixes.differences(position)
    return {
        "number": int(cluster.cluster),
        "name": str(getattr(cluster, "name", "")),
        "stores": int(cluster.stores),
        "internal": integer(cluster.internal_cluster),
        "external": integer(cluster.external_cluster),
        "note": str(cluster.note),
        "moved": int(cluster.reassigned_stores),
        "overridden": int(overridden.sum()),
        "sales": round(mixes.sales[position] / 100),
        "confidence": percent(stores["confidence"].mean()),
        "apart": percent(mixes.apart(position), 1),
        "outliers": int(outliers.sum()),
        "exemplars": typical["store_id"].iloc[nearest].tolist(),
        "more": more,
        "less": less,
    }


def _mask(values: pd.Series[Any]) -> NDArray[np.bool_]:
    return np.array(flags(values), dtype=np.bool_)


def _stores(joined: pd.DataFrame, positions: dict[str, int]) -> dict[str, list[Any]]:
    """One list per figure, in the order of the stores: how many positions after the store before, cluster, its two sides, size, next-nearest, percents, flags."""
    whole_cents = integers(joined["sales_cents"])
    positions_on_axis = numbers(joined["position"])
    return {
        "after": _steps([positions[store] for store in joined["store_id"].tolist()]),
        "cluster": integers(joined["cluster"]),
        "internal": integers(joined["internal_cluster"]),
        "external": integers(joined["external_cluster"]),
        "sales": [None if cents is None else round(cents / 100) for cents in whole_cents],
        "tier": integers(joined["volume_tier"]),
        "next": integers(joined["next_cluster"]),
        "confidence": percents(joined["confidence"]),
        "margin": percents(joined["margin"]),
        "position": [None if value is None else round(value, 2) for value in positions_on_axis],
        "silhouette": percents(joined["silhouette"]),
        "outlier": [int(value) for value in flags(joined["is_outlier"])],
        "held": [int(value) for value in flags(joined["is_held_out"])],
        "overridden": [int(value) for value in flags(joined["overridden"])],
        "moved": [int(value) for value in flags(joined["reassigned"])],
    }


def _steps(positions: list[int]) -> list[int]:
    """The difference of each to the one before; the first, to -1. They are nearly all 1, which packs well."""
    return [position - before for before, position in pairwise([-1, *positions])]


def _explained(profiles: pd.DataFrame, need_states: list[str]) -> list[float | int | None]:
    """For each need state, the percent of its variance over the stores that lies between the final clusters."""
    inside = profiles[profiles["side"] == "internal"].drop_duplicates("feature")
    shares = dict(zip(inside["feature"], inside["eta_squared"], strict=True))
    return [percent(shares.get(name)) for name in need_states]


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
