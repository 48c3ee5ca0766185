"""The pure part: tables and settings in, tables out. It knows no path, no Luigi and no clock."""
