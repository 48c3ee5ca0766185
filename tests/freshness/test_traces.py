"""Traces as files, and the names and keys in them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pipeline.freshness import traces
from pipeline.freshness.traces import Trace, flatten, slug

TRACE = Trace(
    task="Merging", settings={"b": [1, 2], "a": None}, code={}, libraries={}, inputs={}, outputs={"out": "0" * 64}
)


def test_a_trace_is_synced_then_renamed_then_its_folder_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / ".trace" / "merging.json"
    done: list[str] = []
    replace = Path.replace

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        size = os.fstat(descriptor).st_size
        done.append(f"sync {kind}{'' if kind == 'folder' or size else ', empty'}")

    def renamed(self: Path, target: Path) -> Path:
        done.append(f"rename {self.name} to {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    traces.write(path, TRACE)
    assert done == ["sync file", f"rename .merging.json.{os.getpid()}.tmp to merging.json", "sync folder"]
    assert traces.read(path) == TRACE


def test_a_trace_reads_well_and_its_keys_are_in_order(tmp_path: Path) -> None:
    traces.write(tmp_path / "t", TRACE)
    text = (tmp_path / "t").read_text()
    assert text.startswith('{\n "built_at": "",\n "children": [],\n')
    assert text.index('"a": null') < text.index('"b": [')


def test_an_error_says_which_trace_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match=r"merging\.json") as caught:
        traces.write(tmp_path / "merging.json", TRACE)
    assert caught.value.filename == str(tmp_path / "merging.json")
    assert not (tmp_path / "merging.json").exists()


@pytest.mark.parametrize("version", [0, 2])
def test_a_trace_of_another_version_is_none(tmp_path: Path, version: int) -> None:
    path = tmp_path / "t"
    traces.write(path, TRACE)
    path.write_text(path.read_text().replace('"version": 1', f'"version": {version}'))
    assert traces.read(path) is None


def test_what_is_not_text_is_no_trace(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b'{"task": "\xff"}')
    assert traces.read(tmp_path / "t") is None
    assert traces.read(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bread & Co.", "bread-co-02e87823e7"),
        ("", "x-e3b0c44298"),
        ("a" * 50, f"{'a' * 40}-160b4e433e"),
        ("-9-", "9-2017a83b61"),
    ],
)
def test_a_slug_is_readable_and_unique_by_its_hash(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": {"b": 1, "c": [{"d": 2}]}}, {"a.b": 1, "a.c[0].d": 2}),
        ({"a": [1, 2], "b": (3, 4)}, {"a": [1, 2], "b": [3, 4]}),
        ({"a": [1, {"b": 2}]}, {"a[0]": 1, "a[1].b": 2}),
        ({"a": ({"b": 2},)}, {"a[0].b": 2}),
        ({1: "x"}, {"1": "x"}),
        ({"a": {}}, {}),
        ({"a": []}, {"a": []}),
    ],
)
def test_nested_settings_are_dotted_keys(values: object, expected: dict[str, object]) -> None:
    assert flatten(values) == expected
    assert flatten(values, "p") == {f"p.{key}": value for key, value in expected.items()}


@pytest.mark.parametrize("name", ["Bread", "Bread & Co.", "酒", "", "a" * 300])
def test_every_slug_is_known_as_one(name: str) -> None:
    assert traces.is_slug(traces.slug(name)) is True


@pytest.mark.parametrize(
    "name",
    ["", "bread", "bread, my copy", "bread-e882154bb", "bread-e882154bb2 (copy)", "Bread-e882154bb2", "-e882154bb2"],
)
def test_a_name_that_somebody_chose_is_no_slug(name: str) -> None:
    assert traces.is_slug(name) is False
