"""Whether this machine can run the pipeline: said in one line at the start, before anything that only Linux has is imported."""

from __future__ import annotations

import sys

from pipeline.errors import MachineError

_TESTED = "linux"
_is_noted = False
_LIKE_IT = ("darwin",)  # Unix with `fork`; what differs is emulated in the tests


def is_tested() -> bool:
    """Whether this is the system that the pipeline is tested on."""
    return sys.platform == _TESTED


def check() -> None:
    """On another system than Linux, say so on standard error, once, and go on if it is like Linux.

    Raises
    ------
    MachineError : it is not, such as Windows
    """
    global _is_noted
    if is_tested() or _is_noted:
        return
    if sys.platform not in _LIKE_IT:
        raise MachineError(f"this runs on Linux, and not on {sys.platform}; on Windows, run it in WSL2")
    _is_noted = True
    sys.stderr.write(f"note: this is tested on Linux; on {sys.platform} only by emulation\n")


def refuse_other() -> None:
    """`check`, for a program that cannot handle the error: a line and exit code 2 instead.

    Raises
    ------
    SystemExit : on Windows
    """
    try:
        check()
    except MachineError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.exit_code) from None
