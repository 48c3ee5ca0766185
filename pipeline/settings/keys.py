"""Stores and categories that a config names, written as the keys of the data are."""

from __future__ import annotations

import unicodedata


def normal(name: str) -> str:
    """The name as a key of the data: trimmed, in NFC."""
    return unicodedata.normalize("NFC", name.strip())
