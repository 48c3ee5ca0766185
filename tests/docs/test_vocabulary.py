"""Names in the code say what they hold: words such as `found` or `told` name no variable and no function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline
from pipeline.schema import TABLES

_PACKAGE = Path(pipeline.__file__).parent
_EMPTY_WORDS = frozenset({"found", "told", "said", "known", "kept", "made", "one", "place", "look"})

# Published columns: a variable may hold one. `kept` is the share of the explained mix that other weeks keep.
_COLUMNS = frozenset({"kept"}) & {column.name for table in TABLES.values() for column in table.columns}

_VERBS = frozenset({"place", "look"})  # as names of functions


def _named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every variable, argument, attribute and function that the code names itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, "" if node.name in _VERBS else node.name
        elif isinstance(node, (ast.ClassDef, ast.ExceptHandler)) and node.name:
            yield node.lineno, node.name


def _empty_words(source: str, columns: frozenset[str] = frozenset()) -> list[str]:
    named = _named(ast.parse(source))
    # Constants such as KEPT = "kept" name a published value.
    return [
        f"line {line}: {name}"
        for line, name in named
        if not name.isupper() and name.lower().strip("_") in _EMPTY_WORDS - columns
    ]


@pytest.mark.parametrize(
    "source",
    [
        "found = 1", "for one in []: pass", "def told(): pass", "def f(known): pass", "[place for place in []]", "self.kept = 1",
        "lambda made: 1", "def _said(): pass", "with f() as look: pass", "(found := 1)", "class Look: pass",
    ],
)  # fmt: skip
def test_an_empty_word_is_seen_wherever_it_names_something(source: str) -> None:
    assert len(_empty_words(source)) == 1


def test_words_in_texts_comments_and_names_of_other_modules_are_no_names() -> None:
    assert _empty_words('print("found", x.made)  # told\nfound_fresh(made=1)\ndef place(): pass\nKEPT = "kept"') == []


def test_no_name_in_the_code_is_an_empty_word() -> None:
    faults = [
        f"{path.relative_to(_PACKAGE)}, {fault}: name it after what it holds"
        for path in sorted(_PACKAGE.rglob("*.py"))
        for fault in _empty_words(path.read_text(encoding="utf-8"), _COLUMNS)
    ]
    assert faults == []
