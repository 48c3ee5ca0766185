"""Objects of a bucket, on S3, Google Cloud Storage or Azure, through obstore: listed, downloaded and uploaded whole or not at all.

Credentials and endpoint come from the environment, under the names that each cloud's own tools use. An object that is replaced while it
is downloaded is refused by the server, which is given the ETag of the listing. What is uploaded is there as a whole or not at all.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import InputChangedError, PipelineError, RemoteError
from pipeline.wording import gist

POINTER = "latest.json"
_CHUNK = 8_000_000  # bytes
_WILD = "*?["
_IDENTITY = ("e_tag", "version")  # of an object: S3 and Azure compare the ETag, Google Cloud Storage the version
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


def folder_of(url: str) -> str:
    """The part of a URL's key before the first wildcard, up to a slash: what objects have in common."""
    key = urlsplit(url, allow_fragments=False).path.lstrip("/")
    first = min((key.index(letter) for letter in _WILD if letter in key), default=len(key))
    return key[: key[:first].rfind("/") + 1]


def versions(url: str, setting: str) -> dict[str, str]:
    """The objects that a URL means, by key: the ETag of each, and its size.

    A URL that ends in a slash means all below it, one with wildcards those that match, any other the one object.

    Raises
    ------
    RemoteError : the bucket cannot be reached
    """
    key = _key(url)
    with _asking(url, setting) as (obstore, store):
        folder = folder_of(url)
        listed = [each for batch in obstore.list(store, prefix=folder.rstrip("/") or None) for each in batch]
    pattern = key if any(letter in key for letter in _WILD) else None
    return {
        each["path"]: f"{each['e_tag'] or ''!s} {each['size']}"
        for each in listed
        if each["path"].startswith(key if key.endswith("/") or not key else folder)
        and (key.endswith("/") or not key or _matches(each["path"], key, pattern))
    }


def _matches(path: str, key: str, pattern: str | None) -> bool:
    if pattern is None:
        return path == key
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


def download(url: str, key: str, version: str, path: Path, setting: str) -> None:
    """Write one version of an object to a file.

    Raises
    ------
    InputChangedError : the object is another by now, or gone
    RemoteError : it cannot be read
    """
    etag, _, size = version.rpartition(" ")
    with _asking(url, setting) as (obstore, store):
        from obstore.exceptions import PreconditionError

        try:
            result = obstore.get(store, key, options={"if_match": etag} if etag else None)
        except (PreconditionError, FileNotFoundError):
            raise InputChangedError(
                f"{key}: changed while it was downloaded; let its writer finish, and run again"
            ) from None
        with path.open("wb") as file:
            for chunk in result.stream(min_chunk_size=_CHUNK):
                file.write(chunk)
        if path.stat().st_size != int(size):
            raise RemoteError(f"[{setting}]: {key}: {path.stat().st_size:,} bytes arrived of {int(size):,}; run again")


def upload(url: str, files: Mapping[str, Path], setting: str) -> None:
    """Upload files below a URL, which ends in a slash, under new keys.

    Raises
    ------
    RemoteError : one cannot be written
    """
    with _asking(url, setting) as (obstore, store):
        for key, path in files.items():
            with path.open("rb") as file:
                obstore.put(store, f"{_key(url)}{key}", file)


def point(url: str, document: Mapping[str, Any], setting: str) -> bool:
    """Replace the pointer below a URL by a later one: readers find it as it was, or as it is then.

    Parameters
    ----------
    document : the new pointer; of two publishers, that with the later `published_at` stays

    Returns
    -------
    Whether it was replaced; false where a later one is there.

    Raises
    ------
    RemoteError : it cannot be written
    """
    key = f"{_key(url)}{POINTER}"
    content = json.dumps(document, indent=1).encode()
    with _asking(url, setting) as (obstore, store):
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        for _ in range(10):
            try:
                there = obstore.get(store, key)
                pointer = _read(bytes(there.bytes()))
                mode: Any = {name: there.meta[name] for name in _IDENTITY if there.meta[name] is not None}
            except FileNotFoundError:
                mode, pointer = "create", {}
            if str(pointer.get("published_at", "")) > document["published_at"]:
                return False
            try:
                obstore.put(store, key, content, mode=mode)
            except (AlreadyExistsError, PreconditionError):
                continue
            return True
    raise RemoteError(f"[{setting}]: {POINTER}: others replace it all the time; run again")


def _read(content: bytes) -> dict[str, Any]:
    try:
        pointer = json.loads(content)
    except ValueError:
        return {}
    return pointer if isinstance(pointer, dict) else {}


def _key(url: str) -> str:
    return urlsplit(url, allow_fragments=False).path.lstrip("/")


@contextmanager
def _asking(url: str, setting: str) -> Iterator[tuple[Any, Any]]:
    try:
        import obstore
        from obstore.store import from_url
    except ImportError:
        raise RemoteError(
            f"[{setting}]: obstore, which reads buckets, is not installed: uv sync --extra buckets"
        ) from None
    parts = urlsplit(url, allow_fragments=False)
    try:
        yield obstore, from_url(f"{parts.scheme}://{parts.netloc}", retry_config=_RETRIES)
    except (PipelineError, MemoryError):
        raise
    except OSError as error:
        if error.filename is not None:  # of a file here
            raise
        raise _refused(parts.netloc, setting, error) from None
    except Exception as error:
        raise _refused(parts.netloc, setting, error) from None


def _refused(bucket: str, setting: str, error: Exception) -> RemoteError:
    return RemoteError(
        f"[{setting}]: bucket {bucket} does not answer as it should: {gist(error)}; see whether it is there, and which credentials the "
        "environment has; what was published stays, and the next run asks again"
    )
