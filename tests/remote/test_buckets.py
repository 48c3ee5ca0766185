"""Sources in a bucket are mirrored by ETag, and results in a bucket are one whole result or the one before. Against moto's S3 server."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pytest
from projects import Project

from pipeline import tasks
from pipeline.errors import InputChangedError, RemoteError
from pipeline.storage import buckets

MIRROR = "BucketMirror(internal_sales)"


@pytest.fixture
def mirrored(project: Project, bucket: Any) -> Project:
    """A project whose sales are two files in a bucket."""
    sales = project.sales()
    for name, part in (("a", sales.iloc[:400]), ("b/c", sales.iloc[400:])):
        part.to_parquet(project.path("part.parquet"), index=False)
        obstore.put(bucket, f"in/{name}.parquet", project.path("part.parquet").read_bytes())
    obstore.put(bucket, "in/notes.md", b"not a raw file")
    obstore.put(bucket, "in/_hidden/old.parquet", b"not one either")
    obstore.put(bucket, "inner/other.parquet", b"of another folder")
    set_path(project, "s3://shop/in/")
    return project


def set_path(project: Project, path: str) -> None:
    project.settings["sources"]["internal_sales"]["path"] = path
    project.configure()


def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    download = buckets.download

    def counted(url: str, key: str, *others: Any) -> None:
        done.append(key)
        download(url, key, *others)

    monkeypatch.setattr(buckets, "download", counted)
    return done


def test_files_of_a_bucket_give_the_tables_of_the_same_files_here(mirrored: Project) -> None:
    folder = mirrored.path("outputs/dev/internal_preprocessing")
    set_path(mirrored, "data/raw/sales.parquet")
    mirrored.build(tasks.InternalPreprocessing)
    files = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    set_path(mirrored, "s3://shop/in/")
    mirrored.path("data/raw/sales.parquet").unlink()
    assert mirrored.build(tasks.InternalPreprocessing).built == {MIRROR, "InternalPreprocessing"}
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == files
    mirror = mirrored.path("outputs/dev/bucket_mirror/internal_sales")
    names = [str(path.relative_to(mirror)) for path in mirror.rglob("*.parquet")]
    assert sorted(names) == ["a.parquet", "b/c.parquet"]


def test_only_what_changed_is_downloaded(mirrored: Project, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = downloads(monkeypatch)
    first = mirrored.build(tasks.InternalPreprocessing)
    assert first.built == {MIRROR, "InternalPreprocessing"}
    assert sorted(done) == ["in/a.parquet", "in/b/c.parquet"]
    done.clear()
    assert mirrored.build(tasks.InternalPreprocessing).built == set()
    assert done == []
    obstore.put(
        bucket, "in/b/c.parquet", Path(mirrored.path("outputs/dev/bucket_mirror/internal_sales/a.parquet")).read_bytes()
    )
    changed = mirrored.build(tasks.InternalPreprocessing)
    assert done == ["in/b/c.parquet"]
    assert changed.reasons[MIRROR].startswith("input changed: s3://shop/in/b/c.parquet")
    done.clear()
    obstore.delete(bucket, "in/b/c.parquet")
    removed = mirrored.build(tasks.InternalPreprocessing)
    assert removed.reasons[MIRROR].startswith("input removed")
    assert done == []
    assert not mirrored.path("outputs/dev/bucket_mirror/internal_sales/b/c.parquet").exists()


def test_a_copy_that_was_altered_is_downloaded_again(mirrored: Project, bucket: Any) -> None:
    mirrored.build(tasks.InternalPreprocessing)
    copy = mirrored.path("outputs/dev/bucket_mirror/internal_sales/a.parquet")
    content = copy.read_bytes()
    copy.write_bytes(b"x")
    assert MIRROR in mirrored.build(tasks.InternalPreprocessing).built
    assert copy.read_bytes() == content


@pytest.mark.parametrize(
    ("url", "keys"),
    [("s3://shop/in/a.parquet", ["in/a.parquet"]), ("s3://shop/in/*.parquet", ["in/a.parquet"]), ("s3://shop/in/*/*.parquet", ["in/_hidden/old.parquet", "in/b/c.parquet"]),
     ("s3://shop/in/none.parquet", [])],
)  # fmt: skip
def test_a_url_is_an_object_a_folder_or_a_pattern(mirrored: Project, url: str, keys: list[str]) -> None:
    assert sorted(buckets.versions(url, "sources.internal_sales")) == keys


def test_an_object_that_is_overwritten_during_the_download_is_refused(bucket: Any, tmp_path: Path) -> None:
    obstore.put(bucket, "x.csv", b"one")
    [version] = buckets.versions("s3://shop/x.csv", "sources.x").values()
    obstore.put(bucket, "x.csv", b"two")
    with pytest.raises(InputChangedError, match=r"x\.csv: changed while it was downloaded"):
        buckets.download("s3://shop/x.csv", "x.csv", version, tmp_path / "x.csv", "sources.x")


def test_what_changes_during_the_download_is_read_once_more(
    mirrored: Project, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    download, late = buckets.download, [b""]

    def racing(url: str, key: str, *others: Any) -> None:
        if late:
            late.clear()
            obstore.put(bucket, key, bytes(obstore.get(bucket, "in/b/c.parquet").bytes()))
        download(url, key, *others)

    monkeypatch.setattr(buckets, "download", racing)
    assert mirrored.build(tasks.InternalPreprocessing).status == "SUCCESS"
    [first, second] = mirrored.path("outputs/dev/bucket_mirror/internal_sales").rglob("*.parquet")
    assert first.read_bytes() == second.read_bytes()


def test_a_bucket_that_is_not_there_is_one_line(mirrored: Project, bucket: Any) -> None:
    set_path(mirrored, "s3://nowhere/in/")
    done = mirrored.command("store-clustering", "run", "InternalPreprocessing")
    assert done.returncode == 30
    assert (
        len([line for line in done.stderr.splitlines() if "bucket nowhere does not answer as it should" in line]) == 1
    )
    set_path(mirrored, "s3://shop/empty/")
    done = mirrored.command("store-clustering", "check")
    assert done.returncode == 20
    assert "no object at 's3://shop/empty/'" in done.stdout


def pointer(bucket: Any) -> dict[str, Any]:
    return json.loads(bytes(obstore.get(bucket, "out/dev/latest.json").bytes()))


def test_results_are_uploaded_whole_and_then_pointed_to(built: Project, bucket: Any) -> None:
    built.configure(upload={"url": "s3://shop/out"})
    assert built.build().built == {"Upload"}
    latest = pointer(bucket)
    assert {"clustering_dev.duckdb", "report.html", "store_clusters.xlsx", "merging/store_clusters.parquet"} <= set(
        latest["files"]
    )
    for entry in latest["files"].values():
        content = bytes(obstore.get(bucket, f"out/dev/{entry['key']}").bytes())
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert built.build().built == set()
    uploaded(built).unlink()
    assert built.build().built == {"Upload"}
    after = pointer(bucket)
    assert not {entry["key"] for entry in after["files"].values()} & {
        entry["key"] for entry in latest["files"].values()
    }
    assert bytes(obstore.get(bucket, f"out/dev/{latest['files']['report.html']['key']}").bytes()), (
        "readers of the former find it"
    )


DYING = """
import os, signal, sys, obstore
from pipeline.cli.main import main
put, left = obstore.put, [3]
def dying(*words, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return put(*words, **options)
obstore.put = dying
sys.argv = ["store-clustering", "run"]
main()
"""


def assert_whole(bucket: Any) -> dict[str, Any]:
    """Check that the pointer leads to files that are all there, as they were uploaded."""
    latest = pointer(bucket)
    assert len(latest["files"]) > 50
    for entry in latest["files"].values():
        content = bytes(obstore.get(bucket, f"out/dev/{entry['key']}").bytes())
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["bytes"])
    return latest


def uploaded(project: Project) -> Path:
    """What a project says it uploaded last: without it, it uploads again."""
    [path] = project.path("outputs/dev").rglob("latest.json")
    return path


def folders(bucket: Any) -> set[str]:
    return {each["path"].split("/")[2] for batch in obstore.list(bucket, prefix="out/dev") for each in batch}


def test_a_run_that_is_killed_between_two_uploads_leaves_an_orphan_and_the_next_run_a_whole_result(
    built: Project, bucket: Any
) -> None:
    built.configure(upload={"url": "s3://shop/out"})
    assert built.command("store-clustering", "run").returncode == 0
    latest = assert_whole(bucket)
    uploaded(built).unlink()
    assert built.command("python", "-c", DYING).returncode == -9
    assert assert_whole(bucket) == latest, "readers find the result before"
    assert len(folders(bucket)) == 3, "latest.json, and a folder of each"
    done = built.command("store-clustering", "run")
    assert done.returncode == 0, done.stderr
    assert assert_whole(bucket)["run_id"] != latest["run_id"]
    assert len(folders(bucket)) == 4, "what the killed run left stays for the bucket's rule of life"
    assert "Upload" not in built.command("store-clustering", "run").stdout


def test_what_dies_between_uploads_leaves_the_pointer_as_it_was(
    built: Project, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.configure(upload={"url": "s3://shop/out"})
    built.build()
    latest = pointer(bucket)
    uploaded(built).unlink()
    put, left = obstore.put, [3]

    def dying(*words: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise OSError("the connection is gone")
        return put(*words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(obstore, "put", dying)
        assert "Upload" in built.build().failed
    assert pointer(bucket) == latest
    assert built.build().built == {"Upload"}
    assert pointer(bucket) != latest


def test_two_runs_that_publish_at_once_leave_one_whole_result(built: Project, bucket: Any, tmp_path: Path) -> None:
    built.configure(upload={"url": "s3://shop/out"})
    with tempfile.TemporaryDirectory() as other, ThreadPoolExecutor(2) as pool:
        projects = [built, Project(Path(shutil.copytree(tmp_path, other, dirs_exist_ok=True)), built.settings)]
        runs = [
            pool.submit(each.command, "store-clustering", "run", STORE_CLUSTERING_HOME=str(each.home))
            for each in projects
        ]
        assert [run.result().returncode for run in runs] == [0, 0]
        latest = assert_whole(bucket)
        assert len(folders(bucket)) == 3
        documents = [json.loads(uploaded(each).read_text()) for each in projects]
        assert latest == max(documents, key=lambda document: document["published_at"])


def test_without_obstore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(RemoteError, match="uv sync --extra buckets"):
        buckets.versions("s3://shop/", "sources.x")
