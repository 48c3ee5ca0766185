"""What kind of structure was found, and why, in words."""

from __future__ import annotations

from pipeline.core.clustering.null import NullTest
from pipeline.core.clustering.rules import KFigures, is_reproducible
from pipeline.settings import ClusteringSettings

SEPARATED = "separated"
TIERS = "tiers"
NO_STRUCTURE = "no structure"


def verdict(figures: KFigures, test: NullTest | None, settings: ClusteringSettings) -> tuple[str, str]:
    """The verdict on the k taken, and why.

    `separated`: both nulls are beaten (see `null.py`). `tiers`: they are not, but the clusters are reproducible.
    `no structure`: neither, or k = 1 (`test` is None).
    """
    if test is None:
        return NO_STRUCTURE, "there is one cluster"
    stable = is_reproducible(figures.stability, figures.jaccard, settings)
    if test.is_separated:
        reason = (
            f"its clusters are deeper than those of one Gaussian (p = {test.gaussian:.2f}), and the dips between them deeper "
            f"than those of a flat continuum (p = {test.flat:.2f})"
        )
        return SEPARATED, reason if stable else f"{reason}; yet {_shaky(figures, settings)}"
    not_beaten = (
        f"its clusters are no deeper than those of one Gaussian (p = {test.gaussian:.2f})"
        if test.flat is None
        else f"the dips between its clusters are no deeper than those of a flat continuum (p = {test.flat:.2f})"
    )
    if stable:
        return TIERS, f"{not_beaten}, but they are reproducible: tiers along a continuum"
    return NO_STRUCTURE, f"{not_beaten}, and {_shaky(figures, settings)}"


def _shaky(figures: KFigures, settings: ClusteringSettings) -> str:
    return (
        f"they are not reproducible (stability {figures.stability:.2f} and lowest Jaccard {figures.jaccard:.2f}, where "
        f"{settings.min_stability:.2f} and {settings.min_jaccard:.2f} are asked for)"
    )
