"""Which letters a language writes besides a to z: a text that is read in a wrong encoding mixes those of several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_LATIN = {
    "Albanian": "çë",
    "Catalan": "àçèéíïòóúü",
    "Croatian, Slovene": "čćđšž",
    "Czech": "áčďéěíňóřšťúůýž",
    "Danish, Norwegian": "æøåéèêóòâôà",
    "Dutch": "áàäçèéêëíïóöúü",
    "English": "éèñïç",
    "Estonian": "äöõüšž",
    "Finnish, Swedish": "åäöéàü",
    "French": "àâæçéèêëîïôœùûüÿñ",
    "German": "äöüßéèàêç",
    "Hungarian": "áéíóöőúüű",
    "Icelandic": "áðéíóúýþæö",
    "Irish": "áéíóú",
    "Italian": "àèéìíîòóùú",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Polish": "ąćęłńóśźż",
    "Portuguese": "àáâãçéêíóôõúü",
    "Romanian": "ăâîșțşţ",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Spanish": "áéíñóúüç",
    "Turkish": "çğ\u0131öşüâîû\u0307",
}
_ALPHABETS = {language: frozenset(letters) for language, letters in _LATIN.items()}
_VOWELS = frozenset("аеёиіїоуыэєюяъ")
_TONOS = frozenset("άέήίόύώΐΰ")
_MARK_ALONE = re.compile(
    r"(?<![\u0e01-\u0e4e])[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
)  # Thai signs that stand above or below a letter
_WORD = re.compile(r"[^\W\d_]{3,}")
_FEW = 0.7  # of the words are as the script has them
_THAI = 0.25  # of the signs of a Thai text, or more, are vowels and tones


def strangers(words: Iterable[str]) -> float:
    """Return the share of the letters beyond a to z that the language which fits best does not write; 0 without such letters.

    Only Latin letters count: other scripts are judged by `is_pronounceable`.
    """
    letters = [letter for word in words for letter in word.lower() if letter.isalpha() and not letter.isascii()]
    latin = [letter for letter in letters if unicodedata.name(letter, "").startswith("LATIN")]
    if not latin:
        return 0.0
    return min(sum(letter not in alphabet for letter in latin) for alphabet in _ALPHABETS.values()) / len(latin)


def is_pronounceable(texts: Sequence[str]) -> bool:
    """Return whether Cyrillic and Thai words have vowels, and Greek ones in small letters an accent, as nearly all do; True for other scripts."""
    words = [word for text in texts for word in _WORD.findall(text)]
    cyrillic = [word.lower() for word in words if unicodedata.name(word[0], "").startswith("CYRILLIC")]
    greek = [word for word in words if len(word) > 3 and unicodedata.name(word[-1], "").startswith("GREEK SMALL")]
    has_vowels = sum(bool(_VOWELS.intersection(word)) for word in cyrillic)
    has_accents = sum(bool(_TONOS.intersection(word)) for word in greek)
    thai = [letter for text in texts for letter in text if "\u0e01" <= letter <= "\u0e4e"]
    if any(_MARK_ALONE.search(text) for text in texts):
        return False
    vowels = sum(letter >= "\u0e30" for letter in thai)
    return has_vowels >= _FEW * len(cyrillic) and has_accents >= _FEW * len(greek) and vowels >= _THAI * len(thai)
