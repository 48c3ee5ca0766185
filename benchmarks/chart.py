"""The growth as an SVG: a panel for each thing that grows, both axes logarithmic, a line per stage: seconds beyond its start."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.growth import STAGES, Grown

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 52, 34, 40
COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee"),
    *("#aa3377", "#999999", "#332288", "#882255", "#44aa99", "#dd9922", "#117733"),
)


LEAST = 0.05  # seconds that are shown: less is lost in the start


def _beyond(one: Grown) -> list[float]:
    return [second - one.start[0] for second in one.seconds]


def svg(grown: Sequence[Grown]) -> str:
    """The chart; seconds upwards."""
    titles = list(dict.fromkeys(one.what for one in grown))
    every = [max(second, LEAST) for one in grown for second in _beyond(one)]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    wide, tall = 3 * (WIDTH + LEFT + GAP), 2 * (HEIGHT + TOP + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" font-family="sans-serif" font-size="11">',
        "<title>Seconds of processor of each stage beyond its start, against what grows, both logarithmic</title>",
        f'<rect width="{wide}" height="{tall}" fill="#ffffff"/>',
    ]
    for place, title in enumerate(titles):
        x, y = (place % 3) * (WIDTH + LEFT + GAP) + LEFT, (place // 3) * (HEIGHT + TOP + GAP) + TOP
        parts += _panel(title, [one for one in grown if one.what == title], x, y, (low, high))
    x, y = 2 * (WIDTH + LEFT + GAP) + LEFT, (HEIGHT + TOP + GAP) + TOP
    for place, (stage, colour) in enumerate(zip(STAGES, COLOURS, strict=True)):
        at = y + 12 + 17 * place
        parts.append(f'<path d="M{x} {at - 4}h22" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 30}" y="{at}">{stage}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, grown: Sequence[Grown], x: float, y: float, decades: tuple[int, int]) -> list[str]:
    low, high = decades
    sizes = grown[0].sizes
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def across(size: float) -> float:
        return x + WIDTH * (math.log10(size) - first) / (last - first)

    def up(seconds: float) -> float:
        return y + HEIGHT * (high - math.log10(max(seconds, LEAST))) / (high - low)

    parts = [f'<text x="{x}" y="{y - 12}" font-weight="bold">{title}</text>']
    for decade in range(low, high + 1):
        at = up(10.0**decade)
        parts.append(f'<path d="M{x} {at:.1f}h{WIDTH}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**decade:g} s</text>')
    for size, anchor in zip(sizes, ("start", "middle", "end"), strict=True):
        parts.append(f'<text x="{across(size):.1f}" y="{y + HEIGHT + 16}" text-anchor="{anchor}">{size:,}</text>')
    for one in grown:
        points = " ".join(
            f"{across(size):.1f},{up(second):.1f}" for size, second in zip(one.sizes, _beyond(one), strict=True)
        )
        colour = COLOURS[STAGES.index(one.stage)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts
