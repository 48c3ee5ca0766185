"""Names come from data in any script; where standard output goes may hold ASCII or Latin-1 alone."""

from __future__ import annotations

import codecs
import json
import sys


def hold_any_name() -> None:
    """Have letters that standard output cannot hold written as JSON writes them (`\\u00e4`): in a JSON document they stay what they are."""
    codecs.register_error("as JSON", _escaped)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="as JSON")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
