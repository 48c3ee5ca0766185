"""The kind of structure in the stores, with the reason in words."""

from __future__ import annotations

from pipeline.core.clustering.null import NullTest

SEPARATED = "separated"
TIERS = "tiers"
AXIS = "axis"
NO_STRUCTURE = "no structure"


def verdict(k: int, axes: int, test: NullTest | None, cut: int | None = None) -> tuple[str, str]:
    """The verdict on the chosen k, and the reason.

    `separated`: the k clusters beat both nulls (see `null.py`). `tiers`: they do not, but resamples reproduce the clusters, or the
    settings fix k. `axis`: one cluster, with stores along an axis. `no structure`: one cluster, without an axis.

    Parameters
    ----------
    k : number of clusters
    axes : the number of common factors of the mixture
    test : of these k clusters; None if there is no test
    cut : the number of tiers of the axis, if it is cut
    """
    if cut is not None:
        return (
            TIERS,
            f"the stores lie along one axis, cut into {cut} tiers of as many stores each: axis_tiers = {cut} is set",
        )
    if k == 1 and axes:
        return AXIS, "the stores do not form groups: they lie along one continuous axis" + (
            {1: "", 2: ", and a second one"}.get(axes, f", and {axes - 1} more")
        )
    if test is None:
        return NO_STRUCTURE, "there is one cluster"
    if test.is_separated:
        return SEPARATED, (
            f"its clusters are deeper than those of one Gaussian (p = {test.gaussian:.2f}), and the dips between them deeper "
            f"than those of a flat continuum (p = {test.flat:.2f})"
        )
    return TIERS, (
        f"its clusters are no deeper than those of one Gaussian (p = {test.gaussian:.2f}): tiers along a continuum"
        if test.flat is None
        else f"the dips between its clusters are no deeper than those of a flat continuum (p = {test.flat:.2f}): tiers along a continuum"
    )
