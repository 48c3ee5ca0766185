"""The internal side: preprocessing and clustering of the sales mix."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from pipeline.settings.clustering import SideClustering
from pipeline.settings.kinds import NonEmpty, PerCategory, Positive, Section, Share, Weight, with_categories


@with_categories
class InternalPreprocessing(Section, frozen=True):
    """`[internal.preprocessing]`: from raw sales to sales by need state.

    `last_weeks` counts back from the last week in the data. `unmapped` says what becomes of the sales of SKUs without a
    need state: `keep` them as the need state UNMAPPED (reported, never a feature), `drop` them, or make it an `error`.
    """

    include: tuple[NonEmpty, ...] | None = None  #: the categories to work on; default: all
    exclude: tuple[NonEmpty, ...] = ()  #: categories to leave out
    #: how many weeks to read, counted back from the last week in the data; default: all
    last_weeks: Positive | None = None
    #: how to treat sales of SKUs without a need state: `keep` as UNMAPPED, `drop`, or an `error`
    unmapped: PerCategory[Literal["keep", "drop", "error"]] = "keep"
    #: the share of a category's sales without a need state above which the run fails
    max_unmapped_share: PerCategory[Share] = 0.2
    #: stores whose returns exceed this share of their positive sales are excluded from the category
    max_clipped_share: PerCategory[Share] = 0.1
    category: dict[str, Any] = field(default_factory=dict)


@with_categories
class InternalClustering(SideClustering, frozen=True):
    """`[internal.clustering]`: stores clustered on their sales mix, per category."""

    #: need states below this share of the category's sales are clustered as one, the rarest first, up to ten times this share together
    min_need_state_share: PerCategory[Share] = 0.01
    #: how much need states count, by name; default 1, 0 leaves a need state out
    weights: PerCategory[dict[str, Weight]] = field(default_factory=dict)
    #: the number of sales tiers, which are independent of the clusters; the first tier sells the most
    volume_tiers: PerCategory[Annotated[int, Meta(ge=1, le=20)]] = 3
    #: of what new clusters explain on the newest weeks, the share that the published ones have to, else they are outdated
    outdated_below: PerCategory[Share] = 0.8
    category: dict[str, Any] = field(default_factory=dict)


class Internal(Section, frozen=True):
    """`[internal.*]`."""

    preprocessing: InternalPreprocessing = field(default_factory=InternalPreprocessing)
    clustering: InternalClustering = field(default_factory=InternalClustering)
