"""Options that several commands share."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from pipeline.config.environment import environments
from pipeline.errors import PipelineError


def _matching(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        return [CompletionItem(name) for name in environments() if name.startswith(incomplete)]
    except PipelineError:
        return []  # a completion shows no errors


env_option = click.option(
    "--env",
    default="dev",
    show_default=True,
    shell_complete=_matching,
    help="The environment: a file configs/<env>.toml.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, for a script.")
