"""What stands in columns of numbers beside the numbers: currencies, words for a sign, texts for zero and for a missing value."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pipeline.wording import listed

Value: TypeAlias = "str | int | list[str] | dict[str, int] | dict[str, list[str]]"
Written: TypeAlias = "dict[str, Value]"  # settings, as they are written in TOML

_CURRENCIES = frozenset((
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "JPY", "CNY", "INR", "BRL",
    "MXN", "KWD", "BHD", "OMR", "JOD", "AED", "SAR", "QAR", "AUD", "CAD", "NZD", "ZAR", "KRW", "SGD", "HKD", "THB", "IDR", "VND",
    "PHP", "MYR", "kr", "z\u0142", "K\u010d", "Ft", "lei", "Rs", "Rs.", "R$", "Fr.",
))  # fmt: skip
_SIGNS = {"CR": -1, "DR": 1, "Cr": -1, "Dr": 1, "H": -1, "S": 1}  # credit and debit, also in German (Haben, Soll)
_MISSING = frozenset(("na", "n/a", "n.a.", "nan", "null", "none", "nil", "?", "#n/a", "k.a.", "nd", "n.d.", "."))
_ZERO = frozenset(("-", "\u2013", "\u2014"))
_SPACE = r"[\s\u00a0\u202f]*"
_NUMBER = r"[\d][\d.,'\u2019 \u00a0\u202f]*"
_AMOUNT = re.compile(
    rf"[-+(\u2212]?{_SPACE}(?P<before>[^\d\s(),'+\-\u2212]{{1,4}})?{_SPACE}[-+\u2212]?(?P<number>{_NUMBER}|[.,]\d+)\)?"
    rf"{_SPACE}-?{_SPACE}(?P<after>[^\d\s(),'+\-\u2212]{{1,4}})?\)?"
)


def is_blank(text: str) -> bool:
    """Return whether a text stands for zero or for a missing value."""
    return text in _ZERO or text.lower() in _MISSING


def number_of(text: str) -> str | None:
    """Return the digits and marks of a text that is a number, perhaps with a sign, a currency or a word for a sign; None if it is none."""
    parts = _parts(text)
    return None if parts is None else parts[0]


def settings_of(columns: Mapping[str, Sequence[str | None]]) -> tuple[Written, list[str]]:
    """Return the settings `currency`, `signs`, `zero` and `missing` that these columns need, and what is unsure about them.

    Only columns in which most texts are numbers count. Without such texts nothing is set.
    """
    words: Counter[str] = Counter()
    blanks: dict[str, str] = {}
    for name, values in columns.items():
        texts = Counter(text.strip() for text in values if text and text.strip())
        parts = {text: _parts(text) for text in texts}
        if sum(count for text, count in texts.items() if parts[text]) <= 0.5 * texts.total():
            continue
        for text, count in texts.items():
            if (number := parts[text]) is not None:
                words.update(dict.fromkeys(number[1], count))
            elif is_blank(text):
                blanks.setdefault(text, name)
    settings, unsure = _beside(words)
    more, unsure_too = _instead(blanks)
    return settings | more, unsure + unsure_too


def _beside(words: Counter[str]) -> tuple[Written, list[str]]:
    """Return the settings for words beside numbers, by how often each occurs."""
    settings: Written = {}
    unsure = []
    currencies = [word for word, _ in words.most_common() if word not in _SIGNS]
    if currencies:
        settings["currency"] = currencies[0]
    if len(currencies) > 1:
        unsure.append(f"its amounts are in several currencies: {listed(sorted(currencies))}; they cannot be added up")
    if signs := {word: _SIGNS[word] for word in sorted(words) if word in _SIGNS}:
        settings["signs"] = signs
        unsure.append(
            f"{listed(list(signs))} beside amounts are taken for their sign: see whether returns are negative"
        )
    return settings, unsure


def _instead(blanks: Mapping[str, str]) -> tuple[Written, list[str]]:
    """Return the settings for texts in place of numbers; `blanks`: the column of each."""
    settings: Written = {}
    unsure = []
    if zero := sorted(text for text in blanks if text in _ZERO):
        settings["zero"] = zero
        unsure.append(f"in column {blanks[zero[0]]!r}, {zero[0]!r} is taken for zero")
    if missing := sorted(text for text in blanks if text not in _ZERO):
        settings["missing"] = missing
        unsure.append(
            f"in column {blanks[missing[0]]!r}, {missing[0]!r} is taken for a missing value, and so in every column of the file"
        )
    return settings, unsure


def _parts(text: str) -> tuple[str, list[str]] | None:
    """Return the number of a text, and the words around it; None if it is no number."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    words = [word for word in (match["before"], match["after"]) if word]
    return (match["number"].strip(), words) if all(map(_is_known, words)) else None


def _is_known(word: str) -> bool:
    return word in _CURRENCIES or word in _SIGNS or (len(word) == 1 and unicodedata.category(word) == "Sc")
