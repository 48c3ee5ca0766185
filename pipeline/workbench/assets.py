"""The files of the page: its own, and the report's style and drawing functions, of which there is one copy."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_REPORT = _FOLDER.parent / "report" / "templates"
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"

TYPES = {
    "report.css": _STYLE,
    "workbench.css": _STYLE,
    "charts.js": _SCRIPT,
    **{path.name: _SCRIPT for path in sorted((_FOLDER / "page").glob("*.js"))},
}
# What the page uses of the report's drawing functions. The report joins its scripts to one; here they are a module.
DRAWING = ("element", "drawn", "name", "table", "explained", "hideTip")


def read(name: str) -> bytes:
    """The content of a file of the page."""
    if name == "charts.js":
        script = (_REPORT / name).read_text(encoding="utf-8")
        return f"{script}\nexport {{ {', '.join(DRAWING)} }};\n".encode()
    folder = _REPORT if name == "report.css" else _FOLDER / "page"
    return (folder / name).read_bytes()


def examples() -> list[dict[str, str]]:
    """The example queries: what each shows, and its SQL."""
    text = (_FOLDER / "examples.sql").read_text(encoding="utf-8")
    return [
        {"title": title, "sql": sql.strip()}
        for title, sql in re.findall(r"^-- ([^\n]+)\n((?!--).*?;)$", text, re.M | re.S)
    ]
