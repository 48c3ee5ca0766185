"""The life of a process that runs the pipeline: beginning, log, interrupts and end."""
