"""The text of an alert: the run, its outcome, and what people should look at. It contains no secrets."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config.environment import Config
from pipeline.records import runs
from pipeline.records.runs import Run
from pipeline.wording import counted, listed

_LISTED = 10  # tasks named; further ones are counted
_LONGEST = 500  # characters of a task's error
_SHORT = 4  # shorter values are masked only as whole words: they could be part of others


@dataclass(frozen=True)
class Message:
    """An alert: `outcome` is done, failed, interrupted or running."""

    outcome: str
    title: str
    body: str


def compose(config: Config, run: Run | None, findings: Sequence[str], problem: str = "") -> Message:
    """The alert for a run.

    Parameters
    ----------
    config : the environment
    run : the run's record; None if the run built nothing
    findings : what people should look at, one line each
    problem : why the run failed, if its record does not say it, such as a missing raw file

    Returns
    -------
    The message; in its body, the values of environment variables that the config uses are replaced by the variables' names.
    """
    clean = _cleaner(config)
    outcome = _outcome(run, problem)
    looked = f", {counted(len(findings), 'thing', 'things')} to look at" if findings else ""
    lines = [
        *_about(config, run, clean),
        *_failures(run, clean(problem), clean),
        *_built(run),
        *_listed("to look at", [clean(finding) for finding in findings]),
    ]
    return Message(outcome, f"store-clustering {config.env}: {outcome}{looked}", "\n".join(lines))


def compose_refusal(config: Config, problem: str) -> Message:
    """The alert for a run that could not begin, without the values of environment variables."""
    lines = [f"environment {config.env}: the run did not begin", *_listed("failed", [_cleaner(config)(problem)])]
    return Message("failed", f"store-clustering {config.env}: failed", "\n".join(lines))


def compose_overdue(config: Config, hours: float) -> Message:
    """The alert for this process's run, if it is not over after so many hours."""
    body = (
        f"run {runs.current()} of {config.env} by {runs.who()} on {socket.gethostname()}, process {os.getpid()}, began "
        f"{runs.now():%Y-%m-%d %H:%M:%S} (UTC) and is not over after {hours:g} h (max_hours of [alerts]); it goes on. Its log says what "
        "it does; you may kill it at any moment"
    )
    return Message("running", f"store-clustering {config.env}: still running after {hours:g} h", _cleaner(config)(body))


def _outcome(run: Run | None, problem: str) -> str:
    if problem or (run is not None and (run.status == "failed" or run.tasks(runs.FAILED))):
        return "failed"
    return "interrupted" if run is not None and run.status == "interrupted" else "done"


def _about(config: Config, run: Run | None, clean: Callable[[str], str]) -> Iterator[str]:
    if run is None:
        yield f"environment {config.env}: the run built nothing"
        return
    ended = f", ended {run.finished_at:%Y-%m-%d %H:%M:%S}" if run.finished_at else ""
    yield f"run {run.run_id} of {clean(config.env)} by {clean(run.user)} on {clean(run.host)}"
    yield f"started {run.started_at:%Y-%m-%d %H:%M:%S}{ended} (UTC)"
    if run.tags:
        yield f"tags: {clean(', '.join(f'{key}={value}' for key, value in sorted(run.tags.items())))}"


def _failures(run: Run | None, problem: str, clean: Callable[[str], str]) -> list[str]:
    failed = run.tasks(runs.FAILED) if run else []
    lines = [f"{clean(line['task'])}: {clean(str(line.get('error', '')))}" for line in failed]
    return _listed("failed", [problem, *lines] if problem else lines)


def _built(run: Run | None) -> Iterator[str]:
    if run is None:
        return
    built, cut_off = ([str(line["task"]) for line in run.tasks(event)] for event in (runs.BUILT, runs.CUT_OFF))
    if not run.events:
        yield "nothing to do: every target is fresh"
    if built:
        yield f"built: {listed(built, _LISTED)}"
    if cut_off:
        yield f"cut off, inputs unchanged: {len(cut_off)}"


def _listed(what: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    others = [f"- and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return [f"{what}:", *(f"- {line}" for line in lines[:_LISTED]), *others]


def _cleaner(config: Config) -> Callable[[str], str]:
    """A function that makes a text one line of limited length, without the values of variables."""
    values = {}
    for name in sorted(_variables(config.written)):
        value = os.environ.get(name, "")
        for text in (value, repr(value)[1:-1], " ".join(value.split())):
            if text.strip():
                values[text] = name
    patterns = [
        (
            re.compile(re.escape(text) if len(text) >= _SHORT else rf"(?<!\w){re.escape(text)}(?!\w)"),
            f"${{{values[text]}}}",
        )
        for text in sorted(values, key=lambda text: (-len(text), text))
    ]

    def clean(text: str) -> str:
        for pattern, name in patterns:
            text = pattern.sub(lambda _, name=name: name, text)  # type: ignore[misc]  # bound at once
        text = " ".join(text.split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    return clean


def _variables(written: Any) -> set[str]:
    """The environment variables that a config uses."""
    if isinstance(written, dict):
        return {name for below in written.values() for name in _variables(below)}
    if isinstance(written, list):
        return {name for below in written for name in _variables(below)}
    return set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", written)) if isinstance(written, str) else set()
