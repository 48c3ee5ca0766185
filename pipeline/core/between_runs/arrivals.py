"""What did not arrive: how the raw files of a load differ from those of the load before, and which of it somebody should look at.

Loads are compared where they can be: a source whose settings changed is not, categories and stores that are in both are, and weeks
that are in both before weeks that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.core.between_runs import arrivals_by_week
from pipeline.core.between_runs.arrival_changes import Change, folded, gone, new, percent
from pipeline.core.between_runs.delivery import Delivery, Sales
from pipeline.core.frames import frame
from pipeline.schema import ALL_CATEGORIES, ALL_WEEKS, TABLES
from pipeline.settings import Deliveries
from pipeline.wording import counted, listed

AREAS = ("categories", "stores", "sales", "weeks", "outside_data", "need_states")
_ALIKE = 0.02  # of the sales, by which what has another name may differ and be the same
_ABOUT = 0.1  # the same of a share of the sales, in other weeks
NAMED = 10  # stores and categories in a sentence; further ones are counted
_REPLACED = 0.9  # of what is gone, that came under other names: it was named anew


@dataclass(frozen=True)
class Comparison:
    """How a load differs from the one before; `notes` say what was not compared, and what has another name, a line each."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> list[str]:
        """What somebody should look at, a line each, without repetition."""
        return list(dict.fromkeys(change.words for change in self.changes if change.is_finding))

    def table(self) -> pd.DataFrame:
        """The table `delivery_changes`."""
        return frame(TABLES["delivery_changes"], [tuple(change) for change in self.changes])

    def of_areas(self, areas: Sequence[str]) -> list[str]:
        """The findings of these areas."""
        return list(dict.fromkeys(c.words for c in self.changes if c.is_finding and c.area in areas))


def compare(
    now: Delivery,
    last: Delivery | None,
    settings: Deliveries,
    *,
    earlier: Delivery | None = None,
    last_has_findings: bool = False,
    last_weeks: int | None = None,
) -> Comparison:
    """How a delivery differs from the last one.

    Parameters
    ----------
    now : the load's delivery
    last : the delivery of the load before; None if there is none: then nothing is compared
    settings : the limits beyond which a change is a finding
    earlier : the delivery of the load before `last`; None if there is none
    last_has_findings : whether `last` had findings itself, compared with `earlier`: what it lacked and now is there again is none
    last_weeks : how many weeks are read; fewer weeks than before are no finding if there are still as many
    """
    if last is None:
        return Comparison()
    comparison = _compare(now, last, settings, earlier, last_weeks)
    if earlier is None or not last_has_findings or not comparison.findings:
        return comparison
    against_earlier = {c.key for c in _compare(now, earlier, settings, None, last_weeks).changes if c.is_finding}
    changes = tuple(replace_finding(c, c.is_finding and c.key in against_earlier) for c in comparison.changes)
    return replace(comparison, changes=changes)


def replace_finding(change: Change, is_finding: bool) -> Change:
    """The same change, as a finding or not."""
    return change._replace(is_finding=is_finding)


def _compare(
    now: Delivery, last: Delivery, settings: Deliveries, earlier: Delivery | None, last_weeks: int | None
) -> Comparison:
    changed = sorted(
        source for source in {*now.settings, *last.settings} if now.settings.get(source) != last.settings.get(source)
    )
    changes: list[Change] = []
    for sources, rows_of in _COMPARED.items():
        if not set(sources) & set(changed) and all(source in now.settings for source in sources[:1]):
            changes += rows_of(now, last, settings)
    if "internal_sales" in now.settings and "internal_sales" not in changed:
        changes += arrivals_by_week.changes(now, last, settings, earlier, last_weeks)
    notes = [f"{source}: its settings changed since the last load, so it is not compared with it" for source in changed]
    notes += [change.words for change in changes if change.kind.endswith(" renamed")]
    return Comparison(tuple(sorted(changes, key=lambda change: (AREAS.index(change.area), change.key))), tuple(notes))


def _categories(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    was, is_now = Sales(last), Sales(now)
    renamed = dict(_renamed(was, is_now))
    missing = sorted(was.totals.keys() - is_now.totals.keys() - renamed.keys())
    share = sum(map(was.share, missing))
    words = f"{_counted_of(len(missing), len(was.totals), 'category', 'categories')} gone, with {percent(share)} of the sales: {listed(missing, NAMED)}"
    for name in missing:
        yield gone("categories", "categories gone", name, was.totals[name] / 100, share, settings.max_gone_sales, words)
    for name in sorted(is_now.totals.keys() - was.totals.keys() - set(renamed.values())):
        yield new("categories", "categories new", name, is_now.totals[name] / 100, f"the category {name} is new")
    for name, other in sorted(renamed.items()):
        words = f"the category {name} is called {other} now: its sales are the same"
        yield Change(
            "categories",
            "categories renamed",
            name,
            ALL_WEEKS,
            was.totals[name] / 100,
            is_now.totals[other] / 100,
            words=words,
        )


def _renamed(was: Sales, now: Sales) -> Iterator[tuple[str, str]]:
    """Categories that are gone, each with a new one that has the same sales."""
    free = sorted(now.totals.keys() - was.totals.keys())
    for name in sorted(was.totals.keys() - now.totals.keys()):
        for other in free:
            if _are_alike(was, name, now, other):
                free.remove(other)
                yield name, other
                break


def _are_alike(was: Sales, name: str, now: Sales, other: str) -> bool:
    """Whether two categories have the same sales in the weeks of both; where there are none, the same share of the sales."""
    before, after = was.by_week.get(name, {}), now.by_week.get(other, {})
    both = before.keys() & after.keys()
    if not both:
        return abs(now.share(other) - was.share(name)) <= _ABOUT * was.share(name)
    return sum(abs(before[week] - after[week]) for week in both) <= _ALIKE * sum(abs(before[week]) for week in both)


def _stores(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    missing, added = sorted(last.stores.keys() - now.stores.keys()), sorted(now.stores.keys() - last.stores.keys())
    share = len(missing) / max(len(last.stores), 1)
    sales = sum(last.stores[store] for store in missing) / max(sum(last.stores.values()), 1)
    hint = ""
    if added and len(added) >= _REPLACED * len(missing):
        hint = f"; {counted(len(added), 'is', 'are')} new ({listed(added, NAMED)}): see whether their numbers are written in another way"
    words = f"{_counted_of(len(missing), len(last.stores), 'store', 'stores')} gone from the sales, with {percent(sales)} of them: {listed(missing, NAMED)}{hint}"
    for store in missing:
        yield gone("stores", "stores gone", store, last.stores[store] / 100, share, settings.max_gone_share, words)
    for store in added:
        yield new("stores", "stores new", store, now.stores[store] / 100, f"the store {store} is new in the sales")
    yield from _fallen_stores(now, last, settings)


def _fallen_stores(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    """Stores whose sales fell much more than those of others."""
    ratios = pd.Series(
        {store: now.stores[store] / cents for store, cents in last.stores.items() if cents > 0 and store in now.stores}
    )
    usual = float(ratios.median()) if len(ratios) else 0.0
    fallen = [str(store) for store in sorted(ratios.index[ratios < (1 - settings.max_sales_change) * usual])]
    if usual <= 0 or not fallen:
        return
    share = len(fallen) / len(ratios)
    words = (
        f"the sales of {_counted_of(len(fallen), len(ratios), 'store', 'stores', verb='')} fell by more than "
        f"{percent(settings.max_sales_change)} against the others: {listed([f'{store} ({percent(ratios[store] - 1)})' for store in fallen], NAMED)}"
    )
    for store in fallen:
        yield Change(
            "stores", "stores fell", store, ALL_WEEKS, last.stores[store] / 100, now.stores[store] / 100, share,
            settings.max_gone_share, share > settings.max_gone_share, words,
        )  # fmt: skip


def _outside_stores(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    missing = sorted(set(last.outside_stores) - set(now.outside_stores))
    share = len(missing) / max(len(last.outside_stores), 1)
    words = f"outside data: {_counted_of(len(missing), len(last.outside_stores), 'store', 'stores')} gone: {listed(missing, NAMED)}"
    for store in missing:
        yield gone("outside_data", "outside stores gone", store, None, share, settings.max_gone_share, words)
    for store in sorted(set(now.outside_stores) - set(last.outside_stores)):
        yield new("outside_data", "outside stores new", store, None, f"outside data: the store {store} is new")


def _coverage(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    """The share of the stores with sales that the outside data has."""
    was, is_now = (
        len(side.stores.keys() & set(side.outside_stores)) / len(side.stores) if side.stores else None
        for side in (last, now)
    )
    gone_share = len(set(last.outside_stores) - set(now.outside_stores)) / max(len(last.outside_stores), 1)
    if was is None or is_now is None or is_now >= was or gone_share > settings.max_gone_share:
        return  # the stores that are gone say it already
    without = sorted(now.stores.keys() - set(now.outside_stores))
    words = f"outside data: it has {percent(is_now)} of the stores with sales, and had {percent(was)}: without it are {listed(without, NAMED)}"
    yield Change(
        "outside_data", "coverage fell", ALL_CATEGORIES, ALL_WEEKS, was, is_now, was - is_now, settings.max_gone_share,
        was - is_now > settings.max_gone_share, words,
    )  # fmt: skip


def _features(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    added = {now.features[name].content: name for name in sorted(now.features.keys() - last.features.keys())}
    for name in sorted(last.features.keys() - now.features.keys()):
        before = last.features[name]
        if before.content in added:
            words = f"outside data: {name} is called {added.pop(before.content)} now: its values are the same"
            yield Change("outside_data", "features renamed", name, ALL_WEEKS, before.stores, before.stores, words=words)
        else:
            yield gone(
                "outside_data",
                "features gone",
                name,
                before.stores,
                None,
                None,
                f"outside data: the column {name} is gone",
            )
    for name in sorted(added.values()):
        words = f"outside data: the column {name} is new"
        yield new("outside_data", "features new", name, now.features[name].stores, words)
    sides = [(last.features, max(len(last.outside_stores), 1)), (now.features, max(len(now.outside_stores), 1))]
    for name in sorted(last.features.keys() & now.features.keys()):
        was, is_now = (features[name].stores / stores for features, stores in sides)
        if was - is_now > 0:
            words = (
                f"outside data: {name} has a value for {percent(is_now)} of its stores, and had one for {percent(was)}"
            )
            yield Change(
                "outside_data", "features emptier", name, ALL_WEEKS, was, is_now, was - is_now, settings.max_gone_share,
                was - is_now > settings.max_gone_share, words,
            )  # fmt: skip


def _need_states(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    lost = {}
    for category in sorted(last.need_states.keys() & now.need_states.keys()):
        was, is_now = last.need_states[category], now.need_states[category]
        missing = sorted(was.keys() - is_now.keys())
        all_before, all_now = (max(sum(max(cents, 0) for cents in side.values()), 1) for side in (was, is_now))
        share = sum(max(was[name], 0) for name in missing) / all_before
        added = sum(max(is_now[name], 0) for name in is_now.keys() - was.keys()) / all_now
        if missing:
            lost[category] = (missing, share, None if added >= _REPLACED * share else settings.max_gone_share)
    words = folded(
        "need states are gone, with that much of its sales",
        {name: f"{percent(share)}: {listed(missing, NAMED)}" for name, (missing, share, _) in lost.items()},
    )
    for category, (missing, share, limit) in lost.items():
        for name in missing:
            before = last.need_states[category][name] / 100
            is_finding = limit is not None and share > limit
            yield Change(
                "need_states",
                "need states gone",
                f"{category}: {name}",
                ALL_WEEKS,
                before,
                None,
                share,
                limit,
                is_finding,
                words[category],
            )
    yield from _unmapped(now, last, settings)


def _unmapped(now: Delivery, last: Delivery, settings: Deliveries) -> Iterator[Change]:
    """Categories of whose sales more have no need state than before."""
    rises = {
        name: now.unmapped[name] - share
        for name, share in sorted(last.unmapped.items())
        if now.unmapped.get(name, 0) > share
    }
    beyond = {name for name, rise in rises.items() if rise > settings.max_gone_share}
    shown = {name: f"{percent(last.unmapped[name])} -> {percent(now.unmapped[name])}" for name in rises}
    what = "the share of its sales without a need state rose"
    words = {
        **folded(what, {name: text for name, text in shown.items() if name not in beyond}),
        **folded(what, {name: shown[name] for name in sorted(beyond)}),
    }
    for name, rise in rises.items():
        yield Change(
            "need_states", "unmapped rose", name, ALL_WEEKS, last.unmapped[name], now.unmapped[name], rise,
            settings.max_gone_share, name in beyond, words[name],
        )  # fmt: skip


# What is compared by the sources that it is read from; a change in the settings of one of them leaves it out, and so does a first
# one that is not there.
_COMPARED: Mapping[tuple[str, ...], Callable[[Delivery, Delivery, Deliveries], Iterator[Change]]] = {
    ("internal_sales", "need_states"): _need_states,
    ("internal_sales",): lambda now, last, settings: iter(
        [*_categories(now, last, settings), *_stores(now, last, settings)]
    ),
    ("external",): lambda now, last, settings: iter(
        [*_features(now, last, settings), *_outside_stores(now, last, settings)]
    ),
    ("external", "internal_sales"): _coverage,
}


def _counted_of(count: int, every: int, singular: str, plural: str, *, verb: str = "is|are") -> str:
    """`1 of 38 stores is`, `10 of 38 stores are`; without the verb if it is empty."""
    if not verb:
        return f"{count:,} of {counted(every, singular, plural)}"
    return f"{count:,} of {counted(every, singular, plural)} {verb.split('|')[count != 1]}"
