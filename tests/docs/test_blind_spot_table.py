"""The table of what others do not see names the tests that show it, all of them."""

from __future__ import annotations

import re

from conftest import ROOT


def test_every_row_names_a_test_and_every_test_has_a_row() -> None:
    page = (ROOT / "docs" / "freshness.md").read_text()
    tests = (ROOT / "tests" / "proofs" / "test_blind_spots.py").read_text()
    assert sorted(re.findall(r"`(test_\w+)` \|", page)) == sorted(
        re.findall(r"^def (test_\w+)", tests, flags=re.MULTILINE)
    )
