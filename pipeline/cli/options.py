"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.config import environments
from pipeline.errors import PipelineError


def _known(incomplete: str) -> list[str]:
    try:
        return [name for name in environments() if name.startswith(incomplete)]
    except PipelineError:
        return []  # a completion says nothing


Env = Annotated[str, typer.Option(help="The environment: a file configs/<env>.toml.", autocompletion=_known)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for a script.")]
