"""Everything that the report shows of one category, as compact JSON can hold it.

Shares and the like are whole percent, coordinates whole thousandths: a hundred categories have to stay below 10 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report import sections
from pipeline.report.clusters import Mix, mix
from pipeline.report.grids import integer
from pipeline.report.source import Source
from pipeline.report.words import VERDICTS

if TYPE_CHECKING:
    import pandas as pd

K_FIGURES = ("bic", "silhouette", "stability", "jaccard", "smallest_cluster")
_EXEMPLARS = 5


def content(source: Source, row: Any, positions: dict[str, int]) -> dict[str, Any]:
    """What there is to show of a category.

    Parameters
    ----------
    source : where the tables are
    row : the category's row of the table `categories`
    positions : position by store in the list of all stores
    """
    name = str(row.category)
    placed = source.of_category("store_clusters", name)
    inside = source.of_category("internal_clusters", name)
    joined = placed.merge(inside.drop(columns=["category", "distance", "cluster"]), on="store_id", how="left")
    merged = source.of_category("merged_clusters", name)
    numbers = [int(number) for number in merged["cluster"]]
    found = mix(source.part("sales_by_need_state", str(row.file)), placed, numbers)
    verdict = source.of_category("internal_verdicts", name)
    k_figures = source.of_category("internal_k_selection", name)
    return {
        "name": name,
        **_verdict(verdict),
        "clusters": [
            _cluster(cluster, found, position, joined)
            for position, cluster in enumerate(merged.itertuples(index=False))
        ],
        "needs": found.need_states,
        "chain": [percent(share, 1) for share in found.chain],
        "share": [[percent(share, 1) for share in shares] for shares in found.share],
        "index": [[_whole(value) for value in found.index(position)] for position in range(len(numbers))],
        "k_figures": {figure: _rounded(k_figures[figure]) for figure in ("k", *K_FIGURES)},
        "chosen": [int(k) for k in k_figures.loc[k_figures["chosen"].astype(bool), "k"]],
        "stores": _stores(joined, positions),
        **_map(source.of_category("internal_features", name), joined),
        "grids": [grid.plain() for grid in sections.of_category(source, name)],
    }


def _verdict(verdict: pd.DataFrame) -> dict[str, Any]:
    if verdict.empty:
        return {"verdict": "none", "says": VERDICTS["none"], "k": 0, "reason": ""}
    row = verdict.iloc[0]
    word = str(row["verdict"])
    return {"verdict": word, "says": VERDICTS.get(word, ""), "k": int(row["k"]), "reason": str(row["reason"])}


def _cluster(cluster: Any, found: Mix, position: int, joined: pd.DataFrame) -> dict[str, Any]:
    stores = joined[joined["cluster"] == cluster.cluster]
    moved = stores["reassigned"].astype(bool) | stores["overridden"].astype(bool)
    typical = stores[~stores["is_outlier"].eq(True) & ~stores["is_held_out"].eq(True) & ~moved]
    typical = typical.sort_values(["distance", "store_id"]).head(_EXEMPLARS)
    more, less = found.differences(position)
    return {
        "number": int(cluster.cluster),
        "name": str(getattr(cluster, "name", "")),
        "stores": int(cluster.stores),
        "internal": integer(cluster.internal_cluster),
        "external": integer(cluster.external_cluster),
        "note": str(cluster.note),
        "moved": int(cluster.reassigned_stores),
        "sales": round(found.sales[position] / 100),
        "confidence": percent(stores["confidence"].mean()),
        "apart": percent(found.apart(position), 1),
        "outliers": int(stores["is_outlier"].eq(True).sum()),
        "exemplars": [str(store) for store in typical["store_id"]],
        "more": more,
        "less": less,
    }


def _stores(joined: pd.DataFrame, positions: dict[str, int]) -> dict[str, list[Any]]:
    """A list per figure, in the order of the stores: position, cluster, its two sides, next-nearest, percents, flags."""
    return {
        "at": [positions[store] for store in joined["store_id"]],
        "cluster": [int(number) for number in joined["cluster"]],
        "internal": [integer(number) for number in joined["internal_cluster"]],
        "external": [integer(number) for number in joined["external_cluster"]],
        "next": [integer(number) for number in joined["next_cluster"]],
        "confidence": [percent(value) for value in joined["confidence"]],
        "margin": [percent(value) for value in joined["margin"]],
        "silhouette": [percent(value) for value in joined["silhouette"]],
        "outlier": [int(value is True or value == 1) for value in joined["is_outlier"]],
        "held": [int(value is True or value == 1) for value in joined["is_held_out"]],
        "overridden": [int(value) for value in joined["overridden"]],
        "moved": [int(value) for value in joined["reassigned"]],
    }


def _map(features: pd.DataFrame, joined: pd.DataFrame) -> dict[str, Any]:
    """Where each store is on the plane that shows most of the features' variance; None for one without features."""
    import numpy as np

    from pipeline.core.projection import two_components

    wide = features.pivot(index="store_id", columns="feature", values="value").sort_index(axis=0).sort_index(axis=1)
    coordinates, held = two_components(wide.to_numpy(dtype=np.float64))
    widest = float(np.abs(coordinates).max()) if coordinates.size else 0.0
    scaled = np.rint(coordinates * (1000 / widest) if widest else coordinates).astype(int)
    at = {str(store): (int(x), int(y)) for store, (x, y) in zip(wide.index, scaled, strict=True)}
    points = [at.get(store) for store in joined["store_id"]]
    return {
        "x": [point[0] if point else None for point in points],
        "y": [point[1] if point else None for point in points],
        "held": [percent(share) for share in held],
    }


def percent(value: Any, digits: int = 0) -> float | int | None:
    """A share in percent, None where there is none; a whole number without `digits`."""
    import pandas as pd

    if pd.isna(value):
        return None
    rounded = round(100 * float(value), digits)
    return rounded if digits else int(rounded)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(column: pd.Series[Any]) -> list[float | int | None]:
    import pandas as pd

    return [None if pd.isna(value) else float(f"{float(value):.4g}") for value in column]
