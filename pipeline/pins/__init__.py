"""Pins: results that were put aside under a name, to be compared with later ones.

A pin is the folder `pins/<env>/<name>/` below the project's root, outside `outputs/`, so that deleting outputs keeps it:
copies of the small published tables, and `pin.toml`, which says where they came from and what their content is. It
appears whole, by one rename, and is never overwritten. `making` puts one aside, `kept` reads it, `naming` finds the one
that a setting or a command line names.
"""
