"""Read settings from TOML: `configs/base.toml`, then `configs/<env>.toml` on top.

Every fault is one line with the file, the key, the value, the allowed values and the nearest valid name. All faults of a config
are reported at once. Relative paths start at the project's root, `home()`.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.config.faults import Origin, dotted, of_settings, of_urls, of_values
from pipeline.config.locations import of_connections, of_locations, without_replaced
from pipeline.errors import SettingsError
from pipeline.settings import Alerts, Settings, Sources
from pipeline.settings.per_category import section_of
from pipeline.wording import is_utf8, nearest, variables

if sys.version_info >= (3, 11):
    import tomllib as tomllib  # other modules import it from here
else:
    import tomli as tomllib

PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class Config:
    """An environment's settings and their origin.

    `written` is the content of the files before `${VAR}` was replaced: the copy beside the outputs is made from it, so that no
    value of an environment variable is ever stored.
    """

    env: str
    home: Path
    files: tuple[Path, ...]
    settings: Settings
    written: dict[str, Any]

    @functools.cached_property  # used a thousand times in a run with nothing to do
    def outputs(self) -> Path:
        """The environment's output folder."""
        return self.home / "outputs" / self.env

    @functools.cached_property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.home / self.settings.warehouse.path.replace("{env}", self.env)

    def section(self, name: str) -> Any:
        """The section of a dotted name, such as `internal.clustering`."""
        return section_of(self.settings, name)

    @property
    def spill_folder(self) -> Path:
        """The folder for data of DuckDB that does not fit in memory."""
        return self.home / self.settings.engine.spill_folder


def home() -> Path:
    """The project's root: `STORE_CLUSTERING_HOME`, else the folder above this package, which has `luigi.cfg`."""
    return _resolved(os.environ.get("STORE_CLUSTERING_HOME") or str(Path(__file__).parents[2]))


@functools.cache
def _resolved(path: str) -> Path:
    return Path(path).resolve()  # used thousands of times in a run; needs a system call per folder


def environments() -> list[str]:
    """The environments with a file in `configs/`."""
    return sorted(path.stem for path in (home() / "configs").glob("*.toml") if path.stem != "base")


_loaded: dict[tuple[Path, str], Config] = {}


def forget() -> None:
    """Forget all configs and the values of variables in them, so that they are read again."""
    _loaded.clear()
    variables.forget()
    _resolved.cache_clear()


def load(env: str) -> Config:
    """The settings of an environment when this process first read them: a run keeps its settings until its end.

    Raises
    ------
    SettingsError
        The environment has no file, the files cannot be used (one line per fault), or a symbolic link leads out of
        the environment's outputs.
    """
    root = home()
    loaded = _loaded.get((root, env))
    if loaded is not None:
        return loaded
    if not is_utf8(str(root)):
        raise SettingsError(f"{root}: the name of the project's folder, or of one above it, is not UTF-8; rename it")
    if not (root / "configs").is_dir():
        raise SettingsError(
            f"{root} is not a project: it has no folder configs; start in a clone, or set STORE_CLUSTERING_HOME to a project's root"
        )
    if not PLAIN_NAME.fullmatch(env) or env not in environments():
        raise SettingsError(
            f"environment {env!r} is unknown: allowed are {', '.join(environments()) or 'none'}"
            f"{nearest(env, environments())}; an environment is a file configs/<name>.toml in {root}"
        )
    files = (root / "configs" / "base.toml", root / "configs" / f"{env}.toml")
    if not files[0].is_file():
        raise SettingsError(f"{files[0]} is missing: every environment is read on top of it")
    for written in (root / "outputs" / env, root / "pins"):
        _check_links(written)
    contents = [_read(path) for path in files]
    merged = _merge(without_replaced(contents[0], contents[1]), contents[1])
    origin = Origin(root, files, contents)
    faults = [*of_urls(merged, origin), *of_connections(merged, origin)]
    settings = _convert(_expand(merged, (), origin, faults), origin, faults)
    logs = root / settings.logging.folder
    for path in (logs, logs / f"clustering_{env}.log", root / settings.engine.spill_folder):
        if path.is_symlink() and path.is_relative_to(
            root
        ):  # a folder outside the project is the choice of the settings
            _refuse_link(path, path.parent)
    config = Config(env, root, files, settings, merged)
    _loaded[(root, env)] = config
    return config


def alerts_alone(env: str) -> Config | None:
    """A config with the `[alerts]` of an environment, and defaults for the rest: to alert of a config that cannot be used.

    A file that cannot be read counts as empty, and so does a variable that is not set. None if `[alerts]` itself cannot be used.
    """
    root = home()
    paths = [root / "configs" / "base.toml"]
    if PLAIN_NAME.fullmatch(env):
        paths.append(root / "configs" / f"{env}.toml")
    contents = [_read_or_empty(path) for path in paths]
    merged: dict[str, Any] = {}
    for content in contents:
        merged = _merge(merged, content)
    origin = Origin(root, tuple(paths), contents)
    if any(of_urls(merged, origin)):
        return None
    try:
        alerts = msgspec.convert(_expand(merged.get("alerts", {}), ("alerts",), origin, []), Alerts)
    except msgspec.ValidationError:
        return None
    return Config(env, root, tuple(paths), Settings(sources=Sources(), alerts=alerts), merged)


def use(config: Config) -> None:
    """From now on, `load` gives this config for its environment in this process."""
    _loaded[config.home, config.env] = config


def _check_links(folder: Path) -> None:
    """Refuse symbolic links out of a folder to which runs write: a run must not write to their targets.

    The folder of all outputs may be a link, for example to another disk.
    """
    if folder.is_symlink():
        _refuse_link(folder, folder.parent)
    waiting = [str(folder)] if folder.is_dir() else []
    while waiting:
        # a run that goes on may remove a folder, such as that of a category that is gone
        with suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _refuse_link(Path(entry.path), folder)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _refuse_link(link: Path, folder: Path) -> None:
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(os.path.realpath(folder)):
        raise SettingsError(
            f"{link}: this symbolic link leads to {target}, out of {folder}, where no run writes; remove the link (only the folder "
            "outputs itself may be a link)"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.relative_to(home())}: not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path.relative_to(home())}: not valid TOML: nested too deep") from None
    except OSError as error:
        raise SettingsError(f"{path.relative_to(home())}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path.relative_to(home())}: not UTF-8 text ({error.reason} at byte {error.start})"
        ) from None


def _read_or_empty(path: Path) -> dict[str, Any]:
    try:
        return _read(path)
    except SettingsError:
        return {}


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _expand(value: Any, path: tuple[str | int, ...], origin: Origin, faults: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _expand(below, (*path, key), origin, faults) for key, below in value.items()}
    if isinstance(value, list):
        return [_expand(below, (*path, index), origin, faults) for index, below in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        content = os.environ.get(name) or default
        if content is None:
            faults.append(
                f"{origin(path)}: {dotted(path)}: the environment variable {name} is not set; "
                f"set it, or write ${{{name}:-default}}"
            )
        if name in os.environ:
            variables.hide(content or "", match[0])
        return content or ""

    filled = _VARIABLE.sub(fill, value)
    if any(match["name"] in os.environ for match in _VARIABLE.finditer(value)):
        variables.hide(filled, value)
    return filled


def _convert(values: dict[str, Any], origin: Origin, faults: list[str]) -> Settings:
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError:
        raise SettingsError(*faults, *of_values(values, Settings, origin)) from None
    faults = [*faults, *of_locations(settings, origin), *of_settings(settings, origin)]
    if faults:
        raise SettingsError(*faults)
    return settings
