"""A field that several tables have is described once, in `pipeline/schema/fields.py`."""

from __future__ import annotations

import ast
from pathlib import Path

from conftest import ROOT

from pipeline.schema import ASSIGNMENTS, TABLES, Column, fields

FIELDS = {field.name: name for name, field in vars(fields).items() if isinstance(field, Column)}
# of a feature, and of a label; of a cluster in a word, and of a feature along an axis
OF_TWO_MEANINGS = {"change", "value"}
# what a wide table has a column per; of a mixture: the mean of a number, or the chance of a level
NOT_A_FIELD = {("external.py", "feature"), ("assigning.py", "mean")}


def columns_of(path: Path) -> list[str]:
    """The names that a module of the schema makes a `Column` of."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Column"]
    return [str(name.value) for name in named if isinstance(name, ast.Constant)]


def test_no_table_describes_a_field_anew() -> None:
    modules = sorted(path for path in (ROOT / "pipeline/schema").glob("*.py") if path.name != "fields.py")
    again = [
        f"pipeline/schema/{path.name}: Column({name!r}, ...): write {FIELDS[name]}, or {FIELDS[name]}.described(...)"
        for path in modules
        for name in columns_of(path)
        if name in FIELDS and (path.name, name) not in NOT_A_FIELD
    ]
    assert again == []


def test_columns_of_one_name_have_one_type() -> None:
    types: dict[str, set[str]] = {}
    for table in (*TABLES.values(), ASSIGNMENTS):
        for column in table.columns:
            types.setdefault(column.name, set()).add(column.type)
    assert {name for name, kinds in types.items() if len(kinds) > 1} == OF_TWO_MEANINGS
