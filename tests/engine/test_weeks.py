from __future__ import annotations

import pytest

from pipeline.engine.weeks import first_kept


@pytest.mark.parametrize(
    ("weeks", "last", "first"),
    [
        ({1, 2, 53}, 52, 2),
        ({1, 2, 53}, 1, 53),
        ({10, 3}, 5, 6),
        ({-3, 0}, 2, -1),
        ({202452, 202501, 202502, 202451}, 3, 202452),
        ({202501}, 52, 202501),
        ({202499, 202501}, 3, 202499),
        ({20250102, 20241201}, 1, 20241227),
        ({20240301}, 1, 20240224),
        ({20241301, 20240101}, 10, 20241292),
    ],
)
def test_the_first_of_the_last_weeks(weeks: set[int], last: int, first: int) -> None:
    assert first_kept(weeks, last) == first
