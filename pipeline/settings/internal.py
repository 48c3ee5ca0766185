"""The internal side: preprocessing and clustering of the sales mix."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from pipeline.settings.clustering import ClusteringSettings
from pipeline.settings.kinds import NonEmpty, NotNegative, Positive, Section, Share, Weight


class InternalPreprocessingOverride(Section, frozen=True):
    """What `[internal.preprocessing.category."NAME"]` may set."""

    unmapped: Literal["keep", "drop", "error"] | None = None
    max_unmapped_share: Share | None = None
    max_clipped_share: Share | None = None


class InternalPreprocessing(Section, frozen=True):
    """`[internal.preprocessing]`: from raw sales to sales by need state.

    `last_weeks` counts back from the last week in the data. `unmapped` says what becomes of the sales of SKUs without a
    need state: `keep` them as the need state UNMAPPED (reported, never a feature), `drop` them, or make it an `error`.
    """

    include: tuple[NonEmpty, ...] | None = None  #: the categories to work on; default: all
    exclude: tuple[NonEmpty, ...] = ()  #: categories to leave out
    #: how many weeks to read, counted back from the last week in the data; default: all
    last_weeks: Positive | None = None
    #: what becomes of sales of SKUs without a need state: `keep` as UNMAPPED, `drop`, or an `error`
    unmapped: Literal["keep", "drop", "error"] = "keep"
    max_unmapped_share: Share = 0.2  #: the share of a category's sales without a need state above which the run fails
    #: stores whose returns exceed this share of their positive sales are excluded from the category
    max_clipped_share: Share = 0.1
    category: dict[str, InternalPreprocessingOverride] = field(default_factory=dict)


class InternalClusteringOverride(Section, frozen=True):
    """What `[internal.clustering.category."NAME"]` may set."""

    min_need_state_share: Share | None = None
    transform: Literal["hellinger", "zscore", "none", "chi_square", "clr"] | None = None
    weights: dict[str, Weight] | None = None
    shrinkage: Literal["none", "empirical_bayes"] | None = None
    volume_tiers: Annotated[int, Meta(ge=1, le=20)] | None = None
    algorithm: Literal["kmeans", "ward", "gmm"] | None = None
    k: Positive | None = None
    k_max: Annotated[int, Meta(ge=2, le=50)] | None = None
    rule: Literal["bic_stable", "largest_stable", "silhouette", "calinski_harabasz", "davies_bouldin"] | None = None
    min_cluster_size: Positive | None = None
    min_cluster_share: Share | None = None
    min_jaccard: Share | None = None
    min_stability: Share | None = None
    resamples: Annotated[int, Meta(ge=10, le=1000)] | None = None
    null_resamples: Annotated[int, Meta(ge=19, le=9999)] | None = None
    outliers: Literal["isolation_forest", "none"] | None = None
    random_state: NotNegative | None = None
    outdated_below: Share | None = None


class InternalClustering(ClusteringSettings, frozen=True):
    """`[internal.clustering]`: stores clustered on their sales mix, per category."""

    min_need_state_share: Share = 0.01  #: need states below this share of the category's sales are clustered as one
    #: what is made of the shares before they are clustered
    transform: Literal["hellinger", "zscore", "none", "chi_square", "clr"] = "hellinger"
    #: how much need states count in distances, by name; 1 where none is given, 0 leaves a need state out
    weights: dict[str, Weight] = field(default_factory=dict)
    #: whether small stores' shares are drawn towards the chain's, as far as stores of their size differ by chance alone
    shrinkage: Literal["none", "empirical_bayes"] = "none"
    #: into how many tiers of sales stores are sorted, beside their clusters; the first one sells the most
    volume_tiers: Annotated[int, Meta(ge=1, le=20)] = 3
    #: of what new clusters explain on the newest weeks, the share that the published ones have to, else they are outdated
    outdated_below: Share = 0.8
    category: dict[str, InternalClusteringOverride] = field(default_factory=dict)


class Internal(Section, frozen=True):
    """`[internal.*]`."""

    preprocessing: InternalPreprocessing = field(default_factory=InternalPreprocessing)
    clustering: InternalClustering = field(default_factory=InternalClustering)
