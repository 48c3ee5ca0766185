# What a developer does here, by name: `uv run just`. Each line calls a command or a script of .ci/ that works without just, too.

# list these commands
[private]
default:
    @just --list --unsorted

# build everything from sample data, as the README does
run *arguments:
    uv run luigi --module pipeline.tasks FullPipeline --env dev --local-scheduler {{ arguments }}

# run tests: all of them, or those that pytest's arguments choose
test *arguments:
    uv run pytest {{ arguments }}

# format Python and JavaScript
format:
    uv run ruff format
    uv run oxfmt pipeline/report/templates/*.js pipeline/workbench/page/*.js

# renew docs/settings.md, docs/tables.md and docs/commands.md
docs:
    uv run python docs/generate.py

# renew the README's picture of the report, after `run`
picture:
    uv run python docs/picture.py

# everything that a change has to pass
check:
    .ci/check

# what CI does, on a clean machine
ci:
    .ci/run

# the slow suites
nightly *arguments:
    .ci/nightly {{ arguments }}

# end-to-end tests on other Pythons, such as 3.10 3.13
pythons +versions:
    .ci/pythons {{ versions }}

# look up known vulnerabilities of what is locked
audit:
    .ci/audit

# fetch Spark, for its tests at night, into a folder
spark folder:
    .ci/spark {{ folder }}

# renew the lock
lock:
    .ci/lock
