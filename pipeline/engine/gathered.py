"""The result of a gather function: tables by name, and the doubts about the raw data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd


class Gathered(dict[str, pd.DataFrame]):
    """Tables by name.

    Attributes
    ----------
    doubts : what should be looked at, a line each
    notes : what people ask of what was read, a line each
    """

    def __init__(
        self, tables: Mapping[str, pd.DataFrame], doubts: Sequence[str] = (), notes: Sequence[str] = ()
    ) -> None:
        super().__init__(tables)
        self.doubts = list(doubts)
        self.notes = list(notes)
