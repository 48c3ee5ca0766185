"""Outputs that somebody crafted, altered, or flipped a bit of: nothing in them is executed, and none is read for what it is not."""

from __future__ import annotations

import ast
import json
import os
import random
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from conftest import ROOT
from projects import Project

from pipeline import schema, tasks
from pipeline.config.environment import load
from pipeline.errors import OutputError
from pipeline.freshness import fingerprints, traces
from pipeline.freshness.memory import Memory
from pipeline.inspect import standings
from pipeline.pins import archive
from pipeline.records import runs
from pipeline.run.session import session
from pipeline.storage import parquet

DEEP = "[" * 200_000
NONSENSE = {
    "nothing": b"",
    "zeros": bytes(100),
    "deep": DEEP.encode(),
    "deep in a field": b'{"version":1,"settings":' + b'{"a":' * 100_000,
    "a list": b"[]",
    "another version": b'{"version":2,"task":"x","settings":{},"code":{},"libraries":{},"inputs":{},"outputs":{}}',
    "wrong types": b'{"version":1,"task":7,"settings":[],"code":{},"libraries":{},"inputs":{},"outputs":{"a":5}}',
    "no UTF-8": b'{"task":"\xff\xfe"}',
    "a pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    "a huge number": b'{"version":' + b"9" * 5000 + b"}",
}
NOT_TO_BE_USED = {
    "imports": {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "jsonpickle"},
    "calls": {"eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "unsafe_load", "allow_pickle"},
}


STARTED = {"event": "started", "run_id": "X", "env": "dev", "tags": {}, "at": "2026-01-01T00:00:00+00:00",
           "user": "u", "host": "elsewhere", "pid": 1}  # fmt: skip
LINES = {
    "a status that is a number": {"event": "finished", "at": "2026-01-01T00:00:00", "status": 7},
    "a status that there is not": {"event": "finished", "at": "2026-01-01T00:00:00", "status": "fine"},
    "fresh tasks that are numbers": {"event": "finished", "at": "2026-01-01T00:00:00", "status": "done", "fresh": [1]},
    "seconds that are a text": {"event": "built", "task": "x", "seconds": "a"},
    "a reason that is a list": {"event": "built", "task": "x", "reason": ["a"]},
    "findings that are a number": {"event": "built", "task": "x", "findings": 3},
    "an event that is a list": {"event": ["built"], "task": "x"},
    "a time with a zone": {"event": "finished", "at": "2026-01-01T01:00:00+01:00", "status": "done"},
    "what a terminal acts on": STARTED | {"run_id": "\x1b]0;pwn\x07", "user": "\x1b[2J"},
}


@pytest.mark.parametrize("case", LINES)
def test_a_crafted_line_of_a_run_record_ends_no_command_and_no_run(case: str, built: Project, tried) -> None:
    record = built.path("outputs/dev/.runs/20270101T000000-aaaaaaaa.jsonl")
    lines = [LINES[case]] if "run_id" in LINES[case] else [STARTED, LINES[case]]
    record.write_text("\n".join(json.dumps(line) for line in lines))
    record.with_suffix(".toml").write_bytes(b"\xff")
    for words in (["history"], ["history", "2027"], ["history", "--json"]):
        done = built.command("store-clustering", *words)
        assert done.returncode == 0, (words, done.stderr)
        assert done.stdout.replace("\n", "").isprintable()
    built.configure(merging={"internal_weight": 0.7})
    outcome = built.build()
    assert outcome.status == "SUCCESS", outcome.failed
    assert "Warehouse" in outcome.built
    tried("a crafted trace, memory, run record or pin")["lines of a run record, passed over"] += 1


@pytest.mark.parametrize("name", ["a\u2028b", "a\u0085b", "a\nb", "a\x1bb", "\udcff"])
def test_a_record_holds_any_text(name: str, built: Project) -> None:
    found = load("dev")
    runs.record(found, {"k": "v"}, runs.FAILED, "T", error=name)
    run = runs.this(found)
    assert run is not None
    [event] = [line for line in run.events if line["task"] == "T"]
    assert event["error"] == name.replace("\udcff", "?")


PLACES = [
    "outputs/dev/.trace/merging.json",
    "outputs/dev/.trace/.memory.json",
    "outputs/dev/.runs/20270101T000000-aaaaaaaa.jsonl",
    "outputs/dev/merging/store_clusters.parquet",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_pipe_where_a_file_should_be_is_none_and_hangs_nothing(place: str, built: Project, tried) -> None:
    built.path(place).unlink(missing_ok=True)
    os.mkfifo(built.path(place))
    for words in (["status"], ["history"], ["run", "--quiet"]):
        done = built.command("store-clustering", *words)
        assert done.returncode == 0, (words, done.stderr)
    tried("a crafted trace, memory, run record or pin")["pipes, taken for none"] += 1


def test_a_trace_that_names_a_device_means_stale_and_hangs_nothing(built: Project, tried) -> None:
    path = built.path("outputs/dev/.trace/merging.json")
    trace = traces.read(path)
    assert trace is not None
    traces.write(path, msgspec.structs.replace(trace, outputs={**trace.outputs, "/dev/zero": "0" * 64}))
    assert stale()["Merging"].endswith(": /dev/zero")
    assert built.build().status == "SUCCESS"
    assert stale() == {}
    tried("a crafted trace, memory, run record or pin")["rebuilt by the next run"] += 1


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("store_clusters", "cluster", -5), ("internal_clusters", "cluster", 4_000_000_000),
     ("cluster_numbers", "highest_number", 2**63 - 1), ("external_clusters", "cluster", 0)],
)  # fmt: skip
def test_numbers_that_no_cluster_has_in_a_pin_are_refused_by_name(
    table: str, column: str, value: int, built: Project, tried
) -> None:
    assert built.command("store-clustering", "pin", "spring").returncode == 0
    folder = built.path("pins/dev/spring")
    path, told = folder / f"{table}.parquet", folder / "pin.toml"
    frame = parquet.read(path, schema.TABLES[table])
    old = archive.read(built.home, archive.Reference("dev", "spring")).files[path.name]
    path.chmod(0o644)
    parquet.write(frame.assign(**{column: value}), schema.TABLES[table], path)
    told.chmod(0o644)
    told.write_text(told.read_text().replace(old, fingerprints.content(path)))
    with pytest.raises(OutputError, match=rf"spring/{table}.parquet: {column} is {value}, where"):
        archive.table(load("dev"), archive.Reference("dev", "spring"), table, ())
    tried("a crafted trace, memory, run record or pin")["numbers of a pin, refused in one line"] += 1


def stale(env: str = "dev") -> dict[str, str]:
    """What is stale, and the first reason."""
    session.renew()
    return {one.task: str(one.reasons[0]) for one in standings.standings(tasks.FullPipeline(env=env)) if one.reasons}


def test_no_module_can_read_a_pickle_or_run_a_text() -> None:
    """`re.compile` and `ast.parse` are attributes of modules; the bare names are what executes."""
    found = []
    for path in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: set[str] = set()
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names} & NOT_TO_BE_USED["imports"]
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").split(".")[0]} & NOT_TO_BE_USED["imports"]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = {node.func.id} & NOT_TO_BE_USED["calls"]
            elif isinstance(node, ast.Attribute):
                names = {node.attr} & (NOT_TO_BE_USED["calls"] - {"compile", "exec", "eval"})
            elif isinstance(node, ast.keyword):
                names = {node.arg or ""} & {"allow_pickle", "shell"}
            found += [f"{path}:{node.lineno}: {name}" for name in names]
    assert found == []


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_where_a_trace_a_memory_a_record_or_a_pin_should_be(name: str, tmp_path: Path, tried) -> None:
    content, counts = NONSENSE[name], tried("a crafted trace, memory, run record or pin")
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert traces.read(path) is None
    assert Memory(path).hash(path, lambda _: "new") == "new"
    assert runs.read(path) is None
    path.write_bytes(b"\n".join([json.dumps(STARTED).encode(), content, b'{"event":"built","task":{}}']))
    found = runs.read(path)
    assert found is not None
    assert (found.run_id, found.status, found.events) == ("X", "running", [])
    pin = tmp_path / "pins" / "dev" / "a" / "pin.toml"
    pin.parent.mkdir(parents=True)
    pin.write_bytes(content)
    with pytest.raises(OutputError):
        archive.read(tmp_path, archive.Reference("dev", "a"))
    counts["taken for none"] += 4


def test_a_broken_trace_means_stale_and_the_next_run_mends_it(built: Project, tried) -> None:
    path = built.path("outputs/dev/.trace/merging.json")
    for content in (NONSENSE["deep"], NONSENSE["a pickle"]):
        path.write_bytes(content)
        assert stale()["Merging"] == "no trace"
        assert built.build().status == "SUCCESS"
        assert stale() == {}
        tried("a crafted trace, memory, run record or pin")["rebuilt by the next run"] += 1


def test_no_trace_makes_a_run_remove_what_is_not_its_own(built: Project, tried) -> None:
    """A build clears away what the trace before says it made: within its own folder."""
    others = [
        built.path("data/raw/sales.parquet"),
        built.path("kept.txt"),
        built.path("outputs/dev/merging/store_clusters.parquet"),
    ]
    others[1].write_text("kept")
    path = built.path("outputs/dev/.trace/internal_preprocessing.json")
    trace = traces.read(path)
    assert trace is not None
    aims = [
        "data/raw/sales.parquet",
        str(others[1]),
        "outputs/dev/internal_preprocessing/../merging/store_clusters.parquet",
    ]
    mine = built.path("outputs/dev/internal_preprocessing/gone.parquet")
    mine.write_text("made by an earlier build")
    crafted = {**trace.outputs, **dict.fromkeys([*aims, "../../x", built.path(str(mine)).as_posix()], "0" * 64)}
    traces.write(path, msgspec.structs.replace(trace, outputs=crafted))
    assert built.build(tasks.InternalPreprocessing).status == "SUCCESS"
    assert all(other.exists() for other in others)
    assert not mine.exists()
    tried("a crafted trace, memory, run record or pin")["aims outside the stage's folder, spared"] += len(aims)


def a_table(path: Path) -> schema.Table:
    table = schema.TABLES["sales_by_need_state"]
    rows = [(f"s{n % 40}", "Bread", f"need {n // 40}", 100 * n + n, n / 400) for n in range(400)]
    frame = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents", "share"])
    parquet.write(frame.assign(share_index=100 * frame["share"], is_excluded=False), table, path)
    return table


@pytest.mark.parametrize("flips", [100, pytest.param(1000, marks=pytest.mark.nightly)])
def test_no_flipped_bit_of_a_target_is_read_in_silence(flips: int, tmp_path: Path, tried) -> None:
    path, bits, counts = tmp_path / "t.parquet", random.Random(flips), tried("one bit of a target flipped, and read")
    table = a_table(path)
    whole, expected = path.read_bytes(), parquet.read(path, table)
    for _ in range(flips):
        flipped, at = bytearray(whole), bits.randrange(len(whole))
        flipped[at] ^= 1 << bits.randrange(8)
        path.write_bytes(flipped)
        try:
            found = parquet.read(path, table)
        except OutputError:
            counts["refused"] += 1
            continue
        pd.testing.assert_frame_equal(found, expected)
        counts["read as it was (statistics, which nothing reads)"] += 1


@pytest.mark.parametrize("cut", [0, 4, 200, -1])
def test_a_target_that_is_cut_is_refused(cut: int, tmp_path: Path, tried) -> None:
    path = tmp_path / "t.parquet"
    table = a_table(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(OutputError, match="run again"):
        parquet.read(path, table)
    tried("a target altered, cut, removed")["refused on reading"] += 1


def test_every_altered_target_is_found_by_the_next_run_though_the_clock_is_set_back(built: Project, tried) -> None:
    targets = [path for path in built.path("outputs/dev").rglob("*.parquet") if ".trace" not in path.parts]
    bits, counts = random.Random(8), tried("a target altered, cut, removed")
    for path in [*sorted(targets)[:: max(1, len(targets) // 8)], built.database]:
        stat, whole = path.stat(), path.read_bytes()
        flipped = bytearray(whole)
        flipped[bits.randrange(len(whole))] ^= 1
        path.chmod(0o644)
        path.write_bytes(flipped)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time
        assert any(str(path.relative_to(built.home)) in reason for reason in stale().values()), path
        path.write_bytes(whole)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        counts["flipped, same size and time: found by the next run"] += 1
    assert stale() == {}


def test_a_bit_that_rots_under_an_unchanged_stat_is_found_by_verify(built: Project, tried) -> None:
    """No file system lets a test do that: the memory is made to vouch for the stat that the altered file has."""
    assert stale() == {}
    target = built.path("outputs/dev/merging/store_clusters.parquet")
    flipped = bytearray(target.read_bytes())
    flipped[len(flipped) // 3] ^= 1
    target.write_bytes(flipped)
    path = load("dev").outputs / ".trace" / ".memory.json"
    session.memory(load("dev")).save()
    told = json.loads(path.read_text())
    stat = target.stat()
    good = json.loads(built.path("outputs/dev/.trace/merging.json").read_text())["outputs"]
    told["hashes"][str(target)] = [
        [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns],
        stat.st_ctime_ns + 10**10,
        good["outputs/dev/merging/store_clusters.parquet"],
    ]
    path.write_text(json.dumps(told))
    assert stale() == {}
    session.renew()
    standings.reread(tasks.FullPipeline(env="dev"))
    found = {one.task: str(one.reasons[0]) for one in standings.standings(tasks.FullPipeline(env="dev")) if one.reasons}
    assert found["Merging"].startswith("output altered")
    tried("a target altered, cut, removed")["rotten under the same stat: found by status --verify"] += 1
