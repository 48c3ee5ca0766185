"""`UploadStage`: puts the results into a bucket, under keys that nobody has seen, and then points to them."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, ClassVar

import luigi

from pipeline.config.environment import Config
from pipeline.errors import InputChangedError
from pipeline.freshness import fingerprints
from pipeline.records import runs
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.stage.build import snapshot
from pipeline.storage.publication import Publication


class UploadStage(Stage):
    """Uploads what other stages published, each time to a folder of its own, and replaces `latest.json`, the pointer to it.

    Readers find one whole result, or the one before. What is killed halfway leaves a folder that nothing points to.

    Class attributes
    ----------------
    uploads : the stages whose targets are uploaded
    loads : (stage, table) of every table whose files are uploaded
    """

    uploads: ClassVar[tuple[type[Stage], ...]] = ()
    loads: ClassVar[tuple[tuple[type[Stage], str], ...]] = ()
    sections: ClassVar[tuple[str, ...]] = ("upload",)
    modules: ClassVar[tuple[str, ...]] = ("pipeline.storage.buckets",)
    libraries: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """Whether the settings name a bucket."""
        return bool(config.settings.upload.url)

    def requires(self) -> list[luigi.Task]:
        """The stages whose targets are uploaded."""
        return [self.clone(stage) for stage in self.uploads]

    def output(self) -> dict[str, luigi.LocalTarget]:
        """What was last written to the pointer."""
        return {"pointer": luigi.LocalTarget(str(self.folder / "latest.json"))}

    def uploaded(self) -> dict[str, Path]:
        """The files by their key in the folder."""
        documents = [Path(target.path) for stage in self.uploads for target in self.clone(stage).output().values()]
        tables = [path for stage, table in self.loads for path in self.clone(stage).files_of(table)]
        outputs = self.config.outputs
        return {
            str(path.relative_to(outputs) if path.is_relative_to(outputs) else path.name): path
            for path in (*documents, *tables)
        }

    def files(self) -> list[Path]:
        """The files that are uploaded."""
        return list(self.uploaded().values())

    def build(self, publication: Publication) -> list[str]:
        """Upload every file, then replace the pointer."""
        from pipeline.storage import buckets

        url = f"{self.config.settings.upload.url.rstrip('/')}/{self.env}/"
        memory, files, before = session.memory(self.config), self.uploaded(), snapshot(self)
        folder = f"{runs.current()}-{secrets.token_hex(4)}"
        entries: dict[str, dict[str, Any]] = {
            key: {
                "key": f"{folder}/{key}",
                "sha256": memory.hash(path, fingerprints.content),
                "bytes": path.stat().st_size,
            }
            for key, path in sorted(files.items())
        }
        buckets.upload(url, {entries[key]["key"]: path for key, path in files.items()}, "upload")
        if snapshot(self) != before:
            raise InputChangedError(
                f"{self.name}: a result changed while it was uploaded; let its writer finish, and run again"
            )
        document = {"env": self.env, "run_id": runs.current(), "published_at": runs.now().isoformat(), "files": entries}
        if not buckets.point(url, document, "upload"):
            self.say("a later result was uploaded meanwhile: the pointer stays with it")
        with publication.staged(self.folder / "latest.json") as path:
            path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return []
