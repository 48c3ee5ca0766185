"""The entry point: commands, and errors as one line with their exit code."""

from __future__ import annotations

import sys

import typer

from pipeline.cli import run, status
from pipeline.errors import PipelineError

app = typer.Typer(
    name="store-clustering",
    help="Group a retailer's stores, per category: rebuild exactly what is stale, and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run.run)
app.command()(status.status)


def main() -> None:
    """Run a command; an error that a user can act on is printed in one line.

    Exit codes: 0 done, 2 usage or configuration, 10 already running, 20 missing data, 25 not run, 30 a task failed,
    35 scheduling error, 40 unhandled.
    """
    try:
        app()
    except PipelineError as error:
        for line in error.lines:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
