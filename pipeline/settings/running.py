"""Settings that change no result: the path of the database, logs, the engine, alerts."""

from typing import Annotated, Literal

from msgspec import Meta

from pipeline.settings.kinds import NonEmpty, NotNegative, Positive, Section, Share


class Warehouse(Section, frozen=True):
    """`[warehouse]`: the DuckDB file. `{env}` stands for the environment's name."""

    #: the DuckDB file, which ends in .duckdb or .db; `{env}` stands for the environment
    path: NonEmpty = "outputs/clustering_{env}.duckdb"
    #: the oldest DuckDB that can open the file, such as `v1.2.0`; `latest` is the one that writes it
    readable_from: Annotated[str, Meta(pattern=r"^(v\d+\.\d+\.\d+|latest)$")] = "v1.2.0"


class Upload(Section, frozen=True):
    """`[upload]`: a bucket that the results are put into after every run that changed them. Needs the extra `buckets`."""

    #: where results go, such as `s3://bucket/clusters/`: a folder per run, and `latest.json`, which points to the last; empty: nowhere
    url: Annotated[str, Meta(pattern=r"^((s3|gs|abfss?|az)://[^/]+(/.*)?)?$")] = ""


class Logging(Section, frozen=True):
    """`[logging]`: the log files and their content.

    A log of at least `max_size_mb` is rotated when a run begins; the last `keep` rotated logs stay. `text` writes a line per
    event; `json` writes a JSON object per event, on one line.
    """

    folder: NonEmpty = "logs"  #: the folder of the log files
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"  #: the least severe events that are logged
    format: Literal["text", "json"] = "text"  #: a line per event, or a JSON object per event
    max_size_mb: Annotated[float, Meta(gt=0.0)] = 10.0  #: a log of at least this size is rotated when a run begins
    keep: NotNegative = 9  #: how many rotated logs are kept
    keep_runs: Positive = 500  #: how many run records are kept; a run that begins one removes older ones


class Engine(Section, frozen=True):
    """`[engine]`: how raw files are read and summed. Never changes a result.

    `memory_limit` is a size such as "4GB" (default: 250 MB and 160 MB per thread, at least 570 MB); `threads` 0 means all.
    """

    #: the memory of each process that reads, sums or loads, such as `4GB`, at least `400MB`: DuckDB has 250 MB less and spills what is more, the
    #: rest is for Python and a batch of sales (docs/scale.md says what it does not bound); empty: 250 MB and 160 MB per thread, at least
    #: 570 MB, of which DuckDB has at most a quarter of the machine
    memory_limit: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)?\s?([KMGT]i?B))?$")] = ""
    threads: NotNegative = 0  #: threads for reading; 0: one per core
    spill_folder: NonEmpty = "outputs/.spill"  #: the folder for data that does not fit in memory


class Deliveries(Section, frozen=True):
    """`[deliveries]`: what the raw files are compared with, those of the last load, and which changes are findings.

    Findings are printed, logged, alerted of, and shown in the report and in the table `delivery_changes`. With a kind of finding in
    `fail_on` the run fails instead, before the database, the report and the workbook are replaced. A source whose settings changed
    since the last load is not compared.
    """

    #: categories that are gone are a finding if they had a larger share of the sales together; smaller ones are never watched
    max_gone_sales: Share = 0.01
    #: a larger share gone is a finding: of the stores, of the outside data, of a category's sales with a need state
    max_gone_share: Share = 0.05
    #: a larger change of a category's sales is a finding, and of those of a new week
    max_sales_change: Share = 0.3
    #: a larger change is a finding in sales that should not change: of all categories, in weeks that the last load had too
    max_total_change: Share = 0.1
    #: kinds of findings with which the run fails, and keeps the last outputs: `categories`, `stores`, `sales`, `weeks`,
    #: `outside_data`, `need_states`
    fail_on: tuple[Literal["categories", "stores", "sales", "weeks", "outside_data", "need_states"], ...] = ()


class Alerts(Section, frozen=True):
    """`[alerts]`: which runs send alerts, and where. Never changes a result.

    `urls` are addresses of Apprise; each is written as `${VAR}` or `${VAR:-}`, because a URL contains secrets. An empty one sends
    nothing. `level` selects the runs that send alerts: failed ones (`failure`), also those with findings (`attention`), all of them
    (`always`), or none (`never`). A run that could not begin, because of its config or because another one holds the environment, has
    failed. Findings are what `[deliveries]` finds, clusters that are outdated or hold less than
    before, a changed verdict, a category with more than
    `max_unmapped_share` of its sales without a need state, and a category with more than `max_moved_share` of the stores in
    another cluster than before.
    """

    urls: tuple[str, ...] = ()  #: where alerts go, as addresses of Apprise; each only as `${VAR}` or `${VAR:-}`
    #: which runs send alerts: `failure`; `attention`: also those with findings; `always`: also those with nothing to do; `never`
    level: Literal["failure", "attention", "always", "never"] = "attention"
    #: an address that is asked for (HTTP GET) after every run that ended well, also with nothing to do: for a service that
    #: raises the alarm if it is not; only as `${VAR}` or `${VAR:-}`
    heartbeat_url: str = ""
    #: a run that is not over after so many hours sends an alert, and goes on; default: none does
    max_hours: Annotated[float, Meta(gt=0.0)] | None = None
    #: a category with a larger share of sales without a need state is a finding
    max_unmapped_share: Share = 0.1
    #: a category where a larger share of the stores changed clusters is a finding
    max_moved_share: Share = 0.2
