"""Rows of text, aligned for a person and still one line per row for a script."""

from __future__ import annotations

import shutil
import sys


def table(header: list[str], rows: list[list[str]]) -> str:
    """A header and rows in columns; cut to the terminal's width where it is one."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        texts = [text if len(text) <= width else text[: width - 1] + "…" for text in texts]
    return "\n".join(texts)
