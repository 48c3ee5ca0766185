"""A change between the raw files of two loads: a row of `delivery_changes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.schema import ALL_WEEKS
from pipeline.wording import listed

_MOST = 3  # subjects with a sentence of their own
_NAMED = 10


class Change(NamedTuple):
    """A row of `delivery_changes`, in the order of its columns."""

    area: str
    kind: str
    subject: str
    week: str
    before: float | None
    now: float | None
    share: float | None = None
    limit: float | None = None
    is_finding: bool = False
    words: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its row."""
        return self.kind, self.subject, self.week


def gone(
    area: str, kind: str, subject: str, before: float | None, share: float | None, limit: float | None, words: str
) -> Change:
    """Something that is not there any more: a finding if its share is above the limit, and always where there is no limit."""
    is_finding = limit is None or (share or 0.0) > limit
    return Change(area, kind, subject, ALL_WEEKS, before, None, share, limit, is_finding, words)


def new(area: str, kind: str, subject: str, now: float | None, words: str) -> Change:
    """Something that was not there before; no finding."""
    return Change(area, kind, subject, ALL_WEEKS, None, now, words=words)


def finding(
    area: str,
    kind: str,
    subject: str,
    week: str,
    figures: tuple[float | None, float | None],
    weighed: tuple[float | None, float | None],
    words: str,
) -> Change:
    """A finding; `figures` before and now, and the share that was `weighed` with its limit."""
    return Change(area, kind, subject, week, *figures, *weighed, is_finding=True, words=words)


def folded(what: str, details: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each subject; the same one for all of them where they are many.

    >>> folded("no sales", {"Bread": "24 %"})
    {'Bread': 'Bread: no sales (24 %)'}
    """
    if len(details) <= _MOST:
        return {name: f"{name}: {what} ({detail})" for name, detail in details.items()}
    shown = listed([f"{name} ({detail})" for name, detail in details.items()], _NAMED)
    return dict.fromkeys(details, f"{len(details):,} categories: {what}: {shown}")


def percent(share: float) -> str:
    """A share as whole percent; small ones with a decimal.

    >>> percent(0.257), percent(0.004), percent(-0.5)
    ('26 %', '0.4 %', '-50 %')
    """
    return f"{100 * share:.0f} %" if abs(share) >= 0.05 else f"{100 * share:.1f} %"
