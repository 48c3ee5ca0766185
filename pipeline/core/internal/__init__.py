"""A category's sales mix: preprocessing and clustering."""
