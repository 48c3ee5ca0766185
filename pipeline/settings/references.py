"""The pins with which a result is compared."""

from pipeline.settings.kinds import NonEmpty, Section


class References(Section, frozen=True):
    """The `reference` of each level of clusters: a pin's NAME, or ENV/NAME; None if there is none."""

    internal: NonEmpty | None = None
    external: NonEmpty | None = None
    final: NonEmpty | None = None
