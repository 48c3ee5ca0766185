"""Cluster stores: the entry point of both sides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.core.between_runs.alignment import Reference, aligned, renumbered
from pipeline.core.clustering import bootstrap, outliers, positions, refits, rules, sampling
from pipeline.core.clustering.choosing import Choice, Chooser
from pipeline.core.clustering.densities import Stores, certainty, posteriors
from pipeline.core.clustering.evidence import Roots, View, thinness
from pipeline.core.clustering.figures import centroids
from pipeline.core.clustering.k_figures import KFigures, k_figures
from pipeline.core.clustering.kmeans import kmeans, of_draws
from pipeline.core.clustering.mixture_table import mixture_table, no_mixture
from pipeline.core.clustering.null import NullTest, compare_with_nulls
from pipeline.core.clustering.outcomes import outcome
from pipeline.core.clustering.placement import describe, number
from pipeline.core.clustering.search import FACTORS_OF_A_MIX, begun_from, polished, search
from pipeline.core.clustering.verdicts import NO_STRUCTURE, verdict
from pipeline.core.holding.halves import Halves
from pipeline.core.holding.on_halves import OnHalves, try_on_halves
from pipeline.core.statistics.features import check_finite, value_order
from pipeline.core.statistics.named_stores import keys, to_fit
from pipeline.settings import ClusteringSettings

_OUTLIERS, _RESAMPLES = 10, 11  # what a stream of random numbers is for; others use 0 to 3, 20 and 21


class Mix(NamedTuple):
    """More data of stores with features that are roots of shares on a plane: see `evidence.Roots`.

    `base` by feature, `counted` store x feature, `volumes` by store; the same stores and features as in the features.
    """

    base: pd.Series[float]
    counted: pd.DataFrame
    volumes: pd.Series[float]


@dataclass(frozen=True)
class Clustering:
    """The frames of a clustering; columns as in pipeline.schema, without the category.

    `mixture`: a row per parameter of the mixture that was taken (`mixture_table`).

    `clusters`: one row per store, sorted by store_id. `k_selection`: one row per k tried. `verdict`: one row. `memberships`: one row
    per store and cluster, if there are two or more clusters. `on_halves`: the results on halves of the weeks, for every k. `passed_over`:
    the better k that was barred, if any.
    """

    clusters: pd.DataFrame
    k_selection: pd.DataFrame
    verdict: pd.DataFrame
    memberships: pd.DataFrame
    mixture: pd.DataFrame
    on_halves: OnHalves
    passed_over: int | None = None


class _Data(NamedTuple):
    """All stores in the order of their values: ids, centred features for distances (n, d), the mixture's input, and which stores are fitted.

    `features`: the names (d,), in order."""

    ids: NDArray[np.object_]
    features: list[str]
    matrix: NDArray[np.float64]
    view: View
    seen: Stores
    fitted: NDArray[np.bool_]


def cluster_stores(
    features: pd.DataFrame,
    settings: ClusteringSettings,
    left_out: Collection[str] = (),
    held_out: Collection[str] = (),
    reference: Reference | None = None,
    halves: Halves | None = None,
    *,
    weights: pd.Series[float] | None = None,
    mix: Mix | None = None,
    most_factors: int = FACTORS_OF_A_MIX,
) -> Clustering:
    """Cluster stores on their features: outliers, k, fit, assignment of every store, verdict, numbers of the clusters.

    Parameters
    ----------
    features : one row per store (index: store_id, unique), one float column per feature; no order matters
    settings : of the clustering
    left_out : stores with features that say little: they are treated like outlier stores
    held_out : stores that users keep out of the fit: they do not change it, and are placed like outlier stores
    reference : the clusters that give the numbers (`alignment.aligned`), a start of the fits, and k unless another k is clearly better
    halves : the stores' mixes in halves of the weeks; a k is refused if its clusters do not hold there. None without weeks
    weights : by feature; None: all weights are 1
    mix : more data if the features are roots of shares; None if they are not
    most_factors : the largest number of common factors of a mixture

    Returns
    -------
    The frames. Every store has a row, whatever the features are: identical stores form one cluster. Without stores
    there are no clusters, no k, and the verdict `no structure` with k = 0.

    Raises
    ------
    DataError : a value is NaN or infinite; it names the feature.
    """
    check_finite(features)
    if not len(features):
        return _numbered(_nothing(), reference)
    with threadpool_limits(1):
        data = _data(features, settings, left_out, held_out, weights, mix)
        clustering = _numbered(_cluster(data, settings, reference, halves, most_factors), reference)
    return _with_held_out(clustering, held_out)


def _data(
    features: pd.DataFrame,
    settings: ClusteringSettings,
    left_out: Collection[str],
    held_out: Collection[str],
    weights: pd.Series[float] | None,
    mix: Mix | None,
) -> _Data:
    by_name = features.sort_index().sort_index(axis=1)
    values = by_name.to_numpy(dtype=np.float64)
    order = value_order(values)
    ids = by_name.index.to_numpy()[order]
    values = values[order]
    counted = (
        np.ones(values.shape[1]) if weights is None else weights.reindex(by_name.columns).to_numpy(dtype=np.float64)
    )
    shaping = to_fit(by_name.index[order], held_out)
    roots, volumes = None, np.zeros(len(ids))
    if mix is not None and len(mix.base):
        of_values = mix.counted.reindex(index=ids, columns=by_name.columns).to_numpy(dtype=np.float64)
        roots = Roots(mix.base.reindex(by_name.columns).to_numpy(dtype=np.float64), of_values)
    if mix is not None:
        volumes = mix.volumes.reindex(ids).to_numpy(dtype=np.float64)
    # Distances do not change with the origin, and about the mean the products that they are made of are smallest.
    matrix = np.ascontiguousarray(values - values[shaping].mean(axis=0)) * np.sqrt(counted)
    matrix[:, values[shaping].max(axis=0) == values[shaping].min(axis=0)] = 0.0
    fitted = shaping & ~np.isin(ids, list(left_out))
    if not fitted.any():
        fitted = shaping.copy()
    fitted[fitted] = ~_outliers(matrix[fitted], settings)
    view = View(values, counted, roots, fitted)
    thin = thinness(volumes, float(np.median(volumes[fitted])))
    names = [str(name) for name in by_name.columns]
    return _Data(ids, names, matrix, view, view.of(values, roots, thin), fitted)


def _with_held_out(clustering: Clustering, held_out: Collection[str]) -> Clustering:
    """Mark held-out stores; they are not outliers."""
    is_held_out = clustering.clusters["store_id"].isin(keys(held_out)).to_numpy(dtype=bool)
    is_outlier = clustering.clusters["is_outlier"].to_numpy(dtype=bool) & ~is_held_out
    return replace(clustering, clusters=clustering.clusters.assign(is_outlier=is_outlier, is_held_out=is_held_out))


def _numbered(clustering: Clustering, reference: Reference | None) -> Clustering:
    """The clustering with the numbers of the reference."""
    numbers = aligned(clustering.clusters.set_index("store_id")["cluster"], reference)
    return replace(
        clustering,
        clusters=renumbered(clustering.clusters, numbers, ("cluster", "next_cluster")),
        verdict=clustering.verdict.assign(highest_number=numbers.highest),
        memberships=renumbered(clustering.memberships, numbers, ("cluster",)),
        mixture=renumbered(clustering.mixture, numbers, ("cluster",)),
    )


def _outliers(matrix: NDArray[np.float64], settings: ClusteringSettings) -> NDArray[np.bool_]:
    smallest = rules.smallest_size(settings, len(matrix))
    return outliers.WAYS[settings.outliers](matrix, smallest, np.random.default_rng([settings.random_state, _OUTLIERS]))


class _Result(NamedTuple):
    """For all stores: the clusters (n,), from 0; the probabilities of the clusters (n, k; None if clusters are tiers of an axis); the
    confidence in each store's cluster (n,), NaN where there is one; and the position on the first axis (n,), NaN without an axis."""

    clusters: NDArray[np.int64]
    likely: NDArray[np.float64] | None
    confidence: NDArray[np.float64]
    position: NDArray[np.float64]


def _cluster(
    data: _Data,
    settings: ClusteringSettings,
    reference: Reference | None,
    halves: Halves | None,
    most_factors: int,
) -> Clustering:
    stores, fit = data.seen.taken(data.fitted), np.ascontiguousarray(data.matrix[data.fitted])
    n, seed = len(fit), settings.random_state
    drawn = bootstrap.resample(n, settings.resamples, np.random.default_rng([seed, _RESAMPLES]))
    k_max = _most(data, settings)
    before = _clusters_before(data.ids[data.fitted], reference)
    k_before = 0 if before is None else before.shape[1]
    fits = search(
        stores,
        data.view.groups,
        k_max,
        min(settings.k or max(k_before, 1), k_max),
        rules.smallest_size(settings, n),
        seed,
        most_factors,
    )
    if before is not None and 1 < k_before <= max(each.k for each in fits):
        fits = begun_from(stores, data.view.groups, fits, before)
    by_factors = {each.q: each for each in fits if each.k == 1}
    chooser = Chooser(fits, lambda each: refits.refit(stores, each, by_factors[each.q], drawn, seed), settings, n)
    largest = max(each.k for each in fits)
    tried = try_on_halves(halves, _clusters_by_k(chooser, data, largest), partial(of_draws, seed=seed))
    choice = chooser.take(k_before, tried.barred)
    choice = choice._replace(fit=polished(stores, data.view.groups, choice.fit))
    k, axes = choice.fit.k, choice.fit.q
    test = _tested(data, choice, settings) if k > 1 else None
    result = _result(data, choice)
    cut, note = None, ""
    if k == 1 and axes and settings.axis_tiers is not None:
        result, cut, note = _in_tiers(data, choice, settings)
    kind, why = verdict(k, axes, test, cut)
    clusters, memberships, ordered = _tables(data, result)
    mixture = mixture_table(data.view, choice.fit.mixture, data.features, ordered if k > 1 else None)
    verdicts = _verdict(kind, cut or k, f"{choice.reason}; {why}{note}{sampling.remark(len(data.ids))}", test, axes)
    figures = k_figures(fit, chooser, largest)
    outcomes = [outcome(chooser, choice, k_tried, tried.barred) for k_tried in range(1, largest + 1)]
    k_selection = _k_selection(figures, k).assign(outcome=outcomes)
    return Clustering(clusters, k_selection, verdicts, memberships, mixture, tried, choice.passed_over)


def _clusters_by_k(chooser: Chooser, data: _Data, largest: int) -> dict[int, pd.Series[int]]:
    """Of each k from 1, the clusters by which k is judged, by id of the fitted store."""
    fits = [chooser.of_k(k) or chooser.any_of_k(k) for k in range(1, largest + 1)]
    return {fit.k: pd.Series(fit.labels, index=data.ids[data.fitted]) for fit in fits}


def _clusters_before(ids: NDArray[np.object_], reference: Reference | None) -> NDArray[np.float64] | None:
    """The memberships (n, k) of the stores in the reference's clusters; a store without one is in all of them alike. None without a reference."""
    if reference is None:
        return None
    numbers = np.unique(reference.clusters.to_numpy())
    own = reference.clusters.reindex(ids).to_numpy(dtype=np.float64, na_value=np.nan)
    members: NDArray[np.float64] = (own[:, None] == numbers).astype(np.float64)
    members[np.isnan(own)] = 1.0 / len(numbers)
    return members


def _most(data: _Data, settings: ClusteringSettings) -> int:
    """The largest k to try: by the settings, at most the number of distinct stores."""
    stores = data.seen.taken(data.fitted)
    distinct = len(np.unique(np.column_stack([stores.firsts, stores.levels]), axis=0)) if stores.width else 1
    return min(max(rules.largest_k(settings, len(stores.numbers)), settings.k or 1), distinct)


def _result(data: _Data, choice: Choice) -> _Result:
    mixture = choice.fit.mixture
    likely = posteriors(data.seen, mixture)[0]
    clusters = likely.argmax(axis=1)
    clusters[data.fitted] = choice.fit.labels
    sure = np.full(len(clusters), np.nan)  # of one cluster there is nothing to be sure of
    if choice.refits is not None:
        again = refits.memberships(data.seen, choice.refits.mixtures, likely)
        sure = again[np.arange(len(clusters)), clusters]
    at = np.full(len(clusters), np.nan)
    if choice.fit.q:
        at = positions.positions(data.seen, mixture, positions.along(data.seen.taken(data.fitted), mixture)).at
    return _Result(clusters, likely, sure, at)


def _in_tiers(data: _Data, choice: Choice, settings: ClusteringSettings) -> tuple[_Result, int | None, str]:
    """The single cluster, cut along its axis into the requested number of tiers, or as many as are large enough."""
    n = int(data.fitted.sum())
    tiers = min(settings.axis_tiers or 1, n // rules.smallest_size(settings, n))
    measure = positions.along(data.seen.taken(data.fitted), choice.fit.mixture)
    along = positions.positions(data.seen, choice.fit.mixture, measure)
    if tiers < 2:
        return (
            _Result(np.zeros(len(data.ids), dtype=np.int64), None, np.full(len(data.ids), np.nan), along.at),
            None,
            f"; axis_tiers = {settings.axis_tiers} is set, but the stores are too few for two tiers",
        )
    cut = positions.cut(along.at, data.fitted, tiers)
    fewer = f"; {settings.axis_tiers} are set, and {tiers} can be large enough" if tiers != settings.axis_tiers else ""
    return _Result(cut.labels, None, positions.sure(along, cut), along.at), tiers, fewer


def _tested(data: _Data, choice: Choice, settings: ClusteringSettings) -> NullTest:
    """Test the clusters against both nulls, in a space where they are round, with every store's noise and gaps.

    K-means clusters the draws in this space, so it also clusters the stores there: both sides of the comparison use one method.
    """
    stores, mixture = data.seen.taken(data.fitted), choice.fit.mixture
    matrix = np.ascontiguousarray(data.view.whitened(stores, mixture))
    matrix = matrix - matrix.mean(axis=0)
    widths = 1.0 / np.sqrt(certainty(stores, mixture.noise))[0]
    counted = np.ones_like(stores.numbers) if stores.counted is None else np.sqrt(stores.counted)
    pattern = np.column_stack([counted * widths[:, None], np.ones((len(matrix), stores.levels.shape[1]))])
    k, everyone = choice.fit.k, np.ones((1, len(matrix)))
    labels = kmeans(matrix, everyone, centroids(matrix, choice.fit.labels, k)[None]).labels[0]
    if not np.bincount(labels, minlength=k).all():  # stores that rounding alone tells apart
        labels = choice.fit.labels
    return compare_with_nulls(matrix, labels, k, settings.null_resamples, settings.random_state, pattern)


def _tables(data: _Data, result: _Result) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.int64]]:
    """The clusters of all stores, the probability of each cluster, and the number of each cluster."""
    k = int(result.clusters.max()) + 1
    numbers, centres = number(data.matrix, data.fitted, result.clusters, k)
    clusters = numbers[result.clusters]
    frame = pd.DataFrame(
        {
            "store_id": data.ids,
            "cluster": clusters + 1,
            **describe(data.matrix, clusters, centres),
            "confidence": result.confidence,
            "position": result.position,
            "is_outlier": ~data.fitted,
        }
    )
    likely = result.likely if k > 1 else None
    return frame.sort_values("store_id", ignore_index=True), _memberships(data.ids, numbers, likely), numbers + 1


def _memberships(
    stores: NDArray[np.object_], numbers: NDArray[np.int64], likely: NDArray[np.float64] | None
) -> pd.DataFrame:
    if likely is None:
        stores, likely = stores[:0], np.empty((0, len(numbers)))
    frame = pd.DataFrame(
        {
            "store_id": np.repeat(stores, len(numbers)),
            "cluster": np.tile(numbers + 1, len(stores)),
            "probability": likely.ravel(),
        }
    ).astype({"store_id": "str", "cluster": "int64", "probability": "float64"})
    return frame.sort_values(["store_id", "cluster"], ignore_index=True)


def _k_selection(figures: list[KFigures], chosen: int) -> pd.DataFrame:
    frame = pd.DataFrame(figures, columns=list(KFigures._fields))
    return frame.assign(chosen=frame["k"] == chosen)


def _verdict(kind: str, k: int, reason: str, test: NullTest | None, axes: int) -> pd.DataFrame:
    verdict = pd.DataFrame({"verdict": [kind], "k": [k], "axes": [axes], "reason": [reason]})
    gaussian, flat = (None, None) if test is None else test
    return verdict.assign(p_gaussian=pd.Series([gaussian], dtype="float64"), p_flat=pd.Series([flat], dtype="float64"))


def _nothing() -> Clustering:
    columns = {
        "store_id": "str",
        "cluster": "int64",
        "distance": "float64",
        "next_cluster": "Int64",
        "margin": "float64",
        "silhouette": "float64",
        "confidence": "float64",
        "position": "float64",
        "is_outlier": "bool",
        "is_held_out": "bool",
    }
    clusters = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    whole = ("k", "axes", "smallest_cluster")
    k_selection = pd.DataFrame(
        {name: pd.Series(dtype="int64" if name in whole else "float64") for name in KFigures._fields}
    ).assign(chosen=pd.Series(dtype="bool"), outcome=pd.Series(dtype="str"))
    memberships = _memberships(np.empty(0, dtype=object), np.empty(0, dtype=np.int64), None)
    verdicts = _verdict(NO_STRUCTURE, 0, "there is no store to cluster", None, 0)
    return Clustering(clusters, k_selection, verdicts, memberships, no_mixture(), OnHalves())
