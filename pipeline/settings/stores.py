"""Special stores: closed stores, and stores that must not shape the clusters."""

from pipeline.settings.kinds import NonEmpty, Section


class Stores(Section, frozen=True):
    """`[stores]`: special stores, by key. A store that no source has gives a warning."""

    closed: tuple[NonEmpty, ...] = ()  #: stores that are excluded from every category and from the outside data
    #: stores, such as flagships, that are left out of every fit and placed in its clusters afterwards
    held_out: tuple[NonEmpty, ...] = ()
