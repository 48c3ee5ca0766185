"""The clustering of the stores over all categories."""

from msgspec import field

from pipeline.settings.clustering import ClusteringSettings
from pipeline.settings.kinds import Positive, Section, Share


class ChainClustering(ClusteringSettings, frozen=True):
    """`[chain.clustering]`: stores clustered on their sales mix in all categories together."""

    #: need states below this share of their category's sales are clustered as one, the rarest first, up to ten times this share together
    min_need_state_share: Share = 0.01
    #: how many need states are clustered on their own over all categories, those with the most sales; the others are
    #: clustered as one within their category
    max_features: Positive = 300
    #: stores whose categories make up less than this share of the chain's sales are left out of the fit, and placed
    #: afterwards
    min_coverage: Share = 0.5


class Chain(Section, frozen=True):
    """`[chain.*]`."""

    clustering: ChainClustering = field(default_factory=ChainClustering)
