"""What the published database holds: tables, rows, downloads."""

from __future__ import annotations

import contextlib
import re

import msgspec
from tornado.iostream import StreamClosedError

from pipeline import schema
from pipeline.errors import UsageError
from pipeline.workbench.answers.handler import Handler
from pipeline.workbench.request import SECONDS, Request

_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
          "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip


class Tables(Handler):
    """The tables of the schema, and of the published database."""

    async def get(self, env: str) -> None:
        """Every table: what it is, its columns, its rows; those of the schema alone before the first build."""
        self.env(env)
        database = self.bench.database(env)
        declared = {
            table.name: {
                "name": table.name,
                "comment": f"{table.comment}; {table.grain}",
                "rows": None,
                "key": table.key,
                "columns": [
                    {"name": column.name, "type": column.type, "nullable": column.nullable, "comment": column.comment}
                    for column in table.columns
                ],
                "published": False,
                "in_files_only": table.name in schema.CANDIDATES,
            }
            for table in schema.TABLES.values()
        }
        if database.is_file():
            for relation in await self.bench.catalogue(database):
                declared[relation["name"]] = relation | {"published": True, "in_files_only": False}
        self.say(sorted(declared.values(), key=lambda table: (table["in_files_only"], table["name"])))


def _request(handler: Handler, env: str) -> Request:
    database = handler.bench.database(env)
    if not database.is_file():
        raise UsageError(f"environment {env} has no database yet: launch FullPipeline")
    return Request(
        database=str(database),
        table=handler.get_query_argument("table", ""),
        sql=handler.get_query_argument("sql", "", strip=False),
        search=handler.get_query_argument("search", ""),
        column=handler.get_query_argument("column", ""),
        sort=handler.get_query_argument("sort", ""),
        descending=handler.get_query_argument("descending", "") == "true",
        offset=handler.number("offset", 0),
        limit=handler.number("limit", 100),
        format=handler.get_query_argument("format", ""),
    )


class Rows(Handler):
    """Rows of a table, or of a query."""

    async def get(self, env: str) -> None:
        """A page of rows."""
        self.env(env)
        asked = msgspec.structs.replace(_request(self, env), format="")
        if not asked.table and not asked.sql:
            raise UsageError("give a table or a query")
        self.say_text(await self.bench.read(asked))


class Download(Handler):
    """All rows of a table or a query as a file."""

    async def get(self, env: str) -> None:
        """The file."""
        self.env(env)
        asked = _request(self, env)
        if asked.format not in _TYPES or not (asked.table or asked.sql):
            raise UsageError(f"give a table or a query, and a format: {', '.join(_TYPES)}")
        async with self.bench.readers.started(msgspec.json.encode(asked), 4 * SECONDS) as reader:
            parts = reader.parts()
            first = await anext(parts, b"")
            self.set_header("Content-Type", _TYPES[asked.format])
            name = asked.table if re.fullmatch(r"\w+", asked.table, flags=re.ASCII) else "query"
            self.set_header("Content-Disposition", f'attachment; filename="{name}.{asked.format}"')
            with contextlib.suppress(StreamClosedError):
                self.write(first)
                async for part in parts:
                    self.write(part)
                    await self.flush()
