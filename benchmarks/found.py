"""What a row of the table says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.processes import Cost, Middle


@dataclass(frozen=True)
class Row:
    """What was measured, against what, and the goal.

    `unit` stands behind goal and figure: x, ms, MB. `parity` says what was compared to know that the same was computed; a row whose
    results differ is not written at all. `why` says why the goal is missed where it is, and what was tried. `costs` are the
    runs behind it, by name, for the table of seconds and memory.
    """

    what: str
    yardstick: str
    goal: float | None
    figure: Middle
    unit: str
    parity: str
    costs: dict[str, Sequence[Cost]]
    note: str = ""
    why: str = ""

    @property
    def met(self) -> str:
        if self.goal is None:
            return "-"
        return (
            "met"
            if self.figure.median <= self.goal
            else f"missed by {amount(self.figure.median - self.goal, self.unit)}"
        )


def amount(value: float, unit: str) -> str:
    return f"{value:.2f} x" if unit == "x" else f"{value:,.0f} {unit}"


def same(what: str, one: object, other: object) -> None:
    """Refuse figures of things that did not compute the same.

    Raises
    ------
    SystemExit : they differ.
    """
    if one != other:
        raise SystemExit(f"{what}: not the same result, so that its figures say nothing:\n{one}\n{other}")
