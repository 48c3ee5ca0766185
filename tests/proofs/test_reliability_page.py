"""docs/reliability.md, written from a part of the suite, keeps what the rest of it said."""

from __future__ import annotations

from pathlib import Path

import pytest
import reliability
from reliability import CORE_MUTANTS, FRESHNESS, INPUT, MUTANTS, page


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch):
    """Set the day, commit and machine that things are told of."""

    def at(date: str, commit: str, machine: str = "a machine") -> None:
        told = {"date": date, "commit": commit, "machine": machine}
        monkeypatch.setattr(reliability, "surroundings", lambda: told)

    at("2026-01-01", "aaaaaaa")
    return at


def counts(proof: str, section: str = INPUT, **numbers: int) -> dict[str, object]:
    return {"section": section, "proof": proof, "counts": numbers}


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|") and "---" not in line]


def test_a_proof_that_was_not_run_anew_keeps_its_row(tmp_path: Path, day) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    reliability.keep(first, "a", counts("files", read=3))
    reliability.keep(first, "b", counts("names", kept=4))
    reliability.keep(first, "c", counts("kills", FRESHNESS, held=5))
    before = page(first)
    day("2026-02-02", "bbbbbbb", "another machine")
    reliability.keep(second, "b", counts("names", kept=2))
    reliability.keep(second, "b 2", counts("names", kept=1))
    reliability.keep(second, "d", counts("zeros", held=6))
    after = page(second, before)
    assert rows(after) == [
        "| proof | counts | dates | commits |",
        "| kills | 5 held | 2026-01-01 | aaaaaaa |",
        "| proof | counts | dates | commits |",
        "| files | 3 read | 2026-01-01 | aaaaaaa |",
        "| names | 3 kept | 2026-02-02 | bbbbbbb |",
        "| zeros | 6 held | 2026-02-02 | bbbbbbb |",
    ]
    assert [line for line in after.splitlines() if line.startswith("Machine")] == [
        "Machine: a machine.",
        "Machine: another machine.",
    ]
    assert page(tmp_path / "none", after) == after, "nothing run, nothing changed"


def test_survivors_go_with_the_count_that_they_are_of_and_stay_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reliability, "judgements", lambda: {"a | b": "same"})
    first, second = tmp_path / "1", tmp_path / "2"
    for section in (MUTANTS, CORE_MUTANTS):
        reliability.keep(first, section, counts("one in four", section, tried=9))
        reliability.keep(
            first, section + "1", {"section": section, "row": {"survivor": "`a | b`", "judgement": "not judged"}}
        )
    before = page(first)
    reliability.keep(second, "anew", counts("one in four", MUTANTS, tried=10))
    assert rows(page(second, before)) == [
        "| proof | counts | dates | commits |",
        "| one in four | 10 tried | 2026-01-01 | aaaaaaa |",
        "| proof | counts | dates | commits |",
        "| one in four | 9 tried | 2026-01-01 | aaaaaaa |",
        "| survivor | judgement |",
        "| `a \\| b` | same |",
    ]


def test_the_page_that_is_there_is_read_whole(tmp_path: Path) -> None:
    there = reliability.PAGE.read_text()
    assert rows(page(tmp_path, there)) == rows(there)
