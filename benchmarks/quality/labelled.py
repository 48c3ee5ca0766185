"""Labelled sets through the external side: with the true k, and with a k that it chooses, beside scikit-learn called directly.

The sets are scikit-learn's, and planted surroundings of stores. uv run python -m benchmarks.quality.labelled [SET ...]: prints the second.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.quality.surroundings import surroundings
from pipeline.core.external.clustering import cluster
from pipeline.core.external.preprocessing import preprocess
from pipeline.settings import ExternalClustering, ExternalPreprocessing

SETS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
GROUPS = {
    "balls": 7,
    "blocks": 4,
    "size factor": 3,
    "skewed": 3,
    "mixed": 3,
    "tails": 3,
    "few telling": 4,
    "own scatter": 3,
    "towns": 3,
}
PLANTED = {f"{shape}, seed {seed}": (shape, seed, k) for shape, k in GROUPS.items() for seed in (1, 2)}
K_TRIED = range(2, 11)


def _features(values: np.ndarray) -> pd.DataFrame:
    """The values as features of stores."""
    features = pd.DataFrame(values, columns=[f"f{place:03d}" for place in range(values.shape[1])])
    features.insert(0, "store_id", [f"row{number:05d}" for number in range(len(values))])
    return features


def _labelled(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The features and labels of a set of `SETS` or `PLANTED`."""
    if name in PLANTED:
        shape, seed, groups = PLANTED[name]
        planted = surroundings(shape, seed, groups)
        return planted.features, planted.groups
    loaded = SETS[name]()
    return _features(np.asarray(loaded.data, dtype="float64")), np.asarray(loaded.target)


def chosen(name: str) -> dict[str, object]:
    """The k that each chooses, and its ARI against the labels: the external side, preprocessing included, with its defaults; the best silhouette of
    k-means; and the lowest BIC of a full Gaussian mixture, both on standard deviations, with a column of 0 and 1 per level of a text."""
    features, labels = _labelled(name)
    values = pd.get_dummies(features.drop(columns="store_id")).to_numpy("float64")
    prepared = preprocess(
        features=features,
        ignored=pd.DataFrame(columns=["feature", "reason"]),
        labels=pd.DataFrame(columns=["store_id", "label", "value"]),
        settings=ExternalPreprocessing(),
    )
    tables = cluster(
        external_features=prepared["external_features"],
        external_feature_report=prepared["external_feature_report"],
        settings=ExternalClustering(),
    )
    verdict = tables["external_verdicts"].iloc[0]
    ours = tables["external_clusters"].sort_values("store_id")["cluster"].to_numpy()
    with threadpool_limits(1):
        scaled = StandardScaler().fit_transform(values)
        partitions = [KMeans(k, n_init=10, random_state=0).fit_predict(scaled) for k in K_TRIED]
        by_silhouette = max(partitions, key=lambda labels: float(silhouette_score(scaled, labels)))
        mixtures = [GaussianMixture(k, n_init=3, random_state=0).fit(scaled) for k in (1, *K_TRIED)]
        by_bic = min(mixtures, key=lambda mixture: float(mixture.bic(scaled))).predict(scaled)
    return {
        "set": name,
        "true_k": len(np.unique(labels)),
        "verdict": verdict["verdict"],
        "k": int(verdict["k"]),
        "ari": float(adjusted_rand_score(labels, ours)),
        "k_silhouette": len(np.unique(by_silhouette)),
        "ari_silhouette": float(adjusted_rand_score(labels, by_silhouette)),
        "k_bic": len(np.unique(by_bic)),
        "ari_bic": float(adjusted_rand_score(labels, by_bic)),
    }


def parity(name: str) -> dict[str, object]:
    """The ARI against the labels of both, and of one with the other.

    No outliers and no bounds of size: the same task that scikit-learn is given. The fewest resamples and draws, since k is given.
    """
    found = SETS[name]()
    values, labels = np.asarray(found.data, dtype="float64"), np.asarray(found.target)
    k = len(np.unique(labels))
    features = _features(values)
    rows = features["store_id"].tolist()
    settings = ExternalClustering(
        scaling="standard",
        k=k,
        outliers="none",
        min_cluster_size=1,
        min_cluster_share=0.0,
        resamples=10,
        null_resamples=19,
    )
    ours = cluster(external_features=features, settings=settings)["external_clusters"].set_index("store_id")["cluster"]
    with threadpool_limits(1):
        scaled = StandardScaler().fit_transform(values)
        theirs = KMeans(k, n_init=20, random_state=0).fit_predict(scaled)
    return {
        "set": name,
        "rows": len(values),
        "k": k,
        "ari": float(adjusted_rand_score(labels, ours[rows])),
        "ari_scikit_learn": float(adjusted_rand_score(labels, theirs)),
        "agreement": float(adjusted_rand_score(theirs, ours[rows])),
    }


if __name__ == "__main__":
    print(pd.DataFrame([chosen(name) for name in sys.argv[1:] or [*SETS, *PLANTED]]).round(3).to_string(index=False))
