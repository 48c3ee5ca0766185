"""How stores are clustered."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pipeline.settings.kinds import NonEmpty, NotNegative, PerCategory, Positive, Section, Share


class ClusteringSettings(Section, frozen=True):
    """How stores are clustered.

    A cluster needs at least max(`min_cluster_size`, `min_cluster_share` x fitted stores) stores. `k` fixes the number
    of clusters; else `rule` chooses it among 1..`k_max`.
    """

    algorithm: PerCategory[Literal["kmeans", "ward", "gmm"]] = "kmeans"  #: how stores are clustered
    #: the number of clusters, whatever the figures say; default: `rule` chooses it
    k: PerCategory[Positive | None] = None
    k_max: PerCategory[Annotated[int, Meta(ge=2, le=50)]] = 10  #: the largest number of clusters tried
    #: how the number of clusters is chosen among those tried
    rule: PerCategory[Literal["bic_stable", "largest_stable", "silhouette", "calinski_harabasz", "davies_bouldin"]] = (
        "bic_stable"
    )
    min_cluster_size: PerCategory[Positive] = 5  #: stores that a cluster needs at least
    min_cluster_share: PerCategory[Share] = 0.03  #: share of the fitted stores that a cluster needs at least
    #: how well each cluster has to be found again in resamples, for its k to be a candidate
    min_jaccard: PerCategory[Share] = 0.5
    min_stability: PerCategory[Share] = 0.6  #: how well resamples have to agree, for a k to be a candidate
    #: how many bootstrap resamples stability is measured on
    resamples: PerCategory[Annotated[int, Meta(ge=10, le=1000)]] = 50
    #: how many draws without clusters the verdict is tested against
    null_resamples: PerCategory[Annotated[int, Meta(ge=19, le=9999)]] = 99
    #: how stores are found that are left out of the fit, and placed afterwards
    outliers: PerCategory[Literal["isolation_forest", "none"]] = "isolation_forest"
    random_state: PerCategory[NotNegative] = 0  #: the seed of everything random in the clustering


class SideClustering(ClusteringSettings, frozen=True):
    """How the stores of either side are clustered: with numbers that a pin can keep."""

    #: the pin whose clusters' numbers are kept: its name, or ENV/NAME for one of another environment
    reference: NonEmpty | None = None
