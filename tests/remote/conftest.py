"""Databases for the tests of this folder, each started once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import databases
import obstore
import obstore.store
import pytest
import requests
from databases import Database
from moto.server import ThreadedMotoServer

SECRET_KEY = "s3cr3t-key-of-the-bucket"  # noqa: S105


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    with databases.postgresql() as database:
        yield database


@pytest.fixture
def duckdb_file(tmp_path) -> Iterator[Database]:
    with databases.duckdb_file(tmp_path) as database:
        yield database


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with databases.sail(tmp_path_factory.mktemp("sail")) as database:
        yield database


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with databases.spark(tmp_path_factory.mktemp("spark")) as database:
        yield database


@pytest.fixture(scope="session")
def _s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(_s3: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket `shop` of an S3 server on the loopback address, as obstore's store."""
    credentials = {"AWS_ACCESS_KEY_ID": "robot", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**credentials, "AWS_ENDPOINT": _s3, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{_s3}/moto-api/reset", timeout=10)
    requests.put(f"{_s3}/shop", timeout=10)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return obstore.store.from_url("s3://shop")


@pytest.fixture(params=["postgresql", "duckdb_file"])
def database(request: pytest.FixtureRequest) -> Database:
    return request.getfixturevalue(request.param)
