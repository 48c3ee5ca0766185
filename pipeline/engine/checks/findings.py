"""The findings of a check: the columns of the raw files, and one line for each error or doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.errors import DataError, SettingsError
from pipeline.wording import listed, quoted

ABSENT = "MISSING"


@dataclass(frozen=True)
class Finding:
    """An error or doubt: its source (or `all sources`), and its line."""

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
    """A source: its files, rows and columns.

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
    """All findings in their order, without repetitions."""

    errors: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)
    not_looked_at: list[Finding] = field(default_factory=list)

    def error(self, source: str, text: str) -> None:
        """Note an error that would fail the run."""
        _add(self.errors, Finding(source, text))

    def doubt(self, source: str, text: str) -> None:
        """Note a doubt: the run would work, but the user should check."""
        _add(self.doubts, Finding(source, text))

    def skip(self, source: str, text: str) -> None:
        """Note a check that was skipped, and until when."""
        _add(self.not_looked_at, Finding(source, text))

    def add(self, others: Findings) -> None:
        """Add the findings of another check."""
        for mine, theirs in (
            (self.errors, others.errors),
            (self.doubts, others.doubts),
            (self.not_looked_at, others.not_looked_at),
        ):
            for finding in theirs:
                _add(mine, finding)

    @contextmanager
    def attempt(self, source: str, failed: list[str] | None = None) -> Iterator[None]:
        """Note the errors raised inside, and continue; `failed` receives their lines."""
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
