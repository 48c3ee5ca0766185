"""`DeliveriesStage`: compares the raw files with those of the last published load; a database, report or workbook waits for it.

Compared with the history, its result is no Parquet target: those are the same for the same raw files, whatever was there before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import luigi
import msgspec

from pipeline.config import raw_files
from pipeline.errors import DataError
from pipeline.freshness import fingerprints, traces
from pipeline.stage.build import log
from pipeline.stage.far import SECRET, WHEN, place_of
from pipeline.stage.table import TableStage
from pipeline.storage.publication import Publication
from pipeline.wording import plain

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from pipeline.core.between_runs.delivery import Delivery

_SOURCES = ("internal_sales", "need_states", "external")


class DeliveriesStage(TableStage):
    """Compares the raw files with those of the load in the database, and fails if the settings ask for it.

    The database holds what the last loads' files held. If it holds these files already, they are compared with the load before, so that
    a rebuild gives the same result.
    """

    accept = luigi.BoolParameter(
        significant=False,
        description="take these raw files whatever fail_on says, this once; the next ones are compared with them",
    )
    target: ClassVar[str] = "comparison.json"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._findings: list[str] = []
        self._notes: list[str] = []

    @property
    def document(self) -> Path:
        """The comparison, for the database and the report."""
        path: Path = self.folder / self.target
        return path

    def output(self) -> dict[str, luigi.LocalTarget]:
        """The comparison."""
        return {"comparison": luigi.LocalTarget(str(self.document))}

    def computing(self) -> tuple[str, ...]:
        """The modules that compare, and read what was published."""
        return ("pipeline.core.between_runs.arrivals", "pipeline.warehouse.published")

    def settings(self) -> dict[str, Any]:
        """The settings of its sections, without `fail_on`, for what is published stays so, and without how a source is asked, and its secret."""
        left_out = ("fail_on", *WHEN, SECRET)
        return {key: value for key, value in super().settings().items() if key.rpartition(".")[2] not in left_out}

    def build(self, publication: Publication) -> list[str]:
        """Compare, fail if asked to, and write the comparison.

        Raises
        ------
        DataError
            There are findings of a kind that the settings name in `fail_on`; one line each.
        """
        from pipeline.core.between_runs import arrivals
        from pipeline.warehouse import published

        now = self._now()
        loads, fault = published.deliveries(self.config.database) if self.config.database.is_file() else ([], "")
        is_published = bool(loads) and loads[0].content == _text(now)
        before = loads[1:3] if is_published else loads[:2]
        comparison = arrivals.compare(
            now,
            _read(before[0].content) if before else None,
            self.section("deliveries"),
            earlier=_read(before[1].content) if len(before) > 1 else None,
            last_has_findings=bool(before) and before[0].findings > 0,
            last_weeks=self.config.settings.internal.preprocessing.last_weeks,
        )
        fail_on = self.section("deliveries").fail_on
        if not is_published and not self.accept and (lines := comparison.of_areas(fail_on)):
            raise DataError(*(self._refused(line) for line in lines))
        rows = [
            (0, len(comparison.findings), _text(now)),
            *((age, load.findings, load.content) for age, load in enumerate(before, 1)),
        ]
        changes = comparison.table()
        content = {
            "deliveries": [dict(zip(("age", "findings", "content"), row, strict=True)) for row in rows],
            "delivery_changes": changes.astype(object).where(changes.notna(), None).to_dict("records"),
        }
        with publication.staged(self.document) as path:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
        self._findings = comparison.findings
        self._notes = [*comparison.notes, *([fault] if fault else [])]
        for line in self._findings:
            log.warning("%s: %s", self.name, plain(line))
        return []

    def _refused(self, line: str) -> str:
        return (
            f"{line}; fail_on of [deliveries] asks to fail, so the last outputs stay: have it delivered again, or take it as it is with "
            f"`store-clustering run --env {self.env} --accept`"
        )

    def _now(self) -> Delivery:
        from pipeline.core.between_runs.delivery import delivery

        sources = self.config.settings.sources
        files = {
            name: len(raw_files.existing(self.config, name))
            for name in _SOURCES
            if name != "external" and getattr(sources, name)
        }
        return delivery(
            settings={name: _hash(getattr(sources, name)) for name in _SOURCES if getattr(sources, name)},
            files=files,
            over_need_states=bool(sources.attributes),
            **self.read(),
        )

    def findings(self) -> list[str]:
        """What did not arrive, or arrived twice."""
        return self._findings

    def notes(self) -> list[str]:
        """What was not compared."""
        return self._notes


def _hash(source: Any) -> str:
    """A hash of how a source is read; not of the currency, which is only said, of when it is asked, and of a password."""
    values = traces.flatten(msgspec.to_builtins(source), "source")
    left_out = ("currency", *WHEN)
    read = {key: value for key, value in values.items() if key.rpartition(".")[2] not in left_out}
    return fingerprints.text(
        repr({key: place_of(str(value)) if key.endswith(SECRET) else value for key, value in read.items()})
    )[:12]


def _text(delivery: Delivery) -> str:
    return msgspec.json.encode(delivery, order="deterministic").decode()


def _read(content: str) -> Delivery | None:
    """The delivery of an earlier load; None if another version wrote it in another way."""
    from pipeline.core.between_runs.delivery import Delivery

    try:
        return msgspec.json.decode(content, type=Delivery)
    except msgspec.MsgspecError:
        return None


def comparison(document: Path) -> dict[str, pd.DataFrame]:
    """The tables `deliveries` and `delivery_changes` of a comparison.

    Raises
    ------
    OSError, msgspec.MsgspecError : the file is not what was published, which freshness sees before
    """
    from pipeline import schema
    from pipeline.core import frames

    content = msgspec.json.decode(document.read_bytes())
    return {
        name: frames.frame(
            schema.TABLES[name], [tuple(row[column.name] for column in schema.TABLES[name].columns) for row in rows]
        )
        for name, rows in content.items()
    }
