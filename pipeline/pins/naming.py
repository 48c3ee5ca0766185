"""Find the pin that a setting or a command line names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from pipeline.config.environment import Config, environments
from pipeline.errors import OutputError, SettingsError, UsageError
from pipeline.pins.archive import Reference, every, read
from pipeline.pins.making import unusable
from pipeline.wording import listed, nearest


def of_setting(config: Config, name: str) -> Reference:
    """The pin in a setting `reference`: ENV/NAME, or NAME for a pin of the same environment."""
    env, slash, pin = name.partition("/")
    return Reference(env, pin) if slash else Reference(config.env, name)


def check_references(config: Config) -> None:
    """Check the pins that the settings name as `reference`.

    Raises
    ------
    SettingsError
        A pin does not exist, or lacks a table that a reference needs: one line each.
    """
    if wrong := faults(config):
        raise SettingsError(*(f"{setting}: {fault}" for setting, fault in wrong.items()))


def faults(config: Config) -> dict[str, str]:
    """What is wrong with the pins that the settings name as `reference`, by the setting; a setting without a fault is left out."""
    wrong = {}
    for setting, level in _REFERENCES.items():
        name = getattr(config.settings.references, level)
        if name and (fault := _fault(config, of_setting(config, name), _NEEDED[level])):
            wrong[setting] = fault
    return wrong


def without(config: Config, settings: Collection[str]) -> Config:
    """The config as if these settings, names of a `reference`, were not set."""
    changed: Any = config.settings
    for setting in settings:
        changed = _replaced(changed, setting.split("."))
    return replace(config, settings=changed)


def _replaced(section: Any, keys: Sequence[str]) -> Any:
    first, *rest = keys
    below = _replaced(getattr(section, first), rest) if rest else None
    return msgspec.structs.replace(section, **{first: below})


_REFERENCES = {
    "internal.clustering.reference": "internal",
    "external.clustering.reference": "external",
    "merging.reference": "final",
}
_NEEDED = {
    "internal": ("internal_clusters", "internal_verdicts", "internal_features"),
    "external": ("external_clusters", "external_verdicts", "external_features"),
    "final": ("store_clusters", "cluster_numbers"),
}


def _fault(config: Config, reference: Reference, needed: Sequence[str]) -> str:
    pins = every(config.home)
    if reference not in pins:
        names = [pin.pin if pin.env == config.env else str(pin) for pin in pins]
        name = reference.pin if reference.env == config.env else str(reference)
        existing = f"the pins are {listed(names, 10)}" if names else "there are no pins yet"
        return f"no pin {name!r}{nearest(name, names)}: {existing}; {_next_step(config, reference)}"
    try:
        files = read(config.home, reference).files
    except OutputError as error:
        return str(error)
    lacking = [name for name in needed if f"{name}.parquet" not in files]
    if lacking:
        return f"the pin {reference} has no {', '.join(lacking)} and cannot be a reference: an older version created it; create a new pin"
    return ""


def _next_step(config: Config, reference: Reference) -> str:
    """What makes a missing pin: a command that works, or why none can."""
    if reference.env not in environments():
        return f"{reference.env!r} is no environment, so name a pin of {', '.join(environments())}"
    if wrong := unusable(config.home, reference.pin):
        return f"and no pin can have this name: {wrong}"
    return f"create it with `store-clustering pin {reference.pin} --env {reference.env}` first, or remove the setting"


def resolve(home: Path, text: str, environments: Collection[str]) -> Reference:
    """The result that a text names: an environment, a pin as ENV/NAME, or a pin by its name if that is unique.

    Raises
    ------
    UsageError
        It names no result, or pins of several environments.
    """
    if text in environments:
        return Reference(text)
    existing = every(home)
    matching = [pin for pin in existing if text in (str(pin), pin.pin)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(
            f"{text!r} is a pin of {len(matching)} environments: say which, {' or '.join(str(pin) for pin in matching)}"
        )
    names = [str(pin) for pin in existing]
    near = nearest(text, [*environments, *names, *(pin.pin for pin in existing)])
    pins = listed(names, 10) or "none yet"
    raise UsageError(
        f"{text!r} is neither an environment nor a pin{near}; environments: {', '.join(sorted(environments))}; pins: {pins}"
    )
