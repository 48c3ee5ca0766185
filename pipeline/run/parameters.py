"""The parameters of tasks on the command line, checked before anything is scheduled.

A bad value ends `luigi` with one line and exit code 2; Luigi itself would print a traceback, or exit 0. In a program it is an
exception.
"""

from __future__ import annotations

import hashlib
import json
import re
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import luigi
from luigi.task_register import Register

from pipeline.config import environment
from pipeline.errors import PipelineError, SettingsError, UsageError
from pipeline.pins import naming
from pipeline.records import runs
from pipeline.run import run_number
from pipeline.run.command_line import refuse, root_task
from pipeline.run.session import session
from pipeline.wording.variables import hidden


def _no_environment() -> NoReturn:
    raise SettingsError(
        f"no environment given: add --env, one of {', '.join(environment.environments()) or 'none yet'}"
    )


def check_sources(task: type[luigi.Task], config: environment.Config) -> None:
    """Refuse a task that was asked for by name and whose own source the config does not name: nothing could come of it.

    Raises
    ------
    SettingsError
        The source is not there.
    """
    needed = getattr(task, "needs", "")
    if needed and not getattr(config.settings.sources, needed):
        written = f"[[sources.{needed}]]" if needed == "external" else f"[sources.{needed}]"
        raise SettingsError(
            f"{task.get_task_family()} needs {written}, and environment {config.env} has none: add it to configs/base.toml, or run "
            "FullPipeline, which makes what the sources allow"
        )


class CachedParameters:
    """A task of an environment, with its parameters cached per class: Luigi searches all attributes for each task."""

    @property
    def config(self) -> environment.Config:
        """The environment's settings."""
        return environment.load(self.env)  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """The task's name for users."""
        return str(self.task_family)  # type: ignore[attr-defined]

    def check_asked(self) -> None:
        """Refuse a task that was asked for by name and can come to nothing, before anything is built.

        Raises
        ------
        UsageError
            What it names is not there.
        """

    def on_failure(self, exception: BaseException) -> str:
        """The text on the scheduler's page: one line for an error that a user can act on."""
        if isinstance(exception, PipelineError):
            return str(exception)
        return hidden("".join(traceback.format_exception(exception)))

    @classmethod
    def get_params(cls) -> list[tuple[str, luigi.Parameter[Any]]]:
        """Names and parameters, in the order of their declaration."""
        if "_cached_parameters" not in cls.__dict__:
            cls._cached_parameters = super().get_params()  # type: ignore[attr-defined, misc]
        return list(cls._cached_parameters)  # type: ignore[attr-defined]

    def clone(self, cls: Any = None, **changes: Any) -> Any:
        """A task of another class with the same parameters, cached: a stage asks for its upstream tasks in every check."""
        if cls is None or changes:
            return super().clone(cls, **changes)  # type: ignore[misc]
        clones: dict[Any, Any] = self.__dict__.setdefault("_clones", {})
        if cls not in clones:
            clones[cls] = super().clone(cls)  # type: ignore[misc]
        return clones[cls]


class EnvParameter(luigi.Parameter):
    """The environment: the plain name of a file in `configs/`. Its settings are read and checked here."""

    def __init__(self) -> None:
        super().__init__(default="", description="the environment: a file configs/<env>.toml")

    def normalize(self, value: str) -> str:
        """The environment's name, once its settings are read and checked.

        Raises
        ------
        SettingsError : they cannot be used; plain `luigi` ends with exit code 2
        """
        try:
            config = environment.load(value) if value else _no_environment()
            if (config.home, value) not in session.references_checked:
                naming.check_references(config)
                session.references_checked.add((config.home, value))
                if root := root_task():
                    check_sources(Register.get_task_cls(root), config)
        except SettingsError as error:
            refuse(error, value)
        return value


class ProjectParameter(luigi.Parameter):
    """The checkout and run of a task: two runs at once must not share task ids at one luigid (`run_number`).

    A Luigi worker does not wait for a task of another worker; it ends with 25, or with 20 for a raw file. So luigid never sees
    two runs with the same task; they wait for each other at the locks of the targets, as without luigid.
    """

    def __init__(self) -> None:
        super().__init__(
            default="", description="the checkout and the run, so that luigid can have several; found by itself"
        )

    def normalize(self, value: str) -> str:
        """Name and hash of the project's root, and the number of the run, else the end of its id, where nothing else is given."""
        if value:
            return value
        root = environment.home()
        run = (run_number.take(root) if root_task() else None) or runs.current()[-8:]
        return f"{root.name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}-{run}"


class TagParameter(luigi.Parameter[tuple[tuple[str, str], ...]]):
    """`--tag KEY=VALUE`, repeatable: a mapping for the run's record. Tags do not distinguish tasks."""

    def __init__(self, description: str = "KEY=VALUE, stored in the run's record; repeatable") -> None:
        super().__init__(default=(), significant=False, description=description)

    @classmethod
    def _parser_kwargs(cls, param_name: str, task_name: str | None = None) -> dict[str, Any]:
        return {**super()._parser_kwargs(param_name, task_name), "action": "append"}

    def parse(self, value: str | list[str]) -> tuple[tuple[str, str], ...]:
        """Tags from the command line (a list), each KEY=VALUE, or all as Luigi writes them (JSON): its page shows that to copy."""
        texts = [value] if isinstance(value, str) else value
        try:
            return parse_tags([tag for text in texts for tag in _as_luigi_writes(text)])
        except UsageError as error:
            refuse(error)

    def serialize(self, value: tuple[tuple[str, str], ...]) -> str:
        """The tags as JSON."""
        return json.dumps(dict(value))

    def normalize(self, value: Mapping[str, str] | tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """A sorted tuple, so that it can be hashed."""
        return tuple(sorted(dict(value).items()))


def _as_luigi_writes(text: str) -> list[str]:
    """The tags, KEY=VALUE each, of a JSON object as `TagParameter.serialize` writes it; any other text as it is."""
    try:
        tags = json.loads(text)
    except ValueError:
        return [text]
    return [f"{key}={tag}" for key, tag in tags.items()] if isinstance(tags, dict) else [text]


class CategoryParameter(luigi.Parameter[str]):
    """A category, as written in the data. Luigi prints it on one line, without control characters.

    Unprintable letters and the backslash are escaped as in Python; `parse` reverses this.
    """

    _WRITTEN_OUT = re.compile(r"\\(\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")

    def normalize(self, value: str) -> str:
        """The category; an error if it cannot be in the data."""
        category = typed(value)
        try:
            category.encode()
        except UnicodeEncodeError:
            refuse(UsageError(f"--category {value!r}: is not UTF-8 text, so it cannot be a category of the data"))
        return category

    def serialize(self, value: str) -> str:
        """The category on one line, with printable letters only; different categories give different texts."""
        return "".join(
            letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape").decode("ascii")
            for letter in value
        )

    def parse(self, value: str) -> str:
        """The reverse of `serialize`; a backslash before any other letter stays."""
        return self._WRITTEN_OUT.sub(lambda match: match[0].encode("ascii").decode("unicode_escape"), value)


def typed(text: str) -> str:
    """A word of the command line, decoded as UTF-8 in every locale; unchanged if it is not UTF-8."""
    try:
        return text.encode(errors="surrogateescape").decode()
    except UnicodeError:
        return text


def parse_tags(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Tags given as KEY=VALUE.

    Raises
    ------
    UsageError
        A text is not KEY=VALUE, or a key is given twice.
    """
    tags: dict[str, str] = {}
    for text in map(typed, texts):
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)=(.{0,200})", text)
        if match is None or not match[2].isprintable():
            raise UsageError(
                f"--tag {text!r}: expected KEY=VALUE, the key of letters, digits, '_', '.', '-', such as --tag reason=rehearsal"
            )
        if match[1] in tags:
            raise UsageError(f"--tag {match[1]} is given twice: give each key once")
        tags[match[1]] = match[2]
    return tuple(sorted(tags.items()))
