"""Tables of text: aligned for people, one line per row for scripts."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection

from pipeline.wording import plain

_WIDEST = 100_000  # piped output is never wrapped or cut

_STYLES = {
    "fresh": "green",
    "built": "green",
    "done": "green",
    "cut off": "cyan",
    "running": "cyan",
    "stale": "yellow",
    "interrupted": "yellow",
    "failed": "bold red",
}


def table(header: list[str], rows: list[list[str]], whole: Collection[str] = ()) -> str:
    """A header and rows in columns; those in `whole` are never folded, so that a cell can be copied.

    On a terminal, long cells are folded to its width, and states have colours (none if `NO_COLOR` is set). Elsewhere each
    row is one line of plain text. Cells are never read as markup.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout is not None and sys.stdout.isatty()  # None: it was closed
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold" if terminal else "")
    for name in header:
        grid.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in rows:
        grid.add_row(*(Text(plain(cell), style=_STYLES.get(cell, "")) for cell in row))
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=None if terminal else _WIDEST,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(grid, soft_wrap=False)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def duration(seconds: float) -> str:
    """A duration for people.

    >>> duration(0.21), duration(75), duration(7300)
    ('0.2 s', '1 min 15 s', '2 h 01 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
