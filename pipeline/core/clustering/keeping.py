"""Whether the number of clusters that a reference has stands, where another is hardly better."""

from __future__ import annotations

from pipeline.core.clustering.rules import Choice, KFigures, criterion, is_reproducible, smallest_size
from pipeline.settings import ClusteringSettings

NEARLY = 0.95  # of what the chosen k gains over one cluster in `criterion`: then the k of the reference stands


def as_before(
    figures: list[KFigures], choice: Choice, k_before: int, settings: ClusteringSettings, stores: int
) -> Choice:
    """The choice, or the reference's k where that still qualifies and gains nearly as much.

    Between two k whose BIC is nearly the same a few stores decide, and a k that changes renumbers many stores. So the k of
    the reference stands where it is reproducible, its clusters are large enough, and its `criterion` lies below that of
    one cluster by `NEARLY` of what the chosen one's does. A cluster that is really new or gone changes it by more.

    Parameters
    ----------
    figures : those of k = 1, 2, ...
    choice : what `rules.take` took; a k that is set, and that of another rule than `bic_stable`, stands
    k_before : the number of clusters of the reference
    stores : the number of stores fitted
    """
    tried = 1 < k_before <= len(figures)
    if settings.k is not None or settings.rule != "bic_stable" or not tried or k_before == choice.k:
        return choice
    before, chosen, one = figures[k_before - 1], figures[choice.k - 1], figures[0]
    worth = {of_k.k: one.bic - criterion(of_k.bic, of_k.jaccard, stores) for of_k in (before, chosen)}
    qualifies = is_reproducible(
        before.stability, before.jaccard, settings
    ) and before.smallest_cluster >= smallest_size(settings, stores)
    if not qualifies or worth[k_before] < NEARLY * worth[choice.k] or worth[k_before] <= 0:
        return choice
    return Choice(
        k_before,
        f"k = {k_before} stands, as in the reference: its BIC, with a charge for instability ({one.bic - worth[k_before]:.0f}; k = 1: "
        f"{one.bic:.0f}), is nearly as low as that of k = {choice.k} ({one.bic - worth[choice.k]:.0f}); its stability is {before.stability:.2f}, its lowest Jaccard "
        f"{before.jaccard:.2f}",
    )
