"""Rows that are no rows of data, and values that hold for the rows below them: footers, totals, and what was merged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline.engine.proposing.vocabulary import fit

Columns = Mapping[str, Sequence[str | None]]

_KEYS = ("store_id", "sku_id", "category", "need_state", "week")
_SPARSE = 0.7  # of the rows have a value, at most, where it holds for those below it
_TOTAL = re.compile(
    r"(?:grand |sub|overall |zwischen|sous-|sub-)?(?:total(?:e|es)?|totaal|totaux|sum|summe|gesamt(?:summe|ergebnis)?|suma|razem|somme|"
    r"result(?:at)?|all stores|alle filialen)\b.*|.* (?:total|result|ergebnis|gesamt)",
    re.IGNORECASE,
)


def filled_down(columns: Columns) -> tuple[dict[str, Sequence[str | None]], list[str]]:
    """Return the columns with values repeated below them, and the names of those columns where that was needed.

    These are columns of keys that have a value in the first row and in few of the others, while another column has one in nearly all.
    """
    counts = {name: sum(bool(text and text.strip()) for text in values) for name, values in columns.items()}
    most = max(counts.values(), default=0)
    names = [
        name
        for name, values in columns.items()
        if most > 2
        and 0 < counts[name] <= _SPARSE * most
        and values[0]
        and values[0].strip()
        and any(fit(name, use) >= 1 for use in _KEYS)
    ]
    return {name: _repeated(values) if name in names else values for name, values in columns.items()}, names


def _repeated(values: Sequence[str | None]) -> list[str | None]:
    result: list[str | None] = []
    last: str | None = None
    for text in values:
        last = text if text and text.strip() else last
        result.append(last)
    return result


def footer_rows(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows at the end are no rows of data: with fewer fields than the others, or with a text in the first field alone.

    0 if the last row is one of data.
    """
    count = 0
    for row in reversed(rows):
        filled = [text for text in row if text.strip()]
        if len(row) == width and len(filled) > 1:
            break
        count += 1
    return count if count < len(rows) else 0


def totals(columns: Columns, names: Sequence[str]) -> dict[str, list[str]]:
    """Return by column the values that are called a total, where the others are not; empty if there are none."""
    called = {
        name: sorted({text.strip() for text in columns[name] if text and _TOTAL.fullmatch(text.strip())})
        for name in names
    }
    return {
        name: values
        for name, values in called.items()
        if values and len(values) < len({text for text in columns[name] if text}) / 2 + 1
    }
