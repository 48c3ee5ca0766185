"""Ways to cluster a planted set: the pipeline's own, and what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import RobustScaler
from threadpoolctl import threadpool_limits

from pipeline.core.internal.clustering import cluster_category
from pipeline.core.internal.preprocessing import preprocess
from pipeline.settings import InternalClustering, InternalPreprocessing

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.quality.planted import PlantedSet

K_TRIED = range(2, 11)
ORACLE = "oracle"
DEFAULTS = "pipeline, defaults"


class Outcome(NamedTuple):
    """A cluster per store, how many clusters, and the verdict and each store's confidence where the method gives them."""

    clusters: pd.Series
    k: int
    verdict: str | None = None
    confidence: pd.Series | None = None


def prepared(given: PlantedSet) -> pd.DataFrame:
    """The set's sales by need state, as preprocessing publishes them."""
    nobody = pd.DataFrame({"store_id": pd.Series(dtype="str")})
    found = preprocess(sales=given.sales, unchosen_stores=nobody, settings=InternalPreprocessing())
    return found["sales_by_need_state"]


def by_pipeline(given: PlantedSet, settings: InternalClustering) -> Outcome:
    """Through the stages' own functions: preprocessing, then the clustering of the category."""
    found = cluster_category(sales_by_need_state=prepared(given), settings=settings)
    verdict = found["internal_verdicts"].iloc[0]
    of_store = found["internal_clusters"].set_index("store_id")
    return Outcome(of_store["cluster"], int(verdict["k"]), str(verdict["verdict"]), of_store["confidence"])


def _wide(given: PlantedSet) -> pd.DataFrame:
    return given.sales.pivot_table(index="store_id", columns="need_state", values="sales_cents", fill_value=0)


def _hellinger(given: PlantedSet) -> pd.DataFrame:
    wide = _wide(given)
    return wide.div(wide.sum(axis=1), axis=0).pow(0.5)


def _best_silhouette(points: NDArray[np.float64], stores: pd.Index) -> Outcome:
    fits = [KMeans(k, random_state=0).fit_predict(points) for k in K_TRIED]
    best = max(fits, key=lambda labels: float(silhouette_score(points, labels)))
    return Outcome(pd.Series(best, index=stores), int(best.max()) + 1)


def by_template(given: PlantedSet) -> Outcome:
    """What most store clustering does: raw sales, robust scaling, PCA to 80 % of the variance, best silhouette."""
    wide = _wide(given)
    points = PCA(0.8, random_state=0).fit_transform(RobustScaler().fit_transform(wide.to_numpy(dtype="float64")))
    return _best_silhouette(points, wide.index)


def by_scikit_learn(given: PlantedSet) -> Outcome:
    """k-means with scikit-learn's defaults on Hellinger shares, best silhouette."""
    features = _hellinger(given)
    return _best_silhouette(features.to_numpy(), features.index)


def by_oracle(given: PlantedSet) -> Outcome:
    """k-means on Hellinger shares, told the true k and which stores are planted outliers, and that it leaves out."""
    features = _hellinger(given)
    features = features[given.truth.reindex(features.index) >= 0]
    k = int(given.truth.max()) + 1
    labels = KMeans(k, n_init=20, random_state=0).fit_predict(features.to_numpy())
    return Outcome(pd.Series(labels, index=features.index), k)


def _by_defaults(given: PlantedSet) -> Outcome:
    return by_pipeline(given, InternalClustering())


COMPARED: dict[str, Callable[[PlantedSet], Outcome]] = {
    ORACLE: by_oracle,
    DEFAULTS: _by_defaults,
    "usual template": by_template,
    "scikit-learn, best silhouette": by_scikit_learn,
}
METHODS = COMPARED


def measured(given: PlantedSet, method: str) -> dict[str, object]:
    """k and ARI of a method on a set; planted outliers don't count towards the ARI."""
    with threadpool_limits(1):
        found = METHODS[method](given)
    truth = given.truth[given.truth >= 0]
    both = pd.concat([truth, found.clusters.rename("found")], axis=1, join="inner")
    both = both[both["cluster"] >= 0]
    if len(both) != len(truth):
        raise AssertionError(f"{method} lost {len(truth) - len(both)} stores")
    return {
        "true_k": int(truth.max()) + 1,
        "found_k": found.k,
        "ari": float(adjusted_rand_score(both["cluster"], both["found"])),
        "verdict": found.verdict,
        "said": None if found.confidence is None or found.k == 1 else _said(truth, found),
    }


def _said(truth: pd.Series, found: Outcome) -> list[list[float]]:
    """By tenth of the confidence: the number of stores, the sum of their confidence, and how many of them are right.

    Right is a store whose cluster is paired with its planted one; the pairs share as many stores as possible. k need not be right.
    """
    clusters, said = found.clusters[truth.index], found.confidence[truth.index]
    shared = pd.crosstab(truth.to_numpy(), clusters.to_numpy())
    planted, given = linear_sum_assignment(shared.to_numpy(), maximize=True)
    pairs = dict(zip(shared.columns[given], shared.index[planted], strict=True))
    right = clusters.map(pairs).to_numpy() == truth.to_numpy()
    tenth = np.minimum((said.to_numpy() * 10).astype(int), 9)
    weights = (np.ones(len(tenth)), said.to_numpy(), right.astype(float))
    return np.stack([np.bincount(tenth, of, minlength=10) for of in weights], axis=1).round(6).tolist()
