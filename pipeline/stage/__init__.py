"""The task class of this pipeline: gather inputs, compute, publish targets, leave a trace.

`base.Stage` knows freshness and publication; `gathering`, `table`, `categories` and `database` are the ways to make
targets; `parameters` is what the command line may say, `session` what a process keeps for the length of a run.
"""
