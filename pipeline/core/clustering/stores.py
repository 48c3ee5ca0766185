"""Cluster stores: the one entry that both sides share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.between_runs.alignment import Reference, aligned, renumbered
from pipeline.core.clustering import bootstrap, outliers, rules, sampling
from pipeline.core.clustering.algorithms import algorithm
from pipeline.core.clustering.centroid_algorithms import Algorithm
from pipeline.core.clustering.keeping import as_before
from pipeline.core.clustering.null import NullTest, compare_with_nulls
from pipeline.core.clustering.placement import describe, number
from pipeline.core.clustering.trial import Trial, try_every_k
from pipeline.core.clustering.verdicts import NO_STRUCTURE, verdict
from pipeline.core.holding.halves import Halves
from pipeline.core.holding.on_halves import OnHalves, try_on_halves
from pipeline.core.named_stores import keys, to_fit
from pipeline.core.statistics.features import check_finite, value_order
from pipeline.settings import ClusteringSettings

_OUTLIERS, _RESAMPLES = 10, 11  # what a stream of random numbers is for; the algorithms and nulls use 0 to 3


@dataclass(frozen=True)
class Clustering:
    """The frames of a clustering; columns as in pipeline.schema, without the category.

    `clusters`: one row per store, sorted by store_id. `k_selection`: one row per k tried. `verdict`: one row. `memberships`: one row
    per store and cluster where the algorithm is `gmm`, else none. `on_halves`: what halves of the weeks say of every k. `passed_over`: the k
    that would be taken, were it not barred.
    """

    clusters: pd.DataFrame
    k_selection: pd.DataFrame
    verdict: pd.DataFrame
    memberships: pd.DataFrame
    on_halves: OnHalves
    passed_over: int | None = None


def cluster_stores(
    features: pd.DataFrame,
    settings: ClusteringSettings,
    left_out: Collection[str] = (),
    held_out: Collection[str] = (),
    reference: Reference | None = None,
    halves: Halves | None = None,
) -> Clustering:
    """Cluster stores on their features: outliers, k, fit, assignment of every store, verdict, numbers of the clusters.

    Parameters
    ----------
    features : one row per store (index: store_id, unique), one float column per feature; no order matters
    settings : how
    left_out : stores whose features say little: they are treated like outlier stores
    held_out : stores that people keep out of the fit: they change nothing in it, and are placed like outlier stores
    reference : the clusters whose numbers are kept (`alignment.aligned`), and whose k is, where another is hardly better
    halves : the stores' mixes in halves of the weeks; a k whose clusters do not hold there is not taken. None: nothing is known of weeks

    Returns
    -------
    The frames. Every store has a row, whatever the features are: stores that cannot be told apart form one cluster. No
    store at all gives no clusters, no k and the verdict `no structure` with k = 0.

    Raises
    ------
    DataError : a value is NaN or infinite; it names the feature.
    """
    check_finite(features)
    if not len(features):
        return _numbered(_nothing(), reference)
    by_name = features.sort_index().sort_index(axis=1)
    values = by_name.to_numpy(dtype=np.float64)
    order = value_order(values)
    stores = by_name.index.to_numpy()[order]
    shaping = to_fit(by_name.index[order], held_out)
    ordered = values[order][shaping]
    # Distances do not change with the origin, and about the mean the products that they are made of are smallest.
    matrix = np.ascontiguousarray(values[order] - ordered.mean(axis=0))
    matrix[:, ordered.max(axis=0) == ordered.min(axis=0)] = 0.0
    with threadpool_limits(1):
        fitted = shaping & ~np.isin(stores, list(left_out))
        if not fitted.any():
            fitted = shaping.copy()
        fitted[fitted] = ~_outliers(matrix[fitted], settings)
        k_before = 0 if reference is None else int(reference.clusters.nunique())
        found = _numbered(_cluster(matrix, stores, fitted, settings, k_before, halves), reference)
    return _with_held_out(found, held_out)


def _with_held_out(found: Clustering, held_out: Collection[str]) -> Clustering:
    """A store that is held out says so, and is no outlier for that."""
    is_held_out = found.clusters["store_id"].isin(keys(held_out)).to_numpy(dtype=bool)
    is_outlier = found.clusters["is_outlier"].to_numpy(dtype=bool) & ~is_held_out
    return replace(found, clusters=found.clusters.assign(is_outlier=is_outlier, is_held_out=is_held_out))


def _numbered(found: Clustering, reference: Reference | None) -> Clustering:
    """With the numbers of the reference."""
    numbers = aligned(found.clusters.set_index("store_id")["cluster"], reference)
    return replace(
        found,
        clusters=renumbered(found.clusters, numbers, ("cluster", "next_cluster")),
        verdict=found.verdict.assign(highest_number=numbers.highest),
        memberships=renumbered(found.memberships, numbers, ("cluster",)),
    )


def _outliers(matrix: NDArray[np.float64], settings: ClusteringSettings) -> NDArray[np.bool_]:
    smallest = rules.smallest_size(settings, len(matrix))
    return outliers.WAYS[settings.outliers](matrix, smallest, np.random.default_rng([settings.random_state, _OUTLIERS]))


def _cluster(
    matrix: NDArray[np.float64],
    stores: NDArray[np.object_],
    fitted: NDArray[np.bool_],
    settings: ClusteringSettings,
    k_before: int,
    halves: Halves | None,
) -> Clustering:
    fit = np.ascontiguousarray(matrix[fitted])
    n = len(fit)
    drawn = bootstrap.resample(n, settings.resamples, np.random.default_rng([settings.random_state, _RESAMPLES]))
    fits = algorithm(settings.algorithm, fit, drawn, settings.random_state)
    trials = try_every_k(fit, drawn, fits, settings)
    figures = [trial.figures for trial in trials]
    tried = try_on_halves(halves, stores[fitted], len(trials), fits.of_draws)
    taken = rules.take_unbarred(figures, settings, n, tried.barred)
    choice = as_before(figures, taken.choice, 0 if k_before in tried.barred else k_before, settings, n)
    chosen = trials[choice.k - 1]
    test = None
    if choice.k > 1:
        test = compare_with_nulls(fit, chosen.labels, choice.k, fits, settings.null_resamples, settings.random_state)
    kind, why = verdict(chosen.figures, test, settings)
    clusters, memberships = _clusters(matrix, stores, fitted, chosen, fits)
    return Clustering(
        clusters,
        _k_selection(figures, choice.k),
        _verdict(kind, choice.k, f"{choice.reason}; {why}{sampling.said(len(matrix))}", test),
        memberships,
        tried,
        taken.passed_over,
    )


def _clusters(
    matrix: NDArray[np.float64],
    stores: NDArray[np.object_],
    fitted: NDArray[np.bool_],
    chosen: Trial,
    fits: Algorithm,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The clusters of all stores, and how likely they are in each of them where the algorithm knows."""
    k = chosen.figures.k
    clusters = np.empty(len(matrix), dtype=np.int64)
    clusters[fitted] = chosen.labels
    clusters[~fitted] = fits.place(matrix[~fitted], k)
    place, centres = number(matrix, fitted, clusters, k)
    clusters = place[clusters]
    frame = pd.DataFrame(
        {
            "store_id": stores,
            "cluster": clusters + 1,
            **describe(matrix, clusters, centres),
            "confidence": bootstrap.confidence(clusters, chosen.refits.assign(matrix), k),
            "is_outlier": ~fitted,
        }
    )
    likely = fits.memberships(matrix, k)
    return frame.sort_values("store_id", ignore_index=True), _memberships(stores, place, likely)


def _memberships(
    stores: NDArray[np.object_], place: NDArray[np.int64], likely: NDArray[np.float64] | None
) -> pd.DataFrame:
    if likely is None:
        stores, likely = stores[:0], np.empty((0, len(place)))
    frame = pd.DataFrame(
        {
            "store_id": np.repeat(stores, len(place)),
            "cluster": np.tile(place + 1, len(stores)),
            "probability": likely.ravel(),
        }
    ).astype({"store_id": "str", "cluster": "int64", "probability": "float64"})
    return frame.sort_values(["store_id", "cluster"], ignore_index=True)


def _k_selection(figures: list[rules.KFigures], chosen: int) -> pd.DataFrame:
    frame = pd.DataFrame(figures, columns=list(rules.KFigures._fields))
    return frame.assign(chosen=frame["k"] == chosen)


def _verdict(kind: str, k: int, reason: str, test: NullTest | None) -> pd.DataFrame:
    found = pd.DataFrame({"verdict": [kind], "k": [k], "reason": [reason]})
    gaussian, flat = (None, None) if test is None else test
    return found.assign(p_gaussian=pd.Series([gaussian], dtype="float64"), p_flat=pd.Series([flat], dtype="float64"))


def _nothing() -> Clustering:
    columns = {
        "store_id": "str",
        "cluster": "int64",
        "distance": "float64",
        "next_cluster": "Int64",
        "margin": "float64",
        "silhouette": "float64",
        "confidence": "float64",
        "is_outlier": "bool",
        "is_held_out": "bool",
    }
    clusters = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    whole = ("k", "smallest_cluster")
    k_selection = pd.DataFrame(
        {name: pd.Series(dtype="int64" if name in whole else "float64") for name in rules.KFigures._fields}
    ).assign(chosen=pd.Series(dtype="bool"))
    memberships = _memberships(np.empty(0, dtype=object), np.empty(0, dtype=np.int64), None)
    return Clustering(
        clusters, k_selection, _verdict(NO_STRUCTURE, 0, "there is no store to cluster", None), memberships, OnHalves()
    )
