"""What every DuckDB connection of ours is told before anything else: to load nothing, and to take nothing for a table but tables.

What a connection may read and write differs: `engine.duck` names the raw files, `warehouse.load` its own file, and a reader nothing.
"""

from __future__ import annotations

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
READER = {**SETTINGS, "enable_external_access": "false", "lock_configuration": "true"}
