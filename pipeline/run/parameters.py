"""What the command line may say to a task, checked before anything is scheduled.

A bad value ends `luigi` with one line and exit code 2; Luigi alone would print a traceback, or exit 0. In a program it is an error.
"""

from __future__ import annotations

import hashlib
import json
import re
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import luigi

from pipeline.config import environment
from pipeline.errors import PipelineError, SettingsError, UsageError
from pipeline.pins import naming
from pipeline.records import runs
from pipeline.run.command_line import refuse
from pipeline.run.session import session


def _no_environment() -> NoReturn:
    raise SettingsError(
        f"no environment given: add --env, one of {', '.join(environment.environments()) or 'none yet'}"
    )


class KnownParameters:
    """A task of an environment, whose parameters are looked up once per class: Luigi looks through every attribute for each task."""

    @property
    def config(self) -> environment.Config:
        """The environment's settings."""
        return environment.load(self.env)  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """The task as users name it."""
        return str(self.task_family)  # type: ignore[attr-defined]

    def on_failure(self, exception: BaseException) -> str:
        """What the scheduler's page shows: one line where a user can act on it."""
        if isinstance(exception, PipelineError):
            return str(exception)
        return "".join(traceback.format_exception(exception))

    @classmethod
    def get_params(cls) -> list[tuple[str, luigi.Parameter[Any]]]:
        """Name and parameter, in the order in which they are declared."""
        if "_known_parameters" not in cls.__dict__:
            cls._known_parameters = super().get_params()  # type: ignore[attr-defined, misc]
        return list(cls._known_parameters)  # type: ignore[attr-defined]

    def clone(self, cls: Any = None, **changes: Any) -> Any:
        """A task of another class with the same parameters, remembered: a stage asks for those it reads with every look."""
        if cls is None or changes:
            return super().clone(cls, **changes)  # type: ignore[misc]
        made: dict[Any, Any] = self.__dict__.setdefault("_clones", {})
        if cls not in made:
            made[cls] = super().clone(cls)  # type: ignore[misc]
        return made[cls]


class EnvParameter(luigi.Parameter):
    """The environment: a plain name that has a file in `configs/`. Its settings are read and checked here."""

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
        except SettingsError as error:
            refuse(error)
        return value


class ProjectParameter(luigi.Parameter):
    """Which checkout and run a task belongs to: two under one luigid must not share task ids.

    A worker of Luigi does not wait for a task that another one runs, and ends with 25, or with 20 where that is a raw
    file. So luigid never sees two runs want the same task; they wait for each other by the targets' locks, as without it.
    """

    def __init__(self) -> None:
        super().__init__(
            default="", description="the checkout and the run, so that luigid can have several; found by itself"
        )

    def normalize(self, value: str) -> str:
        """Name and hash of the project's root, and the end of the run's id, where nothing else is given."""
        if value:
            return value
        root = environment.home()
        return f"{root.name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}-{runs.current()[-8:]}"


class TagParameter(luigi.Parameter[tuple[tuple[str, str], ...]]):
    """`--tag KEY=VALUE`, repeatable: a mapping that goes into the run's record. Two tags make no two tasks."""

    def __init__(self, description: str = "KEY=VALUE, kept in the run's record; repeatable") -> None:
        super().__init__(default=(), significant=False, description=description)

    @classmethod
    def _parser_kwargs(cls, param_name: str, task_name: str | None = None) -> dict[str, Any]:
        return {**super()._parser_kwargs(param_name, task_name), "action": "append"}

    def parse(self, value: str | list[str]) -> tuple[tuple[str, str], ...]:
        """Tags from the command line (a list), or from Luigi's own serialisation (JSON)."""
        if isinstance(value, str) and value.startswith("{"):
            return tuple(sorted(json.loads(value).items()))
        try:
            return parse_tags([value] if isinstance(value, str) else value)
        except UsageError as error:
            refuse(error)

    def serialize(self, value: tuple[tuple[str, str], ...]) -> str:
        """The tags as JSON."""
        return json.dumps(dict(value))

    def normalize(self, value: Mapping[str, str] | tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """A sorted tuple, so that it can be hashed."""
        return tuple(sorted(dict(value).items()))


class CategoryParameter(luigi.Parameter[str]):
    """A category, as it stands in the data. Where Luigi writes it out, nothing in it ends a line or reaches a terminal.

    What cannot be printed, and the backslash, are written as Python writes them; `parse` takes that back.
    """

    _WRITTEN_OUT = re.compile(r"\\(\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")

    def normalize(self, value: str) -> str:
        """The category, where it is a text that data can hold."""
        found = typed(value)
        try:
            found.encode()
        except UnicodeEncodeError:
            refuse(UsageError(f"--category {value!r}: is no UTF-8 text, and no category of the data"))
        return found

    def serialize(self, value: str) -> str:
        """The category on one line, of printable letters only; two that differ are written differently."""
        return "".join(
            letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape").decode("ascii")
            for letter in value
        )

    def parse(self, value: str) -> str:
        """What `serialize` was given; a backslash before anything else stays one."""
        return self._WRITTEN_OUT.sub(lambda found: found[0].encode("ascii").decode("unicode_escape"), value)


def typed(text: str) -> str:
    """A word of the command line, in UTF-8 whatever the locale took its bytes for; as it is where they are none."""
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
