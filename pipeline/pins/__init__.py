"""Pins: named copies of results, to compare later results with.

A pin is the folder `pins/<env>/<name>/` below the project's root, outside `outputs/`, so that deleting outputs keeps it:
copies of the small published tables, and `pin.toml` with their origin and content hashes. It appears whole, by one rename,
and is never overwritten. `making` creates a pin, `archive` reads it, `naming` finds the pin that a setting or a command line
names.
"""
