"""The task class of this pipeline: gather inputs, compute, publish targets, leave a trace.

`base.Stage` knows freshness and publication, `kinds` the four ways to make targets, `parameters` what the command line
may say, `session` what a process keeps for the length of a run.
"""
