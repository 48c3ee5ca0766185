"""How texts write numbers: what is one under given settings, in SQL and in Python, and which settings would make texts numbers.

Signs are read wherever they cannot mean anything else: 12.50-, (5.00) and the minus of typographers are negative. What can mean
two things (1.003 and 1,003, CR, a dash for nothing) is left to settings, and the error that meets it names them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from pipeline.duck.quoting import literal
from pipeline.settings import TextSettings

_SPACES = " \u00a0\u2007\u2009\u202f"  # what programs write between thousands for "a space"
_AROUND = f"{_SPACES}\t\r"
_MINUS = "\u2212\u2013\u2012\uff0d-"
_APOSTROPHES = "'\u2019\u02bc"
_GROUPS = {"": "", " ": f"[{_SPACES}]", "'": f"[{_APOSTROPHES}]"}
_DASHES = frozenset("-\u2013\u2014\u2212") | {"--"}
_SIGN_WORDS = ("CR", "DR", "Cr", "Dr", "cr", "dr", "C", "D", "H", "S")
MISSING = frozenset(
    {"na", "n/a", "#n/a", "n.a.", "n. a.", "nan", "null", "none", "nil", "missing", "unknown", "unk", "?", ".", "..", "...", "#n/v",
     "n/v", "nv", "k.a.", "k. a.", "n.v.", "nd", "n/d", "n.d.", "s/o", "tbd", "tba", "-", "--", "\u2013", "\u2014"}
)  # fmt: skip


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written in texts.

    Attributes
    ----------
    decimal : the decimal mark; None where nobody said: then it is a point, and texts that leave it open are asked about
    thousands : what stands between groups of three digits (and of two, as in India); "" is nothing
    currency : what stands before or behind amounts; "" is nothing
    signs : what stands before or behind amounts and says their sign, such as (CR, -1)
    zero : texts that stand for zero
    """

    decimal: str | None = None
    thousands: str = ""
    currency: str = ""
    signs: tuple[tuple[str, int], ...] = ()
    zero: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: TextSettings) -> NumberFormat:
        """Return the format that a source's settings tell."""
        signs = tuple(sorted(settings.signs.items()))
        return cls(settings.decimal, settings.thousands, settings.currency.strip(), signs, settings.zero)

    @property
    def point(self) -> str:
        """The decimal mark."""
        return self.decimal or ("," if self.thousands == "." else ".")

    @cached_property
    def _digits(self) -> str:
        point = re.escape(self.point)
        mark = _GROUPS.get(self.thousands, re.escape(self.thousands))
        groups = f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}" if mark else ""
        whole = f"(?:[0-9]+|{groups})" if groups else "[0-9]+"
        return f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"

    @cached_property
    def plain(self) -> str:
        """The pattern of a number with a sign in front, or none."""
        return f"[{_AROUND}]*[+-]?{self._digits}(?:[eE][+-]?[0-9]+)?[{_AROUND}]*"

    @cached_property
    def dressed(self) -> str:
        """The pattern of a number with a sign elsewhere, in brackets, with a currency or a word for its sign."""
        blank, sign = f"[{_AROUND}]*", f"[+{_MINUS}]"
        money = f"(?:{re.escape(self.currency)}{blank})?" if self.currency else ""
        behind = f"(?:{blank}{re.escape(self.currency)})?" if self.currency else ""
        body = f"{self._digits}"
        shapes = [
            f"(?:{sign}{blank})?{money}{body}{behind}",
            f"{money}{body}{behind}{blank}{sign}",
            f"{money}\\({blank}{money}{body}{behind}{blank}\\){behind}",
        ]
        if self.currency:
            shapes += [f"{money}{sign}{blank}{body}", f"{body}{blank}{sign}{behind}"]
        if self.signs:
            word = f"(?:{'|'.join(re.escape(text) for text in _longest_first(dict(self.signs)))})"
            shapes += [f"{money}{body}{behind}{blank}{word}", f"{word}{blank}{money}{body}{behind}"]
        return f"{blank}(?:{'|'.join(shapes)}){blank}"

    def matches(self, text: str) -> bool:
        """Return whether a text is a number."""
        return bool(
            self.without_currency(text) in self.zero
            or re.fullmatch(self.plain, text)
            or re.fullmatch(self.dressed, text)
        )

    def without_currency(self, text: str) -> str:
        """Return a text without the currency and the blanks around it."""
        return (text.replace(self.currency, "") if self.currency else text).strip(_AROUND)

    def sql(self, expression: str) -> str:
        """Return the SQL of the number that a text stands for, DOUBLE; null where it stands for none."""
        mark = _GROUPS.get(self.thousands, re.escape(self.thousands))
        bare = f"REGEXP_REPLACE({expression}, {literal(f'[{_AROUND}]+' + (f'|{mark}' if mark else ''))}, '', 'g')"
        if self.point != ".":
            bare = f"REPLACE({bare}, {literal(self.point)}, '.')"
        cases = [f"WHEN REGEXP_FULL_MATCH({expression}, {literal(self.plain)}) THEN TRY_CAST({bare} AS DOUBLE)"]
        if self.zero:
            inner = f"REPLACE({expression}, {literal(self.currency)}, '')" if self.currency else expression
            zeros = ", ".join(literal(text) for text in self.zero)
            cases.append(f"WHEN TRIM({inner}, {literal(_AROUND)}) IN ({zeros}) THEN 0.0")
        cases.append(
            f"WHEN REGEXP_FULL_MATCH({expression}, {literal(self.dressed)}) THEN {self._undressed(expression)}"
        )
        return f"CASE {' '.join(cases)} END"

    def _undressed(self, expression: str) -> str:
        inner = f"REPLACE({expression}, {literal(self.currency)}, '')" if self.currency else expression
        words = [re.escape(word) for word in _longest_first(dict(self.signs))]
        bare = f"REGEXP_REPLACE({inner}, {literal('|'.join(words))}, '', 'g')" if words else inner
        digits = f"REGEXP_REPLACE({bare}, {literal(f'[^0-9{self.point}]')}, '', 'g')"
        if self.point != ".":
            digits = f"REPLACE({digits}, {literal(self.point)}, '.')"
        negative = [f"[({_MINUS}]", *(re.escape(word) for word, sign in self.signs if sign < 0)]
        return f"CASE WHEN REGEXP_MATCHES({inner}, {literal('|'.join(negative))}) THEN -1 ELSE 1 END * TRY_CAST({digits} AS DOUBLE)"


def _longest_first(words: Collection[str]) -> list[str]:
    return sorted(words, key=lambda word: (-len(word), word))


def could_be_thousands(texts: Collection[str], given: NumberFormat) -> bool:
    """Return whether texts leave open what their point is: all that have one have exactly three digits behind it, and others have none."""
    if given.decimal is not None or given.thousands:
        return False
    behind = {len(text.strip().partition(".")[2]) for text in texts if "." in text}
    short = all(len(text.strip(f"{_AROUND}+-").partition(".")[0]) <= 3 for text in texts if "." in text)
    return behind == {3} and short and any(text.strip() and "." not in text for text in texts)


def advice(texts: Collection[str], given: NumberFormat) -> list[dict[str, object]]:
    """Return settings under which all these texts are numbers or missing, the ones with the fewest changes; several where it is open.

    Parameters
    ----------
    texts : distinct texts of a column, some of which are no number
    given : how they are read now
    """
    zero = tuple(sorted({given.without_currency(text) for text in texts} & _DASHES))
    missing = sorted(
        {text.strip() for text in texts if text.strip().casefold() in MISSING and text.strip() not in _DASHES}
    )
    rest = [text for text in texts if text.strip() not in missing]
    changes: dict[str, object] = {"missing": missing} if missing else {}
    base, changed = _worded(rest, given)
    changes |= changed
    if zero:
        base = replace(base, zero=tuple({*base.zero, *zero}))
        if not all(given.matches(text) for text in zero):
            changes["zero"] = list(base.zero)
    fitting = [marks for marks in _marks(base) if all(_marked(base, marks).matches(text) for text in rest)]
    fewest = min((len(marks) for marks in fitting), default=0)
    return [{**changes, **marks} for marks in fitting if len(marks) == fewest]


def _marked(base: NumberFormat, marks: Mapping[str, str]) -> NumberFormat:
    return replace(base, decimal=marks.get("decimal", base.decimal), thousands=marks.get("thousands", base.thousands))


def _marks(base: NumberFormat) -> Iterator[dict[str, str]]:
    """Other decimal and thousands marks, as far as they differ from those that are read now."""
    for decimal, thousands in product((".", ","), ("", ",", ".", " ", "'")):
        if decimal != thousands:
            changed = {} if decimal == base.point else {"decimal": decimal}
            yield changed if thousands == base.thousands else {**changed, "thousands": thousands}


def _worded(texts: Collection[str], given: NumberFormat) -> tuple[NumberFormat, dict[str, object]]:
    """Return the format with what stands beside the digits as its currency, or as words for signs; and the settings that say so."""
    around = {_word(text) for text in texts if re.search("[0-9]", text)} - {"", given.currency, *dict(given.signs)}
    if not around:
        return given, {}
    if around <= set(_SIGN_WORDS):
        signs = {word: -1 if word.upper() in ("CR", "C", "H") else 1 for word in sorted(around)}
        every = {**dict(given.signs), **signs}
        return replace(given, signs=tuple(sorted(every.items()))), {"signs": every}
    if len(around) == 1 and "%" not in around:
        currency = around.pop()
        return replace(given, currency=currency), {"currency": currency}
    return given, {}


def _word(text: str) -> str:
    """Return what stands before or behind the digits, without blanks, signs and brackets."""
    bare = re.sub(f"[{_AROUND}+(){_MINUS}]", "", text)
    match = re.fullmatch(r"([^0-9]*?)([.,]?[0-9][0-9.,'\u2019]*?)([^0-9.,'\u2019]*[.]?)", bare, re.DOTALL)
    return (match[1] or match[3]) if match else text
