"""The values of environment variables that a config names: they may be secrets, so that texts for people show the name instead.

What reaches the log, standard error or the record of a run passes through `hidden`.
"""

from __future__ import annotations

import logging
import re
from typing import Any

_SHORTEST = 4  # letters; what is shorter is no secret, and occurs in other words
_CERTAIN = 8  # letters; what is shorter is hidden only where it is a word of its own

_written: dict[str, str] = {}
_pattern: re.Pattern[str] | None = None


def hide(value: str, written: str) -> None:
    """Show a value as it is written in the config, from now on, in this process and those that it forks.

    Parameters
    ----------
    value : of a variable, or of a setting that contains one
    written : such as `${VAR}`, or `${VAR}/sales.csv`
    """
    global _pattern
    if len(value) < _SHORTEST or value in _written:
        return
    if not _written:
        logging.setLogRecordFactory(_Record)
    _written[value] = written
    _pattern = re.compile("|".join(map(_as_pattern, sorted(_written, key=len, reverse=True))))


def _as_pattern(value: str) -> str:
    return re.escape(value) if len(value) >= _CERTAIN else rf"(?<!\w){re.escape(value)}(?!\w)"


def forget() -> None:
    """Hide nothing any more: the configs that name the variables are forgotten."""
    global _pattern
    _written.clear()
    _pattern = None


def hidden(text: str) -> str:
    """A text with the names of variables in place of their values."""
    return text if _pattern is None else _pattern.sub(lambda match: _written[match[0]], text)


def all_hidden(value: Any) -> Any:
    """A value of JSON, with every text in it `hidden`."""
    if isinstance(value, dict):
        return {key: all_hidden(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [all_hidden(below) for below in value]
    return hidden(value) if isinstance(value, str) else value


class _Record(logging.LogRecord):
    """An event of the log, of this program or a library, whose text is `hidden`."""

    def getMessage(self) -> str:  # noqa: N802  # logging's name
        return hidden(super().getMessage())

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, hidden(value) if name in ("exc_text", "stack_info") and value else value)
