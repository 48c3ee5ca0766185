"""What a report says: its categories are packed in the page."""

from __future__ import annotations

import base64
import re
import zlib

_PACKED = re.compile(r'<script type="text/plain" id="data-\d+">(.*?)</script>', re.DOTALL)


def categories(page: str) -> list[str]:
    """The content of each category, as JSON."""
    return [zlib.decompress(base64.b64decode(text, validate=True)).decode() for text in _PACKED.findall(page)]


def whole_text(page: str) -> str:
    """The page and the content of its categories."""
    return "\n".join([page, *categories(page)])
