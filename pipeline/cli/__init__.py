"""The command `store-clustering`: one module per command."""
