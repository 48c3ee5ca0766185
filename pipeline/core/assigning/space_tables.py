"""A space in the tables of the published model: written, and read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.assigning.classifier import Classifier
from pipeline.core.assigning.learning import Learnt, space_of
from pipeline.core.assigning.published import Clustering
from pipeline.core.assigning.spaces import INTERNAL, Space, number_or_none, place
from pipeline.core.clustering.densities import Mixtures
from pipeline.core.clustering.evidence import Seeing
from pipeline.core.clustering.positions import Along
from pipeline.core.clustering.search import MOST_FACTORS
from pipeline.core.internal.roots import Plane
from pipeline.core.statistics.features import Axes

Rows = defaultdict[str, list[tuple[Any, ...]]]
_SHARE = (None, None, None, None, "share")  # comes from no column of the outside data


class SpaceRow(NamedTuple):
    """A row of model_spaces, as in pipeline.schema; None for a missing value."""

    side: str
    category: str
    scaling: str | None
    median_sales: float | None
    noise: float
    tails: float
    axes: int
    position_shift: float | None
    position_width: float | None
    clusters: int
    stores: int
    max_distance: float
    replayed_share: float

    @property
    def along(self) -> Along | None:
        """How positions on the first axis are measured, if the clusters are its tiers."""
        if self.position_shift is None or self.position_width is None:
            return None
        return Along(self.position_shift, self.position_width)


def space_rows(model_spaces: pd.DataFrame) -> Iterator[SpaceRow]:
    """The rows of the table."""
    for row in model_spaces[list(SpaceRow._fields)].itertuples(index=False):
        yield SpaceRow(
            str(row.side),
            str(row.category),
            None if pd.isna(row.scaling) else str(row.scaling),
            number_or_none(float(row.median_sales)),
            float(row.noise),
            float(row.tails),
            int(row.axes),
            number_or_none(float(row.position_shift)),
            number_or_none(float(row.position_width)),
            int(row.clusters),
            int(row.stores),
            float(row.max_distance),
            float(row.replayed_share),
        )


def add_space(
    rows: Rows,
    key: tuple[str, str],
    of: Clustering,
    learnt: Learnt,
    origins: Mapping[str, tuple[Any, ...]],
    by_surroundings: Classifier | None = None,
) -> None:
    """Add the rows of a space to the model's tables.

    Parameters
    ----------
    rows : by table of the model
    key : side and category
    of, learnt : the clustering, and its space
    origins : by feature, see `origins_of`; a share has none
    by_surroundings : gives the clusters' intercepts, inside
    """
    names = [str(name) for name in of.values.columns]
    space = space_of(of, learnt)
    clusters = of.clusters.to_numpy()
    replayed = float((place(space, learnt.points).cluster == clusters)[of.fitted].mean())
    mixture, measure = space.mixture, learnt.measure
    shift, width = (None, None) if measure is None else measure
    rows["model_spaces"].append(
        SpaceRow(
            side=key[0],
            category=key[1],
            scaling=learnt.scaling,
            median_sales=learnt.median_sales,
            noise=float(mixture.noise[0]),
            tails=float(mixture.tails[0]),
            axes=mixture.loadings.shape[2],
            position_shift=shift,
            position_width=width,
            clusters=len(space.clusters),
            stores=int(of.fitted.sum()),
            max_distance=space.max_distance,
            replayed_share=replayed,
        )
    )
    rows["model_features"] += _feature_rows(key, names, learnt, space, origins)
    sizes = of.clusters.value_counts()
    intercepts = dict(zip(by_surroundings.clusters, by_surroundings.intercepts, strict=True)) if by_surroundings else {}
    proportions = (
        [None] * len(space.clusters) if measure is not None else [float(part) for part in mixture.proportions[0]]
    )
    borders = [None, *map(float, space.borders)] if measure is not None else [None] * len(space.clusters)
    for position, (cluster, proportion, border) in enumerate(zip(space.clusters, proportions, borders, strict=True)):
        rows["model_clusters"].append(
            (*key, int(cluster), int(sizes[cluster]), proportion, border, intercepts.get(cluster))
        )
        means = learnt.means[0 if measure is not None else position]
        rows["model_centroids"] += [
            (*key, int(cluster), name, float(value), number_or_none(mean))
            for name, value, mean in zip(names, space.centroids[position], means, strict=True)
        ]


def _feature_rows(
    key: tuple[str, str], names: list[str], learnt: Learnt, space: Space, origins: Mapping[str, tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Per feature: its origin, its scale, and its parameters in the mixture."""
    seeing, mixture = space.seeing, space.mixture
    variances, loadings = np.full(len(names), np.nan), np.full((len(names), MOST_FACTORS), np.nan)
    variances[seeing.numeric] = mixture.variances[0]
    loadings[seeing.numeric, : mixture.loadings.shape[2]] = mixture.loadings[0]
    axes = learnt.axes or Axes(np.full(len(names), np.nan), np.full(len(names), np.nan))
    base, gap_sales = np.full(len(names), np.nan), np.full(len(names), np.nan)
    together = np.zeros(len(names), dtype=bool)
    if learnt.plane is not None:
        base = learnt.plane.base.to_numpy(dtype=np.float64)
        gap_sales = learnt.plane.gap_sales.replace(np.inf, np.nan).to_numpy(dtype=np.float64)
        together = learnt.plane.lacked_together.to_numpy(dtype=bool)
    return [
        (
            *key,
            name,
            *origins.get(name, _SHARE),
            number_or_none(axes.shift[j]),
            number_or_none(axes.width[j]),
            float(seeing.weights[j]),
            number_or_none(base[j]),
            number_or_none(gap_sales[j]),
            bool(together[j]),
            j == seeing.pivot,
            number_or_none(variances[j]),
            *(number_or_none(loading) for loading in loadings[j]),
            int(seeing.flag[j]) or None,
            number_or_none(seeing.threshold[j]),
        )
        for j, name in enumerate(names)
    ]


def origins_of(external_feature_report: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """By feature: its raw column, level, other level, the fill value for missing values, and its kind."""
    report = external_feature_report.astype(object).where(external_feature_report.notna(), None)
    return {
        row["feature"]: (
            row["raw_column"],
            row["level"],
            row["other_level"],
            row["fill_value"],
            _kind(row),
        )
        for row in report.to_dict("records")
    }


def _kind(row: Mapping[Any, Any]) -> str:
    if row["level"] is not None:
        return "level"
    if row["fill_value"] is None:
        return "missing"
    return "log1p" if row["action"] == "transformed" else "number"


def published_spaces(model: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], Space]:
    """The spaces of a published model, by side and category.

    `model` has model_spaces, model_features, model_clusters and model_centroids, as in pipeline.schema.
    """
    key = ["side", "category"]
    features = dict(iter(model["model_features"].sort_values("feature").groupby(key)))
    clusters = dict(iter(model["model_clusters"].groupby(key)))
    centres = dict(iter(model["model_centroids"].groupby(key)))
    spaces = {}
    for row in space_rows(model["model_spaces"]):
        of = (row.side, row.category)
        own = features.get(of, model["model_features"].iloc[:0])
        spaces[of] = _space(row, own, clusters[of], centres.get(of, model["model_centroids"].iloc[:0]))
    return spaces


def _space(row: SpaceRow, own: pd.DataFrame, clusters: pd.DataFrame, centres: pd.DataFrame) -> Space:
    def numbers(name: str) -> NDArray[np.float64]:
        column: NDArray[np.float64] = own[name].to_numpy(dtype=np.float64)
        return column

    names = [str(name) for name in own["feature"]]
    clusters = clusters.sort_values(["from_position", "cluster"], na_position="first", ignore_index=True)
    in_tiers = bool(clusters["from_position"].notna().any())
    wide = {
        column: centres.pivot(index="cluster", columns="feature", values=column)
        .reindex(index=clusters["cluster"], columns=names)
        .to_numpy(dtype=np.float64)
        for column in ("value", "mean")
    }
    inside = row.side == INTERNAL
    base = numbers("base") if inside and names else None
    seeing = Seeing(
        weights=numbers("weight"),
        base=base,
        pivot=int(own["is_pivot"].to_numpy(dtype=bool).argmax()) if base is not None else None,
        numeric=own["variance"].notna().to_numpy(dtype=bool),
        flag=own["flag"].fillna(0).to_numpy(dtype=np.int64),
        threshold=numbers("threshold"),
    )
    return Space(
        features=names,
        axes=None if inside else Axes(numbers("shift"), numbers("width")),
        plane=None
        if base is None
        else Plane(
            pd.Series(base, index=names),
            own.set_index("feature")["gap_sales"].fillna(np.inf),
            own.set_index("feature")["is_lacked_together"].astype(bool),
        ),
        median_sales=row.median_sales or 0.0,
        weights=numbers("weight"),
        seeing=seeing,
        mixture=_mixture(row, own, clusters, wide["mean"], seeing, in_tiers),
        along=row.along,
        borders=clusters["from_position"].dropna().to_numpy(dtype=np.float64),
        clusters=clusters["cluster"].to_numpy(dtype=np.int64),
        centroids=wide["value"],
        max_distance=row.max_distance,
    )


def _mixture(
    row: SpaceRow,
    own: pd.DataFrame,
    clusters: pd.DataFrame,
    means: NDArray[np.float64],
    seeing: Seeing,
    in_tiers: bool,
) -> Mixtures:
    """The mixture from a space's tables; if clusters are tiers, all have the means of the single cluster."""
    components = means[:1] if in_tiers else means
    proportions = np.ones(1) if in_tiers else clusters["proportion"].to_numpy(dtype=np.float64)
    loadings = np.column_stack(
        [own[f"loading_{r + 1}"].to_numpy(dtype=np.float64) for r in range(row.axes)] or [np.empty((len(own), 0))]
    )
    return Mixtures(
        proportions[None],
        components[None][:, :, seeing.numeric],
        own["variance"].to_numpy(dtype=np.float64)[seeing.numeric][None],
        loadings[seeing.numeric][None],
        np.array([row.noise]),
        np.array([row.tails]),
        seeing.chances(components)[None],
        np.zeros(1),
    )
