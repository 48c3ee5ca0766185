"""The bar of a run, drawn by a process of its own: so that it moves while a task computes, and no thread lives across Luigi's forks.

Reads a line of JSON per event from its standard input, until that ends: `{"task": ID, "state": STATE}`, `{"running": NAME}`, or
`{"text": TEXT}`, which is printed above the bar. `python -m pipeline.cli.bar` draws on standard error.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

_OVER = ("DONE", "FAILED")
_WIDEST = 30  # letters of the running task's name, so that the line fits 80 columns


def draw(lines: Iterable[str], console: Console) -> None:
    """Draw the events until there are no more; then the bar is gone."""
    states: dict[str, str] = {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        shown = progress.add_task("checking what is stale", total=None)
        for line in lines:
            event = json.loads(line)
            if "text" in event:
                progress.console.print(Text(event["text"]))
            elif "running" in event:
                progress.update(shown, description=_fitted(event["running"]), refresh=True)  # a short task is seen, too
            elif event["state"] != "DONE" or event["task"] in states:  # else it was fresh from the start
                states[event["task"]] = event["state"]
                over = sum(state in _OVER for state in states.values())
                progress.update(shown, completed=over, total=len(states))


def _fitted(name: str) -> str:
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles Ctrl-C; the bar ends with it
    draw(sys.stdin, Console(stderr=True))
