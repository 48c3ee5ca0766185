"""One predicate per reason, asked in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.freshness import traces
from pipeline.freshness.reasons import NOT_PUBLISHED, REASONS, Reason, reasons
from pipeline.freshness.traces import Trace

GOOD = Trace(
    task="Merging",
    settings={"merging.method": "cross"},
    code={"pipeline.core.merging": "c1"},
    libraries={"pandas": "3.1.1"},
    inputs={"in": "i1"},
    outputs={"out": "o1"},
)


@dataclass
class Fake:
    """A stage whose evidence is at hand, fresh unless told otherwise; says what it was asked."""

    known: Trace | None = GOOD
    gone: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    reads: dict[str, str | None] = field(default_factory=lambda: dict(GOOD.inputs))
    values: dict[str, Any] = field(default_factory=lambda: dict(GOOD.settings))
    modules: dict[str, str] = field(default_factory=lambda: dict(GOOD.code))
    versions: dict[str, str] = field(default_factory=lambda: dict(GOOD.libraries))
    wrote: dict[str, str | None] = field(default_factory=lambda: dict(GOOD.outputs))
    asked: list[str] = field(default_factory=list)

    def _answer(self, name: str, answer: Any) -> Any:
        self.asked.append(name)
        return answer

    def trace(self) -> Trace | None:
        return self.known

    def missing(self) -> list[str]:
        return self._answer("missing", self.gone)

    def stale_upstream(self) -> list[str]:
        return self._answer("upstream", self.above)

    def inputs(self) -> dict[str, str | None]:
        return self._answer("inputs", self.reads)

    def settings(self) -> dict[str, Any]:
        return self._answer("settings", self.values)

    def code(self) -> dict[str, str]:
        return self._answer("code", self.modules)

    def libraries(self) -> dict[str, str]:
        return self._answer("libraries", self.versions)

    def outputs(self) -> dict[str, str | None]:
        return self._answer("outputs", self.wrote)


def test_a_stage_whose_trace_holds_has_no_reason_and_everything_was_asked() -> None:
    stage = Fake()
    assert list(reasons(stage)) == []
    assert stage.asked == ["missing", "upstream", "inputs", "settings", "code", "libraries", "outputs"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"gone": ["out"]}, "missing: out"),
        ({"known": None}, "no trace"),
        ({"above": ["InternalClustering"]}, "upstream stale: InternalClustering"),
        ({"reads": {"in": "i2"}}, "input changed: in (i1 -> i2)"),
        ({"reads": {"in": "i1", "more": "x"}}, "input added: more"),
        ({"reads": {}}, "input removed: in"),
        ({"reads": {"in": None}}, "input removed: in"),
        ({"values": {"merging.method": "nested"}}, "setting changed: merging.method ('cross' -> 'nested')"),
        ({"values": {"merging.method": "cross", "merging.x": 1}}, "setting added: merging.x"),
        ({"values": {}}, "setting removed: merging.method"),
        ({"modules": {"pipeline.core.merging": "c2"}}, "code changed: pipeline.core.merging (c1 -> c2)"),
        ({"versions": {"pandas": "3.2.0"}}, "library changed: pandas (3.1.1 -> 3.2.0)"),
        ({"wrote": {"out": "o2"}}, "output altered: out (o1 -> o2)"),
        ({"wrote": {"out": None}}, "missing: out"),
        ({"wrote": {"out": "o1", "out.wal": "w1"}}, "output altered: out.wal lies beside it"),
    ],
)
def test_each_change_is_the_one_reason(change: dict[str, Any], expected: str) -> None:
    assert [str(reason) for reason in reasons(Fake(**change))] == [expected]


def test_what_lies_in_what_was_published_is_told_by_its_kind() -> None:
    changes = ({"gone": ["out"]}, {"known": None}, {"wrote": {"out": "o2"}}, {"wrote": {"out": "o1", "out.wal": "w1"}})
    assert {reason.kind for change in changes for reason in reasons(Fake(**change))} == set(NOT_PUBLISHED)


def test_a_change_is_shown_where_both_values_are_known() -> None:
    assert str(Reason("setting changed", "merging.method", "'cross'", "'nested'")) == (
        "setting changed: merging.method ('cross' -> 'nested')"
    )
    assert str(Reason("setting changed", "merging.method", old="'cross'")) == "setting changed: merging.method"


def test_the_first_reason_is_found_without_looking_further() -> None:
    stage = Fake(gone=["out"], reads={"in": "i2"})
    assert next(reasons(stage)) == Reason("missing", "out")
    assert stage.asked == ["missing"]


def test_all_reasons_come_in_the_order_of_the_predicates() -> None:
    stage = Fake(gone=["out"], above=["X"], reads={"in": "i2"}, values={}, modules={}, versions={}, wrote={"out": "o2"})
    kinds = [reason.kind for reason in reasons(stage)]
    assert kinds == [
        "missing",
        "upstream stale",
        "input changed",
        "setting removed",
        "code removed",
        "library removed",
        "output altered",
    ]
    assert len(REASONS) == 8


def test_a_trace_reads_back_as_it_was_written(tmp_path) -> None:
    path = tmp_path / ".trace" / "merging.json"
    traces.write(path, GOOD)
    assert traces.read(path) == GOOD
    assert [found.name for found in path.parent.iterdir()] == ["merging.json"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 99, "task": "x"}', "\x80\x04\x95."])
def test_what_is_no_trace_is_read_as_none(tmp_path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    assert traces.read(path) is None
    assert traces.read(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    "name", ["../../etc", "CON", "a*b", '"; DROP TABLE', "=1+1", "<script>", "x" * 300, "Ünïcödé", "🥖", "", ".", "/"]
)
def test_a_slug_is_a_plain_file_name(name: str) -> None:
    found = traces.slug(name)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 12 <= len(found) <= 51


def test_slugs_of_names_that_look_alike_differ_and_of_equal_names_agree() -> None:
    assert len({traces.slug(name) for name in ("Bread", "bread", "BREAD", "Bread ", "bread-")}) == 5
    assert traces.slug("Café") == traces.slug("Cafe\u0301")
