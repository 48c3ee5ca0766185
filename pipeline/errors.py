"""What can go wrong, and the exit code that says so.

    PipelineError                  30  a task failed
    ├── UsageError                  2  a command line that cannot be carried out
    ├── SettingsError               2  a config file that cannot be used
    ├── AlreadyRunningError        10  another run holds the environment
    ├── MissingDataError           20  a configured raw file is not there
    └── DataError                  30  a file is there, but not what it should be
        ├── RawDataError           30  a raw file: its columns, keys or values
        ├── InputChangedError      30  an input changed while it was being read, twice
        └── OutputError            30  a target could not be written or read back

Every message is one line and names what was found, what is allowed and the next step; an error that found several
faults has a line for each (`lines`). Plain `luigi` gives the same
codes: `luigi.cfg` sets them in `[retcode]`.
"""

from __future__ import annotations

from pipeline.wording import plain

DONE = 0
USAGE = 2
ALREADY_RUNNING = 10
MISSING_DATA = 20
NOT_RUN = 25
TASK_FAILED = 30
SCHEDULING_ERROR = 35
UNHANDLED = 40


def worded(error: BaseException) -> str:
    """What an error says; one that is none of ours, after its class."""
    return str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"


class PipelineError(Exception):
    """An error a user can act on: printed as one line, without a traceback."""

    exit_code = TASK_FAILED

    @property
    def lines(self) -> list[str]:
        """One line per fault."""
        return [plain(str(fault)) for fault in self.args]

    def __str__(self) -> str:
        return "; ".join(self.lines)


class UsageError(PipelineError):
    """A command line that cannot be carried out."""

    exit_code = USAGE


class SettingsError(PipelineError):
    """A config file that cannot be used."""

    exit_code = USAGE


class AlreadyRunningError(PipelineError):
    """Another run holds the environment."""

    exit_code = ALREADY_RUNNING


class MissingDataError(PipelineError):
    """A configured raw file is not there."""

    exit_code = MISSING_DATA


class DataError(PipelineError):
    """A file is there, but it is not what it should be."""


class RawDataError(DataError):
    """A raw file whose columns, keys or values cannot be used."""


class InputChangedError(DataError):
    """An input changed while it was being read, and again on the second try."""


class OutputError(DataError):
    """A target could not be written, or did not read back as it was written."""
