"""The pin that a setting or a command line names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.config.environment import Config
from pipeline.errors import OutputError, SettingsError, UsageError
from pipeline.pins.kept import Reference, every, read
from pipeline.wording import nearest


def of_setting(config: Config, name: str) -> Reference:
    """The pin that a setting `reference` names: ENV/NAME, or NAME of the environment itself."""
    env, slash, pin = name.partition("/")
    return Reference(env, pin) if slash else Reference(config.env, name)


def check_references(config: Config) -> None:
    """Say which pins that the settings name as `reference` cannot be one.

    Raises
    ------
    SettingsError
        A pin is not there, or lacks a table that a reference needs: a line for each.
    """
    faults = []
    for setting, level in _REFERENCES.items():
        name = getattr(config.settings.references, level)
        if name and (fault := _fault(config, of_setting(config, name), _NEEDED[level])):
            faults.append(f"{setting}: {fault}")
    if faults:
        raise SettingsError(*faults)


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
    pinned = every(config.home)
    if reference not in pinned:
        names = [one.pin if one.env == config.env else str(one) for one in pinned]
        name = reference.pin if reference.env == config.env else str(reference)
        known = (
            f"there are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}" if names else "there is none yet"
        )
        return (
            f"no pin {name!r}{nearest(name, names)}: {known}; `store-clustering pin` makes one, before it is named here"
        )
    try:
        files = read(config.home, reference).files
    except OutputError as error:
        return str(error)
    lacking = [name for name in needed if f"{name}.parquet" not in files]
    if lacking:
        return f"the pin {reference} has no {', '.join(lacking)}, and cannot be a reference: an older version made it; pin again"
    return ""


def resolve(home: Path, text: str, environments: Collection[str]) -> Reference:
    """The result that a text names: an environment, a pin as ENV/NAME, or a pin by its name where that is unique.

    Raises
    ------
    UsageError
        It names none, or pins of several environments.
    """
    if text in environments:
        return Reference(text)
    pinned = every(home)
    found = [one for one in pinned if text in (str(one), one.pin)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{text!r} is a pin of {len(found)} environments: say which, {' or '.join(str(one) for one in found)}"
        )
    names = [str(one) for one in pinned]
    near = nearest(text, [*environments, *names, *(one.pin for one in pinned)])
    pins = f"{', '.join(names[:10])}{', ...' if len(names) > 10 else ''}" if names else "none yet"
    raise UsageError(
        f"{text!r} is neither an environment nor a pin{near}; environments: {', '.join(sorted(environments))}; pins: {pins}"
    )
