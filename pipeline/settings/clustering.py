"""How stores are clustered."""

from typing import Annotated, Literal

from msgspec import Meta

from pipeline.settings.kinds import NonEmpty, NotNegative, PerCategory, Positive, Section, Share


class ClusteringSettings(Section, frozen=True):
    """How stores are clustered.

    A cluster needs at least max(`min_cluster_size`, `min_cluster_share` x fitted stores) stores. `k` fixes the number
    of clusters; else the figures choose it among 1..`k_max`.
    """

    #: a fixed number of clusters; default: the figures choose it
    k: PerCategory[Positive | None] = None
    k_max: PerCategory[Annotated[int, Meta(ge=2, le=50)]] = 25  #: the largest number of clusters tried
    #: if the stores form no groups but lie along one axis: the number of tiers of equal size into which the axis is cut; default: none
    axis_tiers: PerCategory[Annotated[int, Meta(ge=2, le=50)] | None] = None
    min_cluster_size: PerCategory[Positive] = 5  #: the least number of stores in a cluster
    min_cluster_share: PerCategory[Share] = 0.03  #: the least share of the fitted stores in a cluster
    #: how well resamples must reproduce each cluster, for its k to be a candidate
    min_jaccard: PerCategory[Share] = 0.3
    min_stability: PerCategory[Share] = 0.2  #: how well resamples must agree with each other, for a k to be a candidate
    #: the number of bootstrap resamples for measuring stability
    resamples: PerCategory[Annotated[int, Meta(ge=10, le=1000)]] = 50
    #: the number of draws without clusters for testing the verdict
    null_resamples: PerCategory[Annotated[int, Meta(ge=19, le=9999)]] = 99
    #: how to find outlier stores, which are left out of the fit and placed afterwards
    outliers: PerCategory[Literal["isolation_forest", "none"]] = "isolation_forest"
    random_state: PerCategory[NotNegative] = 0  #: the seed of everything random in the clustering


class SideClustering(ClusteringSettings, frozen=True):
    """How the stores of either side are clustered: with numbers that a pin can keep."""

    #: the pin whose cluster numbers are kept: its name, or ENV/NAME for a pin of another environment
    reference: NonEmpty | None = None
