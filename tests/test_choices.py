"""Every choice among names: what the settings allow is what there is a function for, or something else that it stands for."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from pipeline import alerts, schema
from pipeline.core.assigning.category import CategoryModel
from pipeline.core.between_runs import arrivals
from pipeline.core.clustering.outliers import WAYS
from pipeline.core.external.columns import IMPUTATIONS
from pipeline.core.internal.preprocessing import UNMAPPED_SALES
from pipeline.core.merging.methods import AUTO, METHODS
from pipeline.core.statistics.features import SCALINGS
from pipeline.engine.reading import week_formats
from pipeline.run.log_file import FORMATS
from pipeline.settings import Section, Settings
from pipeline.stage import far

TABLES: dict[str, Collection[str]] = {
    "outliers": WAYS,
    "imputation": IMPUTATIONS,
    "unmapped": UNMAPPED_SALES,
    "scaling": SCALINGS,
    "method": {AUTO, *METHODS},
    "otherwise": CategoryModel.BY_RULE,
    "alerts.level": alerts.SUCCESS_IS_TOLD,
    "logging.level": [name for name in ("DEBUG", "INFO", "WARNING", "ERROR") if hasattr(logging, name)],
    "format": FORMATS,
    "week_format": week_formats.FORMATS,
    "refresh": far.TURNS,
    "fail_on": arrivals.AREAS,
}
MARKS = {"decimal", "thousands", "signs"}  # stand for themselves


def choices(section: type[Section], place: str = "") -> Iterator[tuple[str, set[Any]]]:
    """Each setting that is one of several names, below a section."""
    for name, hint in get_type_hints(section).items():
        for part in (hint, *get_args(hint)):
            if get_origin(part) is Literal and name not in MARKS:
                yield f"{place}{name}", set(get_args(part))
            elif isinstance(part, type) and issubclass(part, Section):
                yield from choices(part, f"{place}{name}.")


@pytest.mark.parametrize(("setting", "allowed"), list(choices(Settings)))
def test_what_a_setting_allows_is_what_there_is_a_function_for(setting: str, allowed: set[Any]) -> None:
    name = setting.rpartition(".")[2]
    assert allowed == set(TABLES[setting] if setting in TABLES else TABLES[name]), setting


def test_every_table_is_that_of_a_setting() -> None:
    settings = [setting for setting, _ in choices(Settings)]
    assert [name for name in TABLES if not any(one == name or one.endswith(f".{name}") for one in settings)] == []


def test_the_column_of_the_method_names_every_method() -> None:
    words = re.split(r"\W+", schema.TABLES["merging_methods"].column("method").comment)
    assert [name for name in METHODS if name not in words] == []
