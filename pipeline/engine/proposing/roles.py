"""Which file is which source, and which column is which: a guess from names and values, with what is unsure about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.engine.proposing import amounts, gaps, periods, two_columns
from pipeline.engine.proposing.amounts import Written
from pipeline.engine.proposing.samples import Sample
from pipeline.engine.proposing.vocabulary import fit
from pipeline.engine.reading import codes

SALES, NEED_STATES, EXTERNAL = "internal_sales", "need_states", "external"
_SALES_USES = ("store_id", "sku_id", "sales_value", "category", "need_state", "week")
_MAP_USES = ("sku_id", "category", "need_state", "weight")
_NUMBER = re.compile(r"[-+]?[\d.,' \u00a0\u202f\u2019]*\d(?:[eE][-+]?\d+)?-?")
_INDEX = re.compile(r"unnamed:? ?\d*|index|level_\d|__index_level_\d__", re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,15}")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")
_FEW_LEVELS = 60


@dataclass(frozen=True)
class Group:
    """Files with the same columns that are read alike, and what stands for all of them."""

    samples: tuple[Sample, ...]

    @property
    def sample(self) -> Sample:
        """The first of them."""
        return self.samples[0]

    @property
    def paths(self) -> list[Path]:
        """Where they are."""
        return [sample.path for sample in self.samples]


@dataclass(frozen=True)
class Part:
    """A proposed `[sources]` table: which source, whose files, raw column by use (several, where they name it together), columns that are
    no features, what is unsure, and further settings."""

    source: str
    group: Group
    columns: Mapping[str, str | list[str]]
    ignore: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    settings: Written = field(default_factory=dict)


@dataclass
class Proposal:
    """The parts, and what is said of files that are none."""

    parts: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def propose(samples: Sequence[Sample]) -> Proposal:
    """Return a part per source that the files can be: one of sales, at most one of need states, any number of outside data."""
    proposal = Proposal()
    groups = _groups(samples)
    sales = [group for group in groups if _is_sales(group.sample)]
    chosen = max(sales, key=_weight) if sales else None
    if chosen is not None:
        proposal.parts.append(_sales(chosen))
        proposal.left_out += [
            _not_taken(group, "sales too, written in another way; the same ones would count twice")
            for group in sales
            if group is not chosen
        ]
    maps = [group for group in groups if group not in sales and _is_map(group.sample)]
    if maps and chosen is not None:
        taken = max(maps, key=lambda group: len(set(group.sample.columns)))
        proposal.parts.append(_map(taken, proposal.parts[0]))
        proposal.left_out += [
            _not_taken(group, "another file tells more of the SKUs") for group in maps if group is not taken
        ]
    for group in groups:
        if group in sales or group in maps:
            continue
        if (part := _outside(group)) is not None:
            proposal.parts.append(part)
        else:
            proposal.left_out.append(_not_taken(group, _why_not(group.sample)))
    _join(proposal)
    return proposal


def _groups(samples: Sequence[Sample]) -> list[Group]:
    alike: dict[object, list[Sample]] = {}
    for sample in samples:
        key = (
            tuple(sample.columns),
            sample.path.parent,
            sample.path.suffix.lower(),
            str(sample.csv),
            str(sample.excel),
        )
        alike.setdefault(key, []).append(sample)
    return [Group(tuple(same)) for same in alike.values()]


def _weight(group: Group) -> int:
    return sum(len(next(iter(sample.columns.values()), ())) for sample in group.samples)


def _not_taken(group: Group, why: str) -> str:
    return f"{', '.join(path.name for path in group.paths)}: not used: {why}"


def _why_not(sample: Sample) -> str:
    store = _best(sample, "store_id")[0]
    if store is None:
        return "no column looks like a store's, or a SKU's beside something told of it"
    if len(sample.values(store)) < 0.7 * len(sample.columns[store]):
        return f"column {store!r} is empty in most rows, as where cells were merged: fill it down"
    return "there are stores and SKUs, and no column looks like an amount, nor several like weeks"


# ---------------------------------------------------------------- what a column can be


def _best(sample: Sample, use: str, taken: Sequence[str] = ()) -> tuple[str | None, str]:
    """Return the column that fits a use best, and what is unsure about it."""
    scores = {name: fit(name, use) for name in sample.columns if name not in taken and _can_be(sample, name, use)}
    scores = {name: score for name, score in scores.items() if score >= 1}
    if not scores:
        return None, ""
    best = max(scores, key=lambda name: scores[name])
    rivals = [name for name, score in scores.items() if name != best and score == scores[best]]
    return best, f"columns.{use} may be {', '.join(map(repr, rivals))} as well" if rivals else ""


def _can_be(sample: Sample, name: str, use: str) -> bool:
    values = sample.values(name)
    if not values:
        return False
    if use in ("sales_value", "units", "price", "weight"):
        return _is_numeric(values)
    if use == "week":
        return periods.are_weeks(values)
    if use in ("category", "need_state"):
        return not _is_decimal(values) and len(set(values)) < max(0.8 * len(values), 30)
    return not _is_decimal(values)


def _is_numeric(values: Sequence[str]) -> bool:
    texts = [text for text in values if not amounts.is_blank(text)]
    numbers = sum(bool(_NUMBER.fullmatch(text)) or amounts.number_of(text) is not None for text in texts)
    return bool(texts) and numbers >= 0.8 * len(texts)


def _is_decimal(values: Sequence[str]) -> bool:
    """Return whether these are amounts rather than keys: numbers with decimals that are not all zero."""
    return _is_numeric(values) and sum(bool(re.search(r"[.,]\d*[1-9]\d*$", text)) for text in values) > 0.2 * len(
        values
    )


def _is_sales(sample: Sample) -> bool:
    store, _ = _best(sample, "store_id")
    sku, _ = _best(sample, "sku_id", [store] if store else [])
    category, _ = _best(sample, "category")
    amount, _ = _best(sample, "sales_value", [name for name in (store, sku) if name])
    if amount is None:
        amount = _priced(sample)[0] or next(iter(_wide(sample)[0]), None)
    return bool(store and amount and (sku or category)) and (_repeats(sample, str(store)) or bool(_wide(sample)[0]))


def _is_map(sample: Sample) -> bool:
    sku, _ = _best(sample, "sku_id")
    return sku is not None and _best(sample, "store_id", [sku])[0] is None and len(sample.columns) > 1


def _repeats(sample: Sample, name: str) -> bool:
    values = sample.values(name)
    return len(set(values)) < len(values) or not sample.is_whole or len(values) < 3


def _priced(sample: Sample) -> tuple[str | None, str | None]:
    """Return the columns of units and price, where both are there."""
    units, price = _best(sample, "units")[0], _best(sample, "price")[0]
    return (units, price) if units and price else (None, None)


# ---------------------------------------------------------------- parts


def _columns(sample: Sample, uses: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the best column for each use that has one, and what is unsure about the sample and these columns."""
    columns: dict[str, str] = {}
    unsure = [*sample.doubts]
    for use in uses:
        name, doubt = _best(sample, use, list(columns.values()))
        if name is not None:
            columns[use] = name
            unsure += [doubt] if doubt else []
    return columns, unsure


def _wide(sample: Sample) -> tuple[list[str], list[str]]:
    """Return the columns that are weeks, and what stands for them in `week_columns`."""
    numeric = [name for name in sample.columns if _is_numeric(sample.values(name))]
    return periods.week_columns(sample.columns, numeric)


def _sales(group: Group) -> Part:
    sample = group.sample
    columns, unsure = _columns(sample, _SALES_USES)
    settings: Written = {}
    weeks, patterns = _wide(sample)
    if "sales_value" not in columns and weeks and not all(_priced(sample)):
        settings["week_columns"] = patterns
        columns.pop("week", None)
        unsure.append(f"columns {weeks[0]!r} to {weeks[-1]!r} are taken for weeks: see whether their values are sales")
    elif "sales_value" not in columns:
        units, price = _priced(sample)
        columns["sales_value"] = f"{units} * {price}"
        unsure.append(
            f"there is no column of amounts: {units!r} times {price!r} is taken; see whether the price is that of one unit"
        )
    for use in ("store_id", "sku_id"):
        if use in columns and any(_SCIENTIFIC.fullmatch(text) for text in sample.values(columns[use])):
            unsure.append(
                f"column {columns[use]!r} is written as 8.71E+12: its last digits were lost when the file was saved; export it as text"
            )
    named: dict[str, str | list[str]] = dict(columns)
    if "week" in columns:
        if with_year := periods.with_year(sample.columns, columns["week"]):
            named["week"] = with_year
        elif sample.is_whole:
            is_european = sample.csv.get("delimiter") == ";" or sample.csv.get("decimal") == ","
            name, doubt = periods.format_of(sample.values(columns["week"]), is_european=is_european)
            settings |= {"week_format": name} if name else {}
            unsure += [doubt] if doubt else []
    elif not weeks:
        unsure.append(_without_weeks(sample, list(columns.values())))
    keys = [columns[use] for use in ("store_id", "sku_id", "category", "need_state") if use in columns]
    if totals := gaps.totals(sample.columns, keys):
        settings["exclude_rows"] = totals
        unsure += [
            f"in column {name!r}, {', '.join(map(repr, values[:3]))} {'is' if len(values) == 1 else 'are'} taken for totals, and left out"
            for name, values in totals.items()
        ]
    return Part(SALES, group, named, unsure=tuple(unsure), settings=settings)


def _without_weeks(sample: Sample, taken: Sequence[str]) -> str:
    """Return what is lost where no column is taken for weeks, with the column that is named like weeks if there is one."""
    lost = "without weeks nothing says whether the clusters hold on other weeks"
    scores = {name: fit(name, "week") for name in sample.columns if name not in taken and sample.values(name)}
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or scores[best] < 1:
        return f"no column looks like weeks or dates: {lost}"
    return (
        f"column {best!r} is called like weeks, and is not read as such, with values such as {sample.values(best)[0]!r}: {lost}; "
        "write them as 2026-W05 or 2026-01-31"
    )


def _map(group: Group, sales: Part) -> Part:
    sample = group.sample
    columns, unsure = _columns(sample, _MAP_USES)
    shared = sales.columns.get("category")
    if "category" not in columns and shared in sample.columns and shared not in columns.values():
        columns["category"] = str(shared)
    if "need_state" not in columns:
        columns["need_state"], doubt = _attribute(sample, columns)
        unsure.append(doubt)
    return Part(NEED_STATES, group, columns, unsure=tuple(unsure))


def _attribute(sample: Sample, columns: Mapping[str, str]) -> tuple[str, str]:
    """Return the attribute with the most levels that are not too many, else the SKU itself."""
    levels = {name: len(set(sample.values(name))) for name in sample.columns if name not in columns.values()}
    usable = {
        name: count
        for name, count in levels.items()
        if 2 <= count <= _FEW_LEVELS and not _is_decimal(sample.values(name))
    }
    if not usable:
        return columns["sku_id"], "no column says what a SKU is bought for: the mix is over the SKUs"
    best = max(usable, key=lambda name: usable[name])
    return (
        best,
        f"no column is called like a need state: {best!r} has {usable[best]} levels and is taken; it may be {', '.join(map(repr, usable))}",
    )


def _outside(group: Group) -> Part | None:
    sample = group.sample
    store, doubt = _best(sample, "store_id")
    if store is None or _best(sample, "sku_id", [store])[0] is not None:
        return None
    unsure = [*sample.doubts, *([doubt] if doubt else [])]
    values = sample.values(store)
    if len(set(values)) < len(set(zip(*sample.columns.values(), strict=True))):
        unsure.append(f"column {store!r} has the same store in several rows, where one row per store is needed")
    others = [name for name in sample.columns if name != store]
    ignore = [name for name in others if not name.strip() or _INDEX.fullmatch(name)]
    names = [name for name in others if name not in ignore and _is_name(sample, name)]
    coded = [name for name in others if name not in (*ignore, *names) and _is_coded(sample, name)]
    if coded:
        unsure.append(f"whole numbers that look like codes are levels, and no amounts: {', '.join(map(repr, coded))}")
    if names:
        unsure.append(f"texts that differ in nearly every store are labels: {', '.join(map(repr, names))}")
    return Part(
        EXTERNAL,
        group,
        {"store_id": store},
        tuple(name for name in ignore if name),
        tuple(names),
        tuple(unsure),
        {"categorical": coded} if coded else {},
    )


def _is_coded(sample: Sample, name: str) -> bool:
    """Return whether a column of whole numbers behaves like codes, as `check` would doubt it."""
    values = sample.values(name)
    is_whole = bool(values) and all(_WHOLE.fullmatch(text) for text in values)
    return is_whole and codes.are_codes(name, np.array(values, dtype="float64"))


def _is_name(sample: Sample, name: str) -> bool:
    values = sample.values(name)
    is_text = bool(values) and not _is_numeric(values) and not periods.are_weeks(values)
    return is_text and (len(set(values)) >= 0.8 * len(values) > 2 or (fit(name, "label") >= 2 and len(set(values)) > 1))


def _join(proposal: Proposal) -> None:
    """Return what the parts say together: a source that is not there, and a category that only one of them has."""
    by_source = {part.source: part for part in proposal.parts}
    sales, mapped = by_source.get(SALES), by_source.get(NEED_STATES)
    if sales is None:
        proposal.missing.append("no file looks like sales: a store, a SKU or category, and an amount per row")
        return
    _join_stores(proposal, sales)
    if "category" not in sales.columns and (mapped is None or "category" not in mapped.columns):
        proposal.missing.append(
            "no column looks like the category: name it in columns.category of [sources.internal_sales]"
        )
    if mapped is None and "need_state" not in sales.columns:
        proposal.missing.append("no file says which need state a SKU serves: the mix is over the SKUs")
    if EXTERNAL not in by_source:
        proposal.missing.append(
            "no file looks like outside data, a row per store: the stores are clustered on their sales alone"
        )


def _join_stores(proposal: Proposal, sales: Part) -> None:
    """Where outside data names its stores by two columns that the sales have too, both are the key of both."""
    in_sales = sales.columns["store_id"]
    for part in [part for part in proposal.parts if part.source == EXTERNAL]:
        store = part.columns["store_id"]
        if not isinstance(in_sales, str) or not isinstance(store, str):
            continue
        outside, sold = part.group.sample.columns, sales.group.sample.columns
        other = two_columns.partner(outside, sold, store, in_sales)
        if not other:
            continue
        for each, own in ((sales, in_sales), (part, store)):
            unsure = tuple(text for text in each.unsure if not text.startswith(f"column {own!r} has the same store"))
            joined = replace(
                each,
                columns={**each.columns, "store_id": [other, own]},
                ignore=tuple(name for name in each.ignore if name != other),
                labels=tuple(name for name in each.labels if name != other),
                unsure=(
                    *unsure,
                    f"a store is named by columns {other!r} and {own!r} together, as {own!r} alone is not its own",
                ),
            )
            proposal.parts[proposal.parts.index(each)] = joined
        return
