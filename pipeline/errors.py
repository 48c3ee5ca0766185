"""The errors of the pipeline, and their exit codes.

    PipelineError                  30  a task failed
    ├── UsageError                  2  a command line that cannot be used
    ├── SettingsError               2  a config file that cannot be used
    ├── MachineError                2  a machine that cannot run the pipeline
    ├── AlreadyRunningError        10  another run holds the environment
    ├── MissingDataError           20  a configured raw file does not exist
    └── DataError                  30  a file exists, but its content is wrong
        ├── RawDataError           30  a raw file: its columns, keys or values
        ├── RemoteError            30  a database or a bucket that cannot be reached or read
        ├── InputChangedError      30  an input changed while it was read, twice
        └── OutputError            30  a target could not be written or read back

Every message is one line with what was found, what is allowed and the next step; an error with several faults has one line
each (`lines`). Plain `luigi` uses the same codes: `luigi.cfg` sets them in `[retcode]`.
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
    """The text of an error; for an error that is not ours, with its class."""
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
    """A command line that cannot be used."""

    exit_code = USAGE


class SettingsError(PipelineError):
    """A config file that cannot be used."""

    exit_code = USAGE


class MachineError(PipelineError):
    """A machine that cannot run the pipeline."""

    exit_code = USAGE


class AlreadyRunningError(PipelineError):
    """Another run holds the environment."""

    exit_code = ALREADY_RUNNING


class MissingDataError(PipelineError):
    """A configured raw file does not exist."""

    exit_code = MISSING_DATA


class DataError(PipelineError):
    """A file exists, but its content is wrong."""


class RawDataError(DataError):
    """A raw file whose columns, keys or values cannot be used."""


class RemoteError(DataError):
    """A database or a bucket that cannot be reached or read."""


class InputChangedError(DataError):
    """An input changed while it was read, and again in the second attempt."""


class OutputError(DataError):
    """A target could not be written, or did not read back as written."""
