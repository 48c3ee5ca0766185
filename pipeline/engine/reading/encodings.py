"""Which encodings a text may be in: tried on its bytes, and judged by whether they give words.

A library that detects encodings was tried (docs/decisions/0001-libraries.md): on the few short names of a table it is right less
often than not. Here nothing is detected: of the encodings that people have, those are named under which the whole file can be
read and its words are words, with how one of them reads, for a person to choose.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import BinaryIO

from pipeline.engine.reading.alphabets import is_pronounceable, strangers

# In the order in which they are named; of two that read a file alike only the first one is.
_CANDIDATES = (
    "utf-8", "gb18030", "big5", "cp932", "cp949", "cp1252", "cp1250", "cp1254", "cp1257", "cp1251", "koi8-r", "cp1253", "cp1255",
    "cp1256", "cp874", "cp850", "mac-roman",
)  # fmt: skip
_SHOWN = 4
_STRANGER = (
    0.05  # of the letters: of encodings under which more than that are of another language, the better ones are named
)
_CONTROL = re.compile("[\x80-\x9f]")
_BLOCK = 1 << 20
_SAMPLE = 400  # distinct words, which is enough to tell
_LONGEST_WORD = 1000  # bytes; what is longer is no word
_WORD = re.compile(rb"[^\x00-\x1f ,;|\"\t]*[\x80-\xff][^\x00-\x1f,;|\"\t]*")
_PUNCTUATION = frozenset(
    "\u00a0\u00a1\u00a3\u00a7\u00a9\u00ab\u00ae\u00b0\u00b2\u00b3\u00b4\u00b7\u00ba\u00aa\u00bb\u00bc\u00bd\u00be\u00bf\u00d7\u2013\u2014"
    "\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u2030\u2039\u203a\u20ac\u2116\u2122\u3000\u3001\u3002\u30fb\u30fc\uff08\uff09"
)
_BROKEN = re.compile(
    r"[^\W\d_][^\w\s\x00-\x7f\u2019\u00b7\u30fb\u2013\u0e31\u0e34-\u0e3a\u0e47-\u0e4e][^\W\d_]|[a-zA-Z][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
)  # Kaf%e, Caf%
_MOST_ACCENTED = (
    0.6  # of the letters of words with an accent; beyond it Latin letters stand for those of another script
)
_LONG = 3  # letters of a word that tells
_COMMON = 0.8  # of the characters of an East Asian text are everyday ones, by the first byte of their code
_LEADS = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp932": (0x81, 0x97), "cp949": (0xB0, 0xC8)}


def codec(name: str) -> str | None:
    """Return Python's name of an encoding; None if Python does not have it, or if it does not encode text."""
    try:
        codec = codecs.lookup(name)
    except LookupError:
        return None
    return codec.name if getattr(codec, "_is_text_encoding", True) else None


def readings(open_bytes: Callable[[], BinaryIO], besides: str) -> list[tuple[str, str]]:
    """Return the encodings in which a text may be, each with a word of it as it then reads.

    Parameters
    ----------
    open_bytes : opens the text's bytes, unpacked
    besides : an encoding that is known not to be the one
    """
    with open_bytes() as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return [("utf-16", "")]
    words = _odd_words(open_bytes)
    candidates: list[tuple[str, str]] = []
    strange: list[float] = []
    texts: set[tuple[str, ...]] = set()
    for name in _CANDIDATES:
        decoded = _decoded(words, name)
        if decoded is None or codec(name) == codec(besides) or decoded in texts or not _are_words(decoded, name):
            continue
        if decodes(open_bytes, name):
            texts.add(decoded)
            candidates.append((name, decoded[0].strip() if decoded else ""))
            strange.append(strangers(decoded))
    if candidates and candidates[0][0] == "utf-8":
        return candidates[:1]
    least = min(strange, default=0.0) + _STRANGER
    return [candidate for candidate, share in zip(candidates, strange, strict=True) if share <= least][:_SHOWN]


def _odd_words(open_bytes: Callable[[], BinaryIO]) -> list[bytes]:
    words: dict[bytes, None] = {}
    with open_bytes() as file:
        while line := file.readline(_BLOCK):
            words.update(dict.fromkeys(word for word in _WORD.findall(line) if len(word) <= _LONGEST_WORD))
            if len(words) >= _SAMPLE:
                break
    return list(words)


def _decoded(words: Iterable[bytes], name: str) -> tuple[str, ...] | None:
    try:
        return tuple(word.decode(name) for word in words)
    except UnicodeDecodeError:
        return None


def decodes(open_bytes: Callable[[], BinaryIO], name: str) -> bool:
    """Return whether all the bytes are text in an encoding; in Latin-1 without the control characters that DuckDB refuses."""
    decoder = codecs.getincrementaldecoder(name)()
    with open_bytes() as file:
        try:
            while block := file.read(_BLOCK):
                text = decoder.decode(block)
                if codec(name) == "iso8859-1" and _CONTROL.search(text):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _are_words(texts: Sequence[str], name: str) -> bool:
    """Return whether every character is a letter or usual punctuation, and every word of one script and sensible in its capitals."""
    odd, letters, leads = 0, 0, []
    for text in texts:
        if any(
            not (c.isascii() or c.isalpha() or unicodedata.category(c).startswith("M") or c in _PUNCTUATION)
            for c in text
        ):
            return False
        if _BROKEN.search(text):
            return False
        for word in re.findall(r"[^\W\d_]+", text):
            if not word.isascii():
                if len({_script(c) for c in word}) > 1 or any(a.islower() and b.isupper() for a, b in pairwise(word)):
                    return False
                if len(word) >= _LONG:
                    odd += sum(not c.isascii() for c in word)
                    letters += len(word)
                leads += [c.encode(name)[0] for c in word if not c.isascii()] if name in _LEADS else []
    if name in _LEADS:
        low, high = _LEADS[name]
        return bool(leads) and sum(low <= lead <= high for lead in leads) >= _COMMON * len(leads)
    if not is_pronounceable(list(texts)):
        return False
    is_latin = any(_script(c) == "LATIN" for text in texts for c in text if c.isalpha() and not c.isascii())
    return not is_latin or odd <= _MOST_ACCENTED * letters


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").split(" ", maxsplit=1)[0]
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH", "FULLWIDTH") else name
