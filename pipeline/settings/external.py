"""The external side: preprocessing and clustering of the outside data."""

from typing import Annotated, Literal

from msgspec import Meta, field

from pipeline.settings.clustering import SideClustering
from pipeline.settings.kinds import NonEmpty, Section, Share, Weight


class ExternalPreprocessing(Section, frozen=True):
    """`[external.preprocessing]`: from raw features to a complete, numeric store x feature table.

    A number that is never negative and whose skewness exceeds `max_skewness` is replaced by its log1p if it is a count, or if that takes
    at least half of the skewness.
    """

    imputation: Literal["median", "mean"] = "median"  #: the value that replaces missing ones
    max_missing_share: Share = 0.5  #: features with a larger share of missing values are dropped
    max_correlation: Share = 0.95  #: of two features that correlate more than this, one is dropped
    max_skewness: Annotated[float, Meta(ge=0.0)] = 1.0  #: numbers that are more skewed are replaced by their log1p
    #: texts with more levels are dropped; other texts become a feature per level
    max_levels: Annotated[int, Meta(ge=2, le=1000)] = 20
    #: features that are never dropped; of a correlated pair, the other feature is dropped
    protected: tuple[NonEmpty, ...] = ()
    #: whether each feature with missing values gets a further feature: 1 where it is missing, else 0
    missing_indicators: bool = False


class ExternalClustering(SideClustering, frozen=True):
    """`[external.clustering]`: stores clustered on the outside data."""

    scaling: Literal["robust", "standard", "minmax"] = "robust"  #: how features are made comparable
    #: how much features count, by name; 0 leaves a feature out. Default 1; .2 for a number with more than two values, one of which most stores have
    weights: dict[str, Weight] = field(default_factory=dict)


class External(Section, frozen=True):
    """`[external.*]`."""

    preprocessing: ExternalPreprocessing = field(default_factory=ExternalPreprocessing)
    clustering: ExternalClustering = field(default_factory=ExternalClustering)
