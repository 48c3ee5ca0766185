"""The first settings of every DuckDB connection: load no extension, and read no Python variable as a table.

Connections differ in what they may read and write: `engine.connections` names the raw files, `warehouse.load` its own file, a reader
nothing.
"""

from __future__ import annotations

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
READER = {**SETTINGS, "enable_external_access": "false", "lock_configuration": "true"}
