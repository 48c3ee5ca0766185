"""The meaning of figures in a merchant's words, and the limits for findings."""

from __future__ import annotations

VERDICTS = {
    "separated": "Clear groups: the stores fall apart into groups with gaps between them.",
    "tiers": "Steps along a scale: the groups are found again in resamples, but no gap lies between them. Plan by them, and "
    "expect stores near a border to fit either side.",
    "axis": "No groups, but an order: the stores lie along one continuous axis. One assortment, varied along the axis, is what the sales "
    "support.",
    "no structure": "No groups: nothing here tells stores apart reliably by their sales mix. One assortment is what the sales "
    "support.",
    "none": "Not clustered: no store has sales to be clustered on.",
}

HOLDS = {
    "yes": "It holds: the clusters are there on other weeks too.",
    "partly": "It holds in part: on other weeks the clusters differ less. Plan for the differences that are large, and look again next season.",
    "no": "It does not hold: on other weeks these groups are not there. Do not plan an assortment by them.",
    "unknown": "",
}

LOW_CONFIDENCE = 0.6  # below this, a store left its co-members in two of five resamples
WEAK_SHARE = 0.25  # of a category's stores: more than this many of low confidence is something to look at
LARGE_SHARE = 0.8  # of a category's stores in one cluster
LITTLE_KEPT = (
    0.5  # of the mix that clusters explain, on weeks that the fit did not see: less than this is something to look at
)
SMALL_DIFFERENCE = 0.05  # of sales: clusters that differ by less hardly need an assortment each
MOVED_SHARE = 0.1  # of a category's stores moved by merging
UNMAPPED_SHARE = 0.05  # of a category's sales
IMPUTED_SHARE = 0.2  # of the stores' values of a feature


def percent(share: float) -> str:
    """A share in percent, for people."""
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"
