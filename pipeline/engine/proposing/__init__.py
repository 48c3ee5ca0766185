"""Raw files that nobody has described yet -> a proposed config, with all that is unsure about it. Only `init` uses it: a run guesses nothing."""
