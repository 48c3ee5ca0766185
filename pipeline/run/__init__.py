"""The life of a process that runs the pipeline: it begins, is logged, interrupted, and ends."""
