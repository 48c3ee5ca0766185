"""A count stands with its noun in the right number: 1 store, 2 stores."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline

_PACKAGE = Path(pipeline.__file__).parent
_NOUNS = (
    "stores|categories|clusters|weeks|rows|files|tables|runs|tasks|texts|levels|features|placements|overrides|moves|SKUs|columns|days|"
    "need states|values|things|loads|pins"
)
_FOLLOWS = re.compile(rf"^ ({_NOUNS})\b")
# Counts that are never one, by the module and what stands before the noun.
_MORE_THAN_ONE = {
    ("alerts/findings.py", "len(cases)"): "one case has its own line",
    ("cli/grouped.py", "len(members)"): "fewer than five are not grouped",
    ("cli/history.py", "len(matching)"): "one is the run that is meant",
    ("cli/pin.py", "len(stored.files)"): "a pin has eleven tables",
    ("cli/why.py", "len(names)"): "few are named one by one",
    ("config/raw_files.py", "len(same)"): "a copy is there twice at least",
    ("core/between_runs/arrival_changes.py", "len(details)"): "few are named one by one",
    ("core/between_runs/arrivals_new_weeks.py", "round(usual)"): "fewer than usual are said where there usually are many",
    ("engine/reading/week_formats.py", "total"): "of all rows, some of which can be read",
    ("engine/reading/week_formats.py", "sum(counts.values())"): "of all rows, some of which can be read",
    ("engine/reading/weeks.py", "window.asked"): "fewer are found than asked for",
    ("core/clustering/rules.py", "smallest"): "at least this many",
    ("core/clustering/rules.py", "stores"): "two clusters need more than one",
    ("core/clustering/verdicts.py", "cut"): "an axis is cut into two at least",
    ("core/external/columns.py", "distinct"): "more levels than the limit, which is above one",
    ("core/internal/clustering.py", "len(categories)"): "said where there are several",
    ("core/final/placement_rows.py", "counts[pair]"): "a second row is the fault",
    ("engine/proposing/roles.py", "usable[best]"): "an attribute has several levels",
    ("engine/reading/rewriting.py", "len(names)"): "an archive with one file is read",
    ("engine/reading/week_formats.py", "gap - 1"): "a hole has at least three",
}  # fmt: skip


def _counts(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, expression and noun of every plain count in an f-string: a value with a plural right after it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant) and not _is_text(value.value):
                noun = _FOLLOWS.match(str(after.value))
                if noun:
                    yield node.lineno, ast.unparse(value.value), noun[1]


def _is_text(value: ast.expr) -> bool:
    """Whether a value is words: a choice of texts, the side of clusters, or a count with its noun already."""
    return (
        isinstance(value, ast.IfExp)
        or ast.unparse(value) == "side"
        or (isinstance(value, ast.Call) and ast.unparse(value.func) == "counted")
    )


@pytest.mark.parametrize("source", ['f"{n} stores"', 'f"{len(a):,} rows left"', 'f"{a} of {b} categories"'])
def test_a_plain_count_is_seen(source: str) -> None:
    assert len(list(_counts(source))) == 1


def test_what_counts_nothing_is_passed_over() -> None:
    assert (
        list(_counts("f\"{counted(n, 'store has', 'stores have')} features, {a if b else c} weeks, {n} of them\""))
        == []
    )


def test_no_count_of_the_code_can_say_1_stores() -> None:
    faults = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = str(path.relative_to(_PACKAGE))
        for line, count, noun in _counts(path.read_text(encoding="utf-8")):
            if (name, count) not in _MORE_THAN_ONE:
                faults.append(
                    f"{name}, line {line}: {{{count}}} {noun}: use wording.counted, or say here why it is never one"
                )
    assert faults == []


def test_no_message_that_a_test_provokes_says_1_stores() -> None:
    messages = (_PACKAGE.parent / "docs" / "messages.md").read_text(encoding="utf-8")
    assert re.findall(rf"(?<![\d.,=(] )(?<![\d.,])\b1 (?:{_NOUNS})\b", messages) == []
