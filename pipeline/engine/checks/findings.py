"""What a look at the raw files found: their columns, and what is wrong or doubtful, each as one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.errors import DataError, SettingsError
from pipeline.wording import listed, quoted

ABSENT = "MISSING"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or doubtful: the source (or `all sources`), and the line that says it."""

    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}: {self.text}"


@dataclass(frozen=True)
class Column:
    """A column of a source.

    Attributes
    ----------
    name : as the config writes it; that of the file, where the config does not name it
    used_as : such as `store_id`, `feature`, `label`
    type : DuckDB's, `text` in CSV and Excel, which have none; ABSENT where a file lacks it
    nulls : rows without a value, or for amounts without one that can be used; None where nobody counted
    nearest : the columns of the file that it may be, where it is absent
    """

    name: str
    used_as: str
    type: str
    nulls: int | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceSeen:
    """What a source is: its files, rows and columns.

    `unused` are columns that nothing names, `facts` what was counted, `notes` what else people ask for, a line each.
    """

    source: str
    files: tuple[str, ...]
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    unused: tuple[str, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class Findings:
    """All that was found, in the order of finding; nothing is said twice."""

    errors: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)
    not_looked_at: list[Finding] = field(default_factory=list)

    def error(self, source: str, text: str) -> None:
        """Note what would fail the run."""
        _add(self.errors, Finding(source, text))

    def doubt(self, source: str, text: str) -> None:
        """Note what would run, and should be looked at."""
        _add(self.doubts, Finding(source, text))

    def skip(self, source: str, text: str) -> None:
        """Note what could not be looked at, and until when."""
        _add(self.not_looked_at, Finding(source, text))

    def add(self, others: Findings) -> None:
        """Take over what was found elsewhere."""
        for mine, theirs in (
            (self.errors, others.errors),
            (self.doubts, others.doubts),
            (self.not_looked_at, others.not_looked_at),
        ):
            for finding in theirs:
                _add(mine, finding)

    @contextmanager
    def attempt(self, source: str, failed: list[str] | None = None) -> Iterator[None]:
        """Note the faults that are raised inside, and go on; `failed` gets their lines."""
        try:
            yield
        except (DataError, SettingsError) as error:
            for line in error.lines:
                self.error(source, line)
            if failed is not None:
                failed += error.lines


def _add(findings: list[Finding], finding: Finding) -> None:
    if finding not in findings:
        findings.append(finding)


def some(names: Sequence[str], count: int | None = None, shown: int = 5) -> str:
    """The first few names in quotes, and how many more there are of `count`."""
    return listed([quoted(name) for name in names[:shown]], shown, count=len(names) if count is None else count)
