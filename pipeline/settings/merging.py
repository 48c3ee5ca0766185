"""How internal and external clusters become the final ones."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from pipeline.settings.kinds import NonEmpty, NotNegative, PerCategory, Positive, Section, Share, with_categories


@with_categories
class Merging(Section, frozen=True):
    """`[merging]`: internal and external clusters become the final ones."""

    #: how internal and external clusters become final ones. `auto`: `cross` in categories where the outside data earns its place, else
    #: `internal`: the clusters of the sales mix. A `cross` with few stores for its cells becomes `nested`
    method: PerCategory[Literal["auto", "internal", "cross", "nested"]] = "auto"
    internal_weight: PerCategory[Share] = 0.6  #: how much the sales mix counts in distances over both sides
    external_weight: PerCategory[Share] = 0.4  #: how much the outside data counts in distances over both sides
    min_cluster_size: PerCategory[Positive] = 5  #: the least number of stores in a final cluster
    min_cluster_share: PerCategory[Share] = 0.03  #: the least share of the category's stores in a final cluster
    #: the pin whose numbers of final clusters are kept: its name, or ENV/NAME for a pin of another environment
    reference: NonEmpty | None = None
    resamples: Annotated[int, Meta(ge=10, le=1000)] = 20  #: the number of bootstrap resamples for measuring methods
    #: whether all methods are compared in every category, or only the taken one is computed
    compare_methods: bool = True
    random_state: NotNegative = 0  #: the seed of everything random in the merging
    category: dict[str, Any] = field(default_factory=dict)
