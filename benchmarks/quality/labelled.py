"""scikit-learn's labelled sets through ExternalClustering with the true k, beside scikit-learn called directly."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from pipeline.core.external.clustering import cluster
from pipeline.settings import ExternalClustering

SETS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}


def parity(name: str) -> dict[str, object]:
    """The ARI against the labels of both, and of one with the other.

    No outliers and no bounds of size: the same task that scikit-learn is given. The fewest resamples and draws, since k is given.
    """
    found = SETS[name]()
    values, labels = np.asarray(found.data, dtype="float64"), np.asarray(found.target)
    k = len(np.unique(labels))
    rows = [f"row{number:05d}" for number in range(len(values))]
    features = pd.DataFrame(values, columns=[f"f{place:03d}" for place in range(values.shape[1])])
    features.insert(0, "store_id", rows)
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
