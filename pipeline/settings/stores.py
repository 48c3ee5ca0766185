"""Stores that are known to be different: closed ones, and ones that must not shape the clusters."""

from __future__ import annotations

from pipeline.settings.kinds import NonEmpty, Section


class Stores(Section, frozen=True):
    """`[stores]`: by the store's key. One that no source has is warned of."""

    closed: tuple[NonEmpty, ...] = ()  #: stores that are excluded from every category and from the outside data
    #: stores, such as flagships, that are left out of every fit, and placed in its clusters like any other
    held_out: tuple[NonEmpty, ...] = ()
