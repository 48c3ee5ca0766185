"""python -m benchmarks.plain_sweep WAY STORES LARGEST: choose k of planted stores; says what that cost without the start of Python, and what was chosen.

ours: `cluster_stores`, as a category runs it: mixtures of every k it tries, resamples of those that may be chosen, figures of every k,
two null tests. fits: a loop over k = 2 to LARGEST with scikit-learn, k-means from 10 starts and the three indices that it has.
loop: the same with as many resamples as ours for each k, each from the centres found and 2 random starts, and the ARI of all pairs.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from pipeline.core.clustering import bootstrap
from pipeline.core.clustering.stores import cluster_stores
from pipeline.settings import InternalClustering

SETTINGS = InternalClustering()
FEATURES, PLANTED, STARTS, FRESH = 9, 5, 10, 2


def planted(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Stores (n, FEATURES) in clusters, and their clusters (n,)."""
    random = np.random.default_rng(n)
    labels = random.integers(0, PLANTED, n)
    return random.normal(0.0, 2.0, (PLANTED, FEATURES))[labels] + random.normal(0.0, 1.0, (n, FEATURES)), labels


def ours(matrix: np.ndarray, largest: int) -> tuple[np.ndarray, int]:  # noqa: ARG001  # it finds the largest k itself
    ids = [f"{number:06}" for number in range(len(matrix))]
    features = pd.DataFrame(matrix, index=ids, columns=[f"f{number}" for number in range(FEATURES)])
    clustering = cluster_stores(features, SETTINGS)
    return clustering.clusters["cluster"].to_numpy(), int(clustering.k_selection["k"].max())


def fits(matrix: np.ndarray, largest: int, resamples: int = 0) -> tuple[np.ndarray, int]:
    best, chosen = -np.inf, np.zeros(len(matrix))
    drawn = bootstrap.resample(len(matrix), resamples, np.random.default_rng(0)) if resamples else np.empty((0, 0))
    for k in range(2, largest + 1):
        fitted = KMeans(k, n_init=STARTS, random_state=0).fit(matrix)
        silhouette = silhouette_score(matrix, fitted.labels_)
        calinski_harabasz_score(matrix, fitted.labels_)
        davies_bouldin_score(matrix, fitted.labels_)
        refits = [_refit(matrix, times, fitted) for times in drawn]
        _ = [adjusted_rand_score(one, other) for place, one in enumerate(refits) for other in refits[place + 1 :]]
        if silhouette > best:
            best, chosen = silhouette, fitted.labels_
    return chosen, largest


def loop(matrix: np.ndarray, largest: int) -> tuple[np.ndarray, int]:
    return fits(matrix, largest, SETTINGS.resamples)


def _refit(matrix: np.ndarray, times: np.ndarray, fitted: KMeans) -> np.ndarray:
    k = fitted.n_clusters
    again = KMeans(k, init=fitted.cluster_centers_, n_init=1).fit(matrix, sample_weight=times)
    fresh = KMeans(k, n_init=FRESH, random_state=1).fit(matrix, sample_weight=times)
    return np.asarray(min(again, fresh, key=lambda each: each.inertia_).predict(matrix))


WAYS = {"ours": ours, "fits": fits, "loop": loop}


def main() -> None:
    way, n, largest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    matrix, labels = planted(n)
    with threadpool_limits(1):
        started = time.process_time()
        chosen, tried = WAYS[way](matrix, largest)
        cpu = time.process_time() - started
    print(json.dumps({"cpu": cpu, "largest": tried, "ari": round(adjusted_rand_score(labels, chosen), 4)}))


if __name__ == "__main__":
    main()
