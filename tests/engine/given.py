"""What many tests of the engine are given: a sale, the need state it serves, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from pipeline.errors import PipelineError, RawDataError

SALES = pd.DataFrame({"store_id": ["1"], "sku_id": ["a"], "category": ["Bread"], "sales_value": [1.0]})
MAP = pd.DataFrame({"sku_id": ["a"], "category": ["Bread"], "need_state": ["Daily"]})


def said(call: Callable[..., Any], *given: Any, error: type[PipelineError] = RawDataError, **options: Any) -> str:
    """The one line in which a call refuses what it is given, with just this error."""
    with pytest.raises(error) as caught:
        call(*given, **options)
    assert type(caught.value) is error
    assert len(caught.value.lines) == 1
    assert str(caught.value).isprintable()
    return str(caught.value)
