"""What became of every k that was tried, as the table of the figures says it: why the lowest criterion is taken, or is not."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.clustering.choosing import Choice, Chooser
from pipeline.core.clustering.search import Fit

TAKEN = "taken"
SET = "another k is set"
LIKELIER = "a larger k is much likelier"  # of k = 1
EMPTY = "a cluster without a store"
SMALL = "too small a cluster"
UNLIKELY = "not much likelier than one cluster"
UNSTABLE = "not found again in resamples"
DOES_NOT_HOLD = "does not hold on other weeks"
REFERENCE = "the k of the reference stands"
HIGHER = "a higher criterion"


def outcome(chooser: Chooser, choice: Choice, k: int, barred: Mapping[int, str]) -> str:
    """What became of k: `TAKEN`, or the first of the other words that says why it is not.

    Parameters
    ----------
    chooser : after its `take`
    choice : what it took
    k : a k that was tried
    barred : as for `Chooser.take`
    """
    if k == choice.fit.k:
        return TAKEN
    if chooser.settings.k is not None:
        return SET
    if k == 1:
        return LIKELIER
    fit = chooser.of_k(k)
    return EMPTY if fit is None else _why_not(chooser, choice, fit, barred)


def _why_not(chooser: Chooser, choice: Choice, fit: Fit, barred: Mapping[int, str]) -> str:
    qualified = chooser.candidate(fit.k) is not None
    reasons = {
        SMALL: not qualified and fit.smallest < chooser.smallest,
        UNLIKELY: not qualified,
        UNSTABLE: chooser.is_refused(fit.k),
        DOES_NOT_HOLD: fit.k in barred,
        REFERENCE: fit.criterion < chooser.criterion_of(choice.fit.k),
    }
    return next((words for words, holds in reasons.items() if holds), HIGHER)
