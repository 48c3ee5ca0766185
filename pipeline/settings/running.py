"""What changes no result: where the database goes, logs, the engine, alerts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pipeline.settings.kinds import NonEmpty, NotNegative, Section, Share


class Warehouse(Section, frozen=True):
    """`[warehouse]`: the DuckDB file. `{env}` stands for the environment's name."""

    #: the DuckDB file, which ends in .duckdb or .db; `{env}` stands for the environment
    path: NonEmpty = "outputs/clustering_{env}.duckdb"
    #: the oldest DuckDB that can open the file, such as `v1.2.0`; `latest` is the one that writes it
    readable_from: Annotated[str, Meta(pattern=r"^(v\d+\.\d+\.\d+|latest)$")] = "v1.2.0"


class Logging(Section, frozen=True):
    """`[logging]`: where log files go, and how much is said in them.

    A log that has grown to `max_size_mb` when a run begins is put aside, and the last `keep` of them are kept. `text` has
    a line per event; so has `json`, as an object.
    """

    folder: NonEmpty = "logs"  #: where the log files are
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"  #: the least severe events that are logged
    format: Literal["text", "json"] = "text"  #: a line per event, or a JSON object per event
    max_size_mb: Annotated[float, Meta(gt=0.0)] = 10.0  #: a log at least this large is put aside when a run begins
    keep: NotNegative = 9  #: how many logs that were put aside are kept


class Engine(Section, frozen=True):
    """`[engine]`: how the work that grows with the sales rows is done. Never changes a result.

    `memory_limit` is a DuckDB size such as "4GB" (default: a quarter of the machine); `threads` 0 means all.
    """

    #: the memory that reading may take, such as `4GB`; empty: a quarter of the machine
    memory_limit: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)?\s?([KMGT]i?B))?$")] = ""
    threads: NotNegative = 0  #: threads for reading; 0: one per core
    spill_folder: NonEmpty = "outputs/.spill"  #: where reading puts what does not fit in memory


class Alerts(Section, frozen=True):
    """`[alerts]`: who is told of a run, and of what. Never changes a result.

    `urls` are addresses of Apprise; each is written as `${VAR}` or `${VAR:-}`, since a URL holds secrets, and one that is
    empty sends nothing. `level` says which runs are told of: those that did not succeed (`failure`), also those with
    something to look at (`attention`), all that built something (`always`), none (`never`). To look at are clusters that are outdated or hold less than before, a verdict that
    changed, a category with more than `max_unmapped_share` of its sales without a need state, and one where more than
    `max_moved_share` of the stores moved to another cluster.
    """

    urls: tuple[str, ...] = ()  #: where alerts go, as addresses of Apprise; each only as `${VAR}` or `${VAR:-}`
    #: which runs are told of: `failure`; `attention`: also those with something to look at; `always`; `never`
    level: Literal["failure", "attention", "always", "never"] = "attention"
    #: a category with a larger share of sales without a need state is something to look at
    max_unmapped_share: Share = 0.1
    #: a category where a larger share of the stores changed clusters is something to look at
    max_moved_share: Share = 0.2
