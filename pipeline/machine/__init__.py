"""The operating system: whether this one can run the pipeline, and processes that end with their parent and have limits."""
