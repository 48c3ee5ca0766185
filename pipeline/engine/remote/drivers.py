"""Databases behind one seam of two functions: the columns of a query, and its rows as a stream of Arrow batches.

A driver is an optional package that is imported when its database is asked. A database that is down, or vanishes while it is asked, is
given up after a minute or two: nobody watches a run at night.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa

from pipeline.engine.remote.dialects import DIALECTS, Dialect
from pipeline.engine.remote.refusals import refusal
from pipeline.errors import PipelineError, RemoteError
from pipeline.settings import Located

_BATCH = 100_000  # rows, where the client chooses
# Of libpq: seconds to connect; seconds of silence until a host is asked for a sign of life, between such questions, and how many.
_PATIENCE = {"connect_timeout": 30, "keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
_RETRIES = {"max_retries": 6, "max_backoff": 20_000}  # of Spark Connect: 40 seconds in all; milliseconds


class Session(Protocol):
    """An open database."""

    def columns(self, query: str) -> pa.Schema:
        """The names and types of the columns of a query, which must be cheap to ask."""

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, batch by batch, at least one, which may be empty; the rows are never all here."""


@dataclass(frozen=True)
class _Adbc:
    """A database behind an ADBC driver, by the driver manager itself: its DB-API imports pandas, which a version query can do without."""

    connection: Any

    @contextmanager
    def _statement(self, query: str) -> Iterator[Any]:
        manager = importlib.import_module("adbc_driver_manager")
        with manager.AdbcStatement(self.connection) as statement:
            statement.set_sql_query(query)
            yield statement

    @contextmanager
    def _reader(self, query: str) -> Iterator[pa.RecordBatchReader]:
        with self._statement(query) as statement:
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                yield reader

    def columns(self, query: str) -> pa.Schema:
        with self._reader(query) as reader:
            return reader.schema

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        with self._reader(query) as reader:
            yield from _at_least_one(reader)

    def begin(self, statements: tuple[str, ...]) -> None:
        for statement in statements:
            with self._statement(statement) as prepared:
                prepared.execute_update()


@dataclass(frozen=True)
class _Databricks:
    connection: Any

    def columns(self, query: str) -> pa.Schema:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall_arrow().schema

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            table = cursor.fetchmany_arrow(_BATCH)
            yield from table.to_batches() or [_empty(table.schema)]
            while (table := cursor.fetchmany_arrow(_BATCH)).num_rows:
                yield from table.to_batches()


@dataclass(frozen=True)
class _DuckDB:
    connection: Any

    def columns(self, query: str) -> pa.Schema:
        return self.connection.sql(query).to_arrow_reader(_BATCH).schema

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        yield from _at_least_one(self.connection.sql(query).to_arrow_reader(_BATCH))


@dataclass(frozen=True)
class _Spark:
    session: Any

    def columns(self, query: str) -> pa.Schema:
        return self.session.sql(query).toArrow().schema

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        client = self.session.client  # `toArrow` would collect all rows; what it calls is a stream
        plan = self.session.sql(query)._plan.to_proto(client)
        is_empty = True
        for part in client.to_table_as_iterator(plan, {}):
            for batch in part.to_batches() if isinstance(part, pa.Table) else ():
                is_empty = False
                yield batch
        if is_empty:
            yield _empty(self.columns(f"SELECT * FROM ({query}) q WHERE 1 = 0"))


def _at_least_one(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    is_empty = True
    for batch in reader:
        is_empty = False
        yield batch
    if is_empty:
        yield _empty(reader.schema)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


@contextmanager
def _adbc(module: Any, dialect: Dialect, *given: Any, **options: Any) -> Iterator[_Adbc]:
    manager = importlib.import_module("adbc_driver_manager")
    with module.connect(*given, **options) as database, manager.AdbcConnection(database) as connection:
        session = _Adbc(connection)
        session.begin(dialect.begin)
        yield session


def _postgresql(module: Any, url: str, dialect: Dialect) -> AbstractContextManager[Session]:
    return _adbc(module, dialect, patient(f"postgresql://{url.partition('://')[2]}"))


def patient(url: str) -> str:
    """A URL of libpq that says how long to wait for a host that does not answer, unless it says so already: by itself libpq waits for hours."""
    given = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    options = [f"{name}={seconds}" for name, seconds in _PATIENCE.items() if name not in given]
    return "&".join((url if "?" in url else f"{url}?", *options)).replace("?&", "?")


def _snowflake(module: Any, url: str, dialect: Dialect) -> AbstractContextManager[Session]:
    return _adbc(module, dialect, url.partition("://")[2])


def _bigquery(module: Any, url: str, dialect: Dialect) -> AbstractContextManager[Session]:
    """Opens `bigquery://project/dataset`; further options of the driver stand behind a question mark."""
    parts = urlsplit(url)
    options = {f"adbc.bigquery.sql.{key}": value for key, value in parse_qsl(parts.query)}
    options["adbc.bigquery.sql.project_id"] = parts.netloc
    if dataset := parts.path.strip("/"):
        options["adbc.bigquery.sql.dataset_id"] = dataset
    return _adbc(module, dialect, db_kwargs=options)


def _flight(module: Any, url: str, dialect: Dialect) -> AbstractContextManager[Session]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.username:
        options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return _adbc(module, dialect, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", db_kwargs=options)


@contextmanager
def _databricks(module: Any, url: str, dialect: Dialect) -> Iterator[Session]:
    """Opens `databricks://token:TOKEN@HOST?http_path=/sql/1.0/warehouses/ID`."""
    parts = urlsplit(url)
    options = {
        "server_hostname": parts.hostname,
        "access_token": unquote(parts.password or ""),
        **dict(parse_qsl(parts.query)),
    }
    with module.connect(**options) as connection:
        with connection.cursor() as cursor:
            for statement in dialect.begin:
                cursor.execute(statement)
        yield _Databricks(connection)


@contextmanager
def _duckdb(module: Any, url: str, dialect: Dialect) -> Iterator[Session]:
    with module.connect(unquote(urlsplit(url).path), read_only=True) as connection:
        for statement in dialect.begin:
            connection.execute(statement)
        yield _DuckDB(connection)


@contextmanager
def _main_with_a_file() -> Iterator[None]:
    """Give the main program a file name meanwhile, if it has none: `python -c`, a program on standard input, a worker of a service.

    PySpark takes such a program for its own doctests, looks for a Spark installation, and ends the process without one.
    """
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = "<no file>"
    try:
        yield
    finally:
        del main.__file__


@contextmanager
def _no_logs_of_pyspark() -> Iterator[None]:
    """Keep PySpark from printing each error that it raises, with a hundred lines of Java's stack."""
    logger_of = importlib.import_module("pyspark.logger").PySparkLogger.getLogger
    loggers = [logger_of(name) for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


@contextmanager
def _spark(module: Any, url: str, _dialect: Dialect) -> Iterator[Session]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas 3, which is not used here
        with _main_with_a_file(), _no_logs_of_pyspark():
            retries = importlib.import_module("pyspark.sql.connect.client.retries")
            session = module.SparkSession.builder.remote(url).create()
            session.client.set_retry_policies([retries.DefaultPolicy(**_RETRIES)])
            try:
                session.conf.set("spark.sql.session.timeZone", "UTC")
                yield _Spark(session)
            except BaseException:
                session.client.set_retry_policies([])  # to say goodbye is tried once
                raise
            finally:
                session.stop()


class Driver(NamedTuple):
    """How databases of one kind are opened.

    Attributes
    ----------
    dialect : a key of `DIALECTS`
    module : the module of the driver
    extra : the extra of this package that installs it; "" where it is always there
    open : opens a database: from the module, the URL and the dialect
    """

    dialect: str
    module: str
    extra: str
    open: Callable[[Any, str, Dialect], AbstractContextManager[Session]]


_POSTGRESQL = Driver("postgresql", "adbc_driver_postgresql", "postgresql", _postgresql)
_FLIGHT = Driver("flightsql", "adbc_driver_flightsql", "flightsql", _flight)
DRIVERS: Mapping[str, Driver] = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "redshift": _POSTGRESQL._replace(dialect="redshift"),
    "snowflake": Driver("snowflake", "adbc_driver_snowflake", "snowflake", _snowflake),
    "bigquery": Driver("bigquery", "adbc_driver_bigquery", "bigquery", _bigquery),
    "databricks": Driver("databricks", "databricks.sql", "databricks", _databricks),
    "grpc": _FLIGHT,
    "grpc+tcp": _FLIGHT,
    "grpc+tls": _FLIGHT,
    "duckdb": Driver("duckdb", "duckdb", "", _duckdb),
    "sc": Driver("spark", "pyspark.sql", "spark", _spark),
}


def driver_of(url: str) -> Driver:
    """The driver of a connection's URL, whose scheme `config.locations` has checked."""
    return DRIVERS[urlsplit(url).scheme.lower()]


def dialect_of(url: str) -> Dialect:
    """The words of the SQL of the database behind a URL."""
    return DIALECTS[driver_of(url).dialect]


@contextmanager
def opened(url: str, setting: str) -> Iterator[Session]:
    """A database, open; any error inside that is not ours is one line, without secrets.

    Parameters
    ----------
    url : of the connection
    setting : the table of the config that names it, such as `sources.internal_sales`

    Raises
    ------
    RemoteError : the driver is not installed; the database cannot be reached, or refuses a query
    """
    driver = driver_of(url)
    try:
        with driver.open(_imported(driver, setting), url, DIALECTS[driver.dialect]) as session:
            yield session
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        raise refusal(error, driver.dialect, url, setting) from None


def version(setting: str, source: Located) -> str:
    """The answer of the version query: its first row, as text.

    Raises
    ------
    RemoteError : there is no answer
    """
    with opened(source.connection, setting) as session:
        for batch in session.batches(source.version_query.strip().rstrip(";")):
            if batch.num_rows:
                return " ".join(str(value) for value in batch.slice(0, 1).to_pylist()[0].values())
    raise RemoteError(
        f"[{setting}] version_query: returns no row; it must return one, such as SELECT MAX(updated_at) FROM ..."
    )


def _imported(driver: Driver, setting: str) -> Any:
    try:
        return importlib.import_module(driver.module)
    except ImportError:
        raise RemoteError(
            f"[{setting}]: the driver of {driver.dialect} is not installed; install the extra {driver.extra!r}: "
            f"uv sync --extra {driver.extra}"
        ) from None
