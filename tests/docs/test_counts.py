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
# Counts that are never one, by what stands before the noun, and the noun.
_MORE_THAN_ONE = {
    ("len(cases)", "categories"): "an alert: one case has its own line",
    ("len(details)", "categories"): "few are named one by one",
    ("len(members)", "categories"): "fewer than five are not grouped",
    ("len(categories)", "categories"): "said where there are several",
    ("len(matching)", "runs"): "one is the run that is meant",
    ("len(stored.files)", "tables"): "a pin has eleven tables",
    ("len(names)", "tasks"): "few are named one by one",
    ("len(names)", "files"): "an archive with one file is read",
    ("len(names)", "columns"): "more than are read at all",
    ("smallest", "stores"): "at least this many",
    ("stores", "stores"): "two clusters need more than one",
    ("distinct", "levels"): "more levels than the limit, which is above one",
    ("counts[pair]", "rows"): "a second row is the fault",
    ("usable[best]", "levels"): "an attribute has several levels",
    ("gap - 1", "weeks"): "a hole has at least three",
    ("round(usual)", "stores"): "fewer than usual are said where there usually are many",
    ("total", "rows"): "of all rows, some of which can be read",
    ("sum(counts.values())", "rows"): "of all rows, some of which can be read",
    ("window.asked", "weeks"): "fewer are found than asked for",
}


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
            if (count, noun) not in _MORE_THAN_ONE:
                faults.append(
                    f"{name}, line {line}: {{{count}}} {noun}: use wording.counted, or say here why it is never one"
                )
    assert faults == []


def test_no_message_that_a_test_provokes_says_1_stores() -> None:
    messages = (_PACKAGE.parent / "docs" / "messages.md").read_text(encoding="utf-8")
    assert re.findall(rf"(?<![\d.,=(] )(?<![\d.,])\b1 (?:{_NOUNS})\b", messages) == []
