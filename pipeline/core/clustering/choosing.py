"""Choose the number of clusters, with the reason in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pipeline.core.clustering.refits import Refits
from pipeline.core.clustering.rules import is_reproducible, smallest_size, why_only_one
from pipeline.core.clustering.search import Fit
from pipeline.settings import ClusteringSettings
from pipeline.wording import counted

STRONG = 10.0  # points of BIC from which one model is very much likelier than another: R. Kass, A. Raftery, "Bayes factors", JASA 90, 1995
STRONG_WIDE = 40.0  # points of `Fit.wide` that say as much: it charges less for means; chosen on planted stores
_NONE_BARRED: Mapping[int, str] = MappingProxyType({})
NEARLY = 0.95  # of what the chosen k gains over one cluster in the criterion: then the k of the reference stands


class Choice(NamedTuple):
    """The chosen fit, its refits (None at k = 1), the reason, and the better k that was barred, if any."""

    fit: Fit
    refits: Refits | None
    reason: str
    passed_over: int | None = None


class Chooser:
    """Choose among the fits of a search; a fit is refitted only if it can be chosen.

    Parameters
    ----------
    fits : of k = 1, 2, ... with 0, 1, ... factors, as `search.search` gives them
    refit : refits a fit on resamples
    settings : the minimum sizes and stabilities, and a fixed k
    stores : the number of fitted stores

    Attributes
    ----------
    smallest : the least number of stores in a cluster
    one_cluster : the fit of one cluster
    refitted : the refits so far, by k
    """

    def __init__(
        self, fits: list[Fit], refit: Callable[[Fit], Refits], settings: ClusteringSettings, stores: int
    ) -> None:
        self._fits = fits
        self._refit = refit
        self.settings = settings
        self.smallest = smallest_size(settings, stores)
        self._stores = stores
        self.one_cluster = self._fit_of_one_cluster()
        self._bic_of_one = min(fit.bic for fit in fits if fit.k == 1)
        self._candidates = self._find_candidates()
        self.refitted: dict[int, Refits] = {}

    def of_k(self, k: int) -> Fit | None:
        """The fit of k clusters by which k is judged; None if every fit leaves a cluster without a store.

        It has the lowest criterion of those that qualify (`candidate`), or else of those without empty clusters.
        """
        if k == 1:
            return self.one_cluster
        if self.settings.k is None and (qualified := self.candidate(k)) is not None:
            return qualified
        whole = [fit for fit in self._fits if fit.k == k and fit.smallest > 0]
        return min(whole, key=lambda fit: fit.criterion) if whole else None

    def candidate(self, k: int) -> Fit | None:
        """The fit of k >= 2 clusters that may be taken, unless resamples refuse it: large enough and much likelier than one cluster."""
        return self._candidates.get(k)

    def is_refused(self, k: int) -> bool:
        """Whether k was refitted, and resamples do not reproduce its clusters."""
        refits = self.refitted.get(k)
        return refits is not None and not is_reproducible(refits.stability, refits.jaccard, self.settings)

    def criterion_of(self, k: int) -> float:
        """The criterion by which k is judged."""
        return (self.of_k(k) or self.any_of_k(k)).criterion

    def likelier(self, fit: Fit) -> float:
        """How much likelier than one cluster a fit is, in multiples of what a k needs: from 1 on it is much likelier."""
        return max((self._bic_of_one - fit.bic) / STRONG, (self._bic_of_one - fit.wide) / STRONG_WIDE)

    def any_of_k(self, k: int) -> Fit:
        """The fit of k clusters with the lowest criterion; its clusters may be empty."""
        return min((fit for fit in self._fits if fit.k == k), key=lambda fit: fit.criterion)

    def take(self, k_before: int = 0, barred: Mapping[int, str] = _NONE_BARRED) -> Choice:
        """The k that the settings fix; otherwise the best k by the figures.

        A k above 1 must be much likelier than k = 1: by BIC, or by the likelihood integrated over the means. Its clusters must be large
        enough, and resamples must reproduce them. The k with the lowest criterion is chosen among these; or `k_before`, the reference's
        k, if it is nearly as good. `barred` gives each k that must not be chosen, with the reason; a fixed k ignores it.
        """
        if self.settings.k is not None:
            return self._fixed(self.settings.k)
        candidates = sorted(self._candidates.values(), key=lambda fit: (fit.criterion, fit.k))
        refused: list[int] = []
        passed_over: int | None = None
        for fit in candidates:
            refits = self._refits(fit)
            if not is_reproducible(refits.stability, refits.jaccard, self.settings):
                refused.append(fit.k)
            elif fit.k in barred:
                passed_over = passed_over or fit.k
            else:
                choice = Choice(fit, refits, self._why(fit, refits, refused))
                if k_before not in barred:
                    choice = self._as_before(choice, k_before)
                return _after(choice, passed_over, barred)
        if passed_over is None:
            return Choice(self.one_cluster, None, self._why_one(refused))
        none = next(fit for fit in self._fits if fit.k == 1)  # what does not hold is no axis either
        return _after(Choice(none, None, "k = 1: no number of clusters holds"), passed_over, barred)

    def _fit_of_one_cluster(self) -> Fit:
        """The fit of one cluster; it has factors only if they are much likelier."""
        ones = [fit for fit in self._fits if fit.k == 1]
        best = ones[0]
        for fit in ones[1:]:
            if fit.bic < best.bic - STRONG:
                best = fit
        return best

    def _find_candidates(self) -> dict[int, Fit]:
        """For each k >= 2, the fit with the lowest criterion among fits with large enough clusters that are much likelier than one cluster."""
        best: dict[int, Fit] = {}
        for fit in self._fits:
            if fit.k == 1 or fit.smallest < self.smallest or self.likelier(fit) <= 1.0:
                continue
            if fit.k not in best or fit.criterion < best[fit.k].criterion:
                best[fit.k] = fit
        return best

    def _refits(self, fit: Fit) -> Refits:
        if fit.k not in self.refitted:
            self.refitted[fit.k] = self._refit(fit)
        return self.refitted[fit.k]

    def _fixed(self, asked: int) -> Choice:
        k = asked
        while (fit := self.of_k(k)) is None:
            k -= 1
        reason = f"k = {asked} is set"
        if k < asked:
            reason += f", but the stores can form {k} different clusters at most: k = {k}"
        if fit.smallest < self.smallest and k > 1:
            reason += f"; its smallest cluster has {counted(fit.smallest, 'store', 'stores')}, fewer than the {self.smallest} that a chosen k needs"
        return Choice(fit, self._refits(fit) if k > 1 else None, reason)

    def _as_before(self, choice: Choice, k_before: int) -> Choice:
        """The choice; or the reference's k, if it still qualifies and gains nearly as much.

        If two k have nearly the same criterion, a few stores decide between them, and a change of k renumbers many stores. A cluster
        that really appears or disappears changes the criterion by more.
        """
        before = self.candidate(k_before)
        if before is None or k_before == choice.fit.k:
            return choice
        gain, of_before = (
            self.one_cluster.criterion - choice.fit.criterion,
            self.one_cluster.criterion - before.criterion,
        )
        if of_before < NEARLY * gain:
            return choice
        refits = self._refits(before)
        if not is_reproducible(refits.stability, refits.jaccard, self.settings):
            return choice
        return Choice(
            before,
            refits,
            f"k = {k_before} stands, as in the reference: it is likelier than one cluster by {of_before:.0f} points, k = {choice.fit.k} by {gain:.0f}; "
            f"{_found_again(refits)}",
        )

    def _why(self, fit: Fit, refits: Refits, refused: list[int]) -> str:
        tried = max(each.k for each in self._fits)
        passed = (
            f"; k = {_listed(refused)} would be likelier, but resamples do not find its clusters again"
            if refused
            else ""
        )
        unlikely = [
            k
            for k in range(2, tried + 1)
            if (each := self.of_k(k)) is not None
            and self.candidate(k) is None
            and each.smallest >= self.smallest
            and each.criterion < fit.criterion
        ]
        if unlikely:
            passed += (
                f"; the criterion of k = {_listed(unlikely)} is lower, but it is not much likelier than one cluster"
            )
        return (
            f"k = {fit.k} is the likeliest of k = 1 to {tried} whose clusters have at least {counted(self.smallest, 'store', 'stores')}, by {self.one_cluster.criterion - fit.criterion:.0f} "
            f"points over one cluster{passed}; {_found_again(refits)}"
        )

    def _why_one(self, refused: list[int]) -> str:
        tried = max(fit.k for fit in self._fits)
        if tried == 1:
            return why_only_one(self._stores, self.smallest)
        if refused:
            return (
                f"k = 1: k = {_listed(refused)} would be likelier, but resamples do not find the clusters again (stability at least "
                f"{self.settings.min_stability:.2f} and every cluster's Jaccard at least {self.settings.min_jaccard:.2f} are asked for)"
            )
        return f"k = 1: no k from 2 to {tried} whose clusters have at least {counted(self.smallest, 'store', 'stores')} is much likelier than one cluster"


def _after(choice: Choice, passed_over: int | None, barred: Mapping[int, str]) -> Choice:
    """The choice, with the k that was passed over, if any."""
    if passed_over is None:
        return choice
    reason = f"{choice.reason}; k = {passed_over} is not taken: {barred[passed_over]}"
    return choice._replace(reason=reason, passed_over=passed_over)


def _found_again(refits: Refits) -> str:
    return f"its stability is {refits.stability:.2f}, its lowest Jaccard {refits.jaccard:.2f}"


def _listed(numbers: list[int]) -> str:
    return " and ".join(str(number) for number in sorted(numbers))
