"""Names come from data in any script, but standard output may only hold ASCII or Latin-1."""

from __future__ import annotations

import codecs
import json
import sys


def hold_any_name() -> None:
    """Write letters that standard output cannot encode as JSON escapes (`\\u00e4`): in a JSON document they keep their meaning."""
    codecs.register_error("as JSON", _escaped)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="as JSON")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
