"""Azure and Google Cloud Storage (of which only the URLs and the words of one request are tried) answer as S3 does: what is read is one version, and the pointer to results is replaced by a later one only."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from clouds import azure

from pipeline.errors import InputChangedError, RemoteError
from pipeline.settings.sources import BUCKETS
from pipeline.storage import buckets


@pytest.fixture(params=["s3", pytest.param("azure", marks=pytest.mark.nightly)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "s3":
        request.getfixturevalue("bucket")
        yield "s3://shop"
    else:
        with azure(tmp_path, monkeypatch) as url:
            yield url


def test_an_object_is_read_in_the_version_that_was_listed(url: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"one")
    buckets.upload(f"{url}/in/", {"a.csv": path, "b/ä c.csv": path}, "sources.x")
    listed = buckets.versions(f"{url}/in/", "sources.x")
    assert sorted(listed) == ["in/a.csv", "in/b/ä c.csv"]
    for key, version in listed.items():
        buckets.download(f"{url}/in/", key, version, tmp_path / "copy", "sources.x")
        assert (tmp_path / "copy").read_bytes() == b"one"
    path.write_bytes(b"two")
    buckets.upload(f"{url}/in/", {"a.csv": path}, "sources.x")
    assert buckets.versions(f"{url}/in/", "sources.x")["in/a.csv"] != listed["in/a.csv"]
    with pytest.raises(InputChangedError):
        buckets.download(f"{url}/in/", "in/a.csv", listed["in/a.csv"], tmp_path / "copy", "sources.x")


def test_a_pointer_is_replaced_by_a_later_one_whoever_else_writes_it(url: str) -> None:
    documents = [{"published_at": f"2026-01-{day:02}", "files": {}} for day in range(1, 9)]
    assert buckets.point(f"{url}/out/", documents[0], "upload"), "there is none yet"
    assert buckets.point(f"{url}/out/", documents[1], "upload"), "an earlier one is there"
    assert not buckets.point(f"{url}/out/", documents[0], "upload"), "a later one is there"
    threads = [threading.Thread(target=buckets.point, args=(f"{url}/out/", each, "upload")) for each in documents[::-1]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with buckets._asking(url, "upload") as (_, store):
        assert json.loads(bytes(obstore.get(store, "out/latest.json").bytes())) == documents[-1]


def test_the_pointer_is_replaced_in_the_version_that_was_read_as_google_asks(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets.point("s3://shop/out/", {"published_at": "2026-01-01"}, "upload")
    get, modes = obstore.get, []

    def versioned(*words: Any, **options: Any) -> Any:
        there = get(*words, **options)
        return SimpleNamespace(meta={**there.meta, "version": "17"}, bytes=there.bytes)

    def noted(*words: Any, mode: Any) -> None:
        modes.append(mode)

    monkeypatch.setattr(obstore, "get", versioned)
    monkeypatch.setattr(obstore, "put", noted)
    assert buckets.point("s3://shop/out/", {"published_at": "2026-01-02"}, "upload")
    assert [mode["version"] for mode in modes] == ["17"]


def test_a_bucket_that_is_not_there_is_one_line(url: str) -> None:
    with pytest.raises(RemoteError, match="bucket nowhere does not answer as it should") as caught:
        buckets.versions(f"{url.partition('://')[0]}://nowhere/in/", "sources.x")
    assert len(caught.value.lines) == 1


STORES = dict.fromkeys(BUCKETS, "AzureStore") | {"s3://": "S3Store", "gs://": "GCSStore"}
ACCOUNT = {"AZURE_STORAGE_ACCOUNT_NAME": "shop", "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0"}


@pytest.mark.parametrize("scheme", BUCKETS)
def test_every_scheme_that_a_config_may_name_is_one_of_obstore(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    with buckets._asking(f"{scheme}shop/in/", "sources.x") as (_, store):
        assert type(store).__name__ == STORES[scheme]
    assert buckets.folder_of(f"{scheme}shop/in/2024-*/x.csv") == "in/"
