"""The outside data: preprocessing and clustering."""
