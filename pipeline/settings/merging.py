"""How internal and external clusters become the final ones."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from pipeline.settings.kinds import NonEmpty, Positive, Section, Share


class MergingOverride(Section, frozen=True):
    """What `[merging.category."NAME"]` may set."""

    method: Literal["cross", "nested", "consensus", "weighted"] | None = None
    internal_weight: Share | None = None
    external_weight: Share | None = None
    min_cluster_size: Positive | None = None
    min_cluster_share: Share | None = None


class Merging(Section, frozen=True):
    """`[merging]`: internal and external clusters become the final ones."""

    #: how internal and external clusters become final ones
    method: Literal["cross", "nested", "consensus", "weighted"] = "cross"
    internal_weight: Share = 0.6  #: how much the sales mix counts when a store is moved
    external_weight: Share = 0.4  #: how much the outside data counts when a store is moved
    min_cluster_size: Positive = 5  #: stores that a final cluster needs at least
    min_cluster_share: Share = 0.03  #: share of the category's stores that a final cluster needs at least
    #: the pin whose final clusters' numbers are kept: its name, or ENV/NAME for one of another environment
    reference: NonEmpty | None = None
    category: dict[str, MergingOverride] = field(default_factory=dict)
