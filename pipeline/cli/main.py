"""The entry point: commands, and errors as one line with their exit code."""

from __future__ import annotations

import gc
import importlib
import sys
import traceback

from pipeline.machine import system

if not system.is_tested():  # before what only Linux has is imported
    system.refuse_other()

import click

from pipeline.errors import TASK_FAILED, UNHANDLED, PipelineError, UsageError
from pipeline.run.standard_output import hold_any_name
from pipeline.wording import nearest
from pipeline.wording.variables import hidden

COMMANDS = ("init", "run", "status", "why", "check", "history", "compare", "pin", "assign", "open", "sample-data")
INTERRUPTED = 130


class Commands(click.Group):
    """The commands, each imported only when used: a run with nothing to do must be fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as click calls it
        """All commands, in the order in which a user meets them."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first word.

        Raises
        ------
        UsageError
            There is no such command; the nearest one is named.
        """
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(
                f"command {args[0]!r} is unknown{nearest(args[0], COMMANDS)}; the commands are {', '.join(COMMANDS)}"
            )
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as click calls it
        """The command of this name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        # Imported objects live as long as the process. Scanning them for garbage, during the import and later, takes a fifth of
        # a run with nothing to do, so collection stays off until there is something to build (`run.session.prepare`).
        gc.disable()
        try:
            command: click.Command = getattr(importlib.import_module(f"pipeline.cli.{name}"), name)
        finally:
            gc.freeze()
            if name != "run":
                gc.enable()
        return command


app = Commands(
    name="store-clustering",
    help="Group a retailer's stores, per category: rebuild exactly what is stale, and say why.",
    no_args_is_help=True,
)


def main() -> None:
    """Run a command; print an error that a user can act on in one line.

    Exit codes: 0 done, 2 usage or configuration, 10 already running, 20 missing data, 25 not run, 30 a task failed,
    35 scheduling error, 40 unhandled.
    """
    hold_any_name()
    try:
        system.check()
        sys.exit(app.main(standalone_mode=False) or 0)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PipelineError as error:
        for line in error.lines:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(
            hidden(
                f"error: {error.filename or 'a file or the output'}: {error.strerror or error}; correct it, and run again"
            ),
            file=sys.stderr,
        )
        sys.exit(TASK_FAILED)
    except Exception:
        sys.stderr.write(hidden(traceback.format_exc()))
        print(
            "error: this is a bug in store-clustering, not in your data or settings: please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(UNHANDLED)
