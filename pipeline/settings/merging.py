"""How internal and external clusters become the final ones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from pipeline.settings.kinds import NonEmpty, NotNegative, PerCategory, Positive, Section, Share, with_categories


@with_categories
class Merging(Section, frozen=True):
    """`[merging]`: internal and external clusters become the final ones."""

    #: how internal and external clusters become final ones; a `cross` with few stores for its cells becomes `nested`
    method: PerCategory[Literal["cross", "nested", "consensus", "weighted"]] = "cross"
    internal_weight: PerCategory[Share] = 0.6  #: how much the sales mix counts where both sides are measured together
    external_weight: PerCategory[Share] = 0.4  #: how much the outside data counts there
    min_cluster_size: PerCategory[Positive] = 5  #: stores that a final cluster needs at least
    min_cluster_share: PerCategory[Share] = 0.03  #: share of the category's stores that a final cluster needs at least
    #: the pin whose final clusters' numbers are kept: its name, or ENV/NAME for one of another environment
    reference: NonEmpty | None = None
    #: the number of clusters that `consensus` and `weighted` make, before the repair; default: the figures choose it
    k: PerCategory[Positive | None] = None
    #: the largest number of clusters that `consensus` and `weighted` try
    k_max: PerCategory[Annotated[int, Meta(ge=2, le=50)]] = 10
    resamples: Annotated[int, Meta(ge=10, le=1000)] = 20  #: how many bootstrap resamples methods are measured on
    compare_methods: bool = True  #: whether every method is tried on every category, or only the one that is taken
    random_state: NotNegative = 0  #: the seed of everything random in the merging
    category: dict[str, Any] = field(default_factory=dict)
