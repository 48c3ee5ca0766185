"""TOML files -> settings, and where the raw files are that they name."""
