"""The report: one self-contained HTML file that needs no network.

Categories are stored as packed JSON; the page unpacks and draws a category when it is opened. The content security policy allows the page's
script and styles, by their hashes, and nothing else: a name from the data always stays text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report import category, chain, outside, overview, sections
from pipeline.report.grids import MOST_ROWS, integer, percent
from pipeline.report.source import Source
from pipeline.report.words import VERDICTS
from pipeline.wording import counted

_TEMPLATES = Path(__file__).parent / "templates"
_SAID = 5  # things to look at that are said at the end of a run
_SCRIPTS = ("charts.js", "heatmaps.js", "category.js", "page.js")


def write(source: Source, paths: Mapping[str, Path]) -> list[str]:
    """Write the report.

    Parameters
    ----------
    source : the tables; sections of tables that do not exist are left out
    paths : the path by target: `report`

    Returns
    -------
    What to look at first, in words: a line each, none if nothing stands out.
    """
    parts, findings = page_and_findings(source)
    with paths["report"].open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    more = (
        [f"the report has {counted(len(findings) - _SAID, 'further thing', 'further things')} to look at"]
        if len(findings) > _SAID
        else []
    )
    return [f"look at: {line}" for line in (*(f"{name}: {words}" for _, name, words in findings[:_SAID]), *more)]


def page(source: Source) -> str:
    """The report as text; equal tables and settings give equal text."""
    return "".join(page_and_findings(source)[0])


def page_and_findings(source: Source) -> tuple[Iterator[str], list[tuple[int | None, str, str]]]:
    """The report as text, in parts, and what to look at, as `overview.findings` gives it."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "\n".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    stores = source.stores
    positions = {store: position for position, store in enumerate(stores)}
    drawn, lines = [], []
    for position, row in enumerate(source.table("categories").itertuples(index=False)):
        content = category.content(source, row, positions)
        lines.append(overview.line(source, row, position, content["clusters"]))
        drawn.append(packed(content | {"look_at": list(lines[-1].findings())}))
    findings = overview.findings(source, lines)
    parts = environment.get_template("report.html").generate(
        source=source,
        script=script,
        script_hash=_hash(script),
        style=style,
        style_hash=_hash(style),
        about=overview.about(source),
        unit=f" {source.result.currency}" if source.result.currency else "",
        counted=counted,
        verdict=overview.verdict(source, lines),
        words=VERDICTS,
        most=MOST_ROWS,
        lines=lines,
        start=overview.start(lines),
        findings=findings,
        outside=sections.outside(source),
        surroundings=embedded(outside.of_chain(source, stores)),
        over_all=embedded(chain.content(source, stores)),
        chain=sections.chain(source),
        reference=sections.reference(source),
        quality=overview.quality(source),
        lineage=overview.lineage(source),
        stores=embedded(_stores(source, stores)),
        categories=drawn,
    )
    return parts, findings


def _stores(source: Source, stores: list[str]) -> dict[str, Any]:
    """Every store with a cluster, its labels, and its cluster on the outside data."""
    labels: dict[str, list[str]] = {}
    for row in source.table("store_labels").itertuples(index=False):
        if isinstance(row.value, str):
            labels.setdefault(str(row.store_id), []).append(f"{row.label}: {row.value}")
    outside = source.table("external_clusters").set_index("store_id")
    numbers, confidence = outside["cluster"].to_dict(), outside["confidence"].to_dict()
    return {
        "id": stores,
        "labels": [", ".join(labels.get(store, ())) for store in stores],
        "external": [integer(numbers.get(store)) for store in stores],
        "confidence": [percent(confidence.get(store)) for store in stores],
    }


def embedded(value: Any) -> Any:
    """JSON for a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # escaped just above


def packed(value: Any) -> Any:
    """JSON for a script element: compressed (zlib, RFC 1950), then in base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(base64.b64encode(zlib.compress(text.encode())).decode())  # noqa: S704  # letters, digits, +, / and =


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
