"""The pure part: tables and settings in, tables out. It uses no path, no Luigi and no clock."""
