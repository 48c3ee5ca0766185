"""The entry point: commands, and errors as one line with their exit code."""

from __future__ import annotations

import sys
import traceback

import typer

from pipeline.cli import check, compare, history, pin, run, sample_data, status, why
from pipeline.errors import TASK_FAILED, UNHANDLED, PipelineError

app = typer.Typer(
    name="store-clustering",
    help="Group a retailer's stores, per category: rebuild exactly what is stale, and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (
    run.run,
    status.status,
    why.why,
    check.check,
    history.history,
    compare.compare,
    pin.pin,
    sample_data.sample_data,
):
    app.command()(_command)


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
    except OSError as error:
        print(
            f"error: {error.filename or 'a file, or where the output goes'}: {error.strerror or error}; correct it, and run again",
            file=sys.stderr,
        )
        sys.exit(TASK_FAILED)
    except Exception:
        traceback.print_exc()
        print(
            "error: a fault of ours, not of your data or settings: please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(UNHANDLED)
