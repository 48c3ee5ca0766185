"""The task classes of this pipeline: gather inputs, compute, publish targets, write a trace.

`declared` holds what a stage declares; `base.Stage` adds freshness and `build` the build. `table`, `from_raw`, `per_category`,
`loading`, `database` and `documents` are the kinds of stages; `raw_source` holds the raw files as tasks; `evidence` collects what
decides whether a stage is fresh.
"""
