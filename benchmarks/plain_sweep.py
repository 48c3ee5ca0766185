"""python -m benchmarks.plain_sweep WAY N D SEED: k = 2 to 10 with all figures of `*_k_selection`; says the figures and what they cost.

ours: `pipeline.core.clustering.trial`. plain: a loop over k that asks scikit-learn for what it has, with as many starts, refits and
pairs, and has as many processors as it likes.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans as ScikitLearnKMeans
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from pipeline.core.clustering import bootstrap, centroid_algorithms
from pipeline.core.clustering.centroid_algorithms import RESTARTS, RESTARTS_OF_REFITS
from pipeline.core.clustering.mixture import bic
from pipeline.core.clustering.rules import KFigures
from pipeline.core.clustering.trial import try_k
from pipeline.settings import InternalClustering

SETTINGS = InternalClustering()
PLANTED = 5  # clusters


def planted(n: int, d: int, seed: int) -> np.ndarray:
    """Stores in five clusters, sorted by their values as the stages have them."""
    random = np.random.default_rng(seed)
    centres = random.normal(0.0, 1.5, (PLANTED, d))
    matrix = centres[random.integers(0, PLANTED, n)] + random.normal(0.0, 1.0, (n, d))
    matrix = matrix[np.lexsort(matrix.T[::-1])]
    return np.ascontiguousarray(matrix - matrix.mean(axis=0))


def ours(matrix: np.ndarray, drawn: np.ndarray, k_max: int) -> pd.DataFrame:
    with threadpool_limits(1):
        trials = try_k(matrix, drawn, centroid_algorithms.KMeans(matrix, drawn, 0), k_max)
    return pd.DataFrame([trial.figures for trial in trials])


def plain(matrix: np.ndarray, drawn: np.ndarray, k_max: int) -> pd.DataFrame:
    total = float(np.square(matrix - matrix.mean(axis=0)).sum())
    one = bic(matrix, np.zeros(len(matrix), dtype=np.int64), 1)
    rows = [KFigures(1, np.nan, np.nan, np.nan, one, total, len(matrix), 1.0, 1.0)]
    for k in range(2, k_max + 1):
        fitted = ScikitLearnKMeans(k, n_init=RESTARTS, random_state=0).fit(matrix)
        labels = fitted.labels_.astype(np.int64)
        refits = [refit(matrix, times, k, fitted.cluster_centers_) for times in drawn]
        pairs = [(one, other) for place, one in enumerate(refits) for other in refits[place + 1 :]]
        rows.append(
            KFigures(
                k=k,
                silhouette=silhouette_score(matrix, labels),
                calinski_harabasz=calinski_harabasz_score(matrix, labels),
                davies_bouldin=davies_bouldin_score(matrix, labels),
                bic=bic(matrix, labels, k),
                inertia=fitted.inertia_,
                smallest_cluster=int(np.bincount(labels).min()),
                stability=float(np.mean([adjusted_rand_score(one, other) for one, other in pairs])),
                jaccard=bootstrap.jaccard(labels, np.array(refits), drawn, k),
            )
        )
    return pd.DataFrame(rows)


def refit(matrix: np.ndarray, times: np.ndarray, k: int, centres: np.ndarray) -> np.ndarray:
    known = ScikitLearnKMeans(k, init=centres, n_init=1).fit(matrix, sample_weight=times)
    fresh = ScikitLearnKMeans(k, n_init=RESTARTS_OF_REFITS, random_state=1).fit(matrix, sample_weight=times)
    return min(known, fresh, key=lambda one: one.inertia_).labels_.astype(np.int64)


def main() -> None:
    way, n, d, seed = sys.argv[1], *map(int, sys.argv[2:5])
    matrix = planted(n, d, seed)
    drawn = bootstrap.resample(n, SETTINGS.resamples, np.random.default_rng(seed))
    started, processor = time.perf_counter(), time.process_time()
    figures = {"ours": ours, "plain": plain}[way](matrix, drawn, SETTINGS.k_max)
    cost = {"wall": time.perf_counter() - started, "cpu": time.process_time() - processor}
    print(json.dumps({**cost, "figures": figures.to_dict("list")}))


if __name__ == "__main__":
    main()
