"""Find the pin that a setting or a command line names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.config.environment import Config
from pipeline.errors import OutputError, SettingsError, UsageError
from pipeline.pins.archive import Reference, every, read
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
    pins = every(config.home)
    if reference not in pins:
        names = [pin.pin if pin.env == config.env else str(pin) for pin in pins]
        name = reference.pin if reference.env == config.env else str(reference)
        existing = f"the pins are {listed(names, 10)}" if names else "there are no pins yet"
        return f"no pin {name!r}{nearest(name, names)}: {existing}; create it with `store-clustering pin` first"
    try:
        files = read(config.home, reference).files
    except OutputError as error:
        return str(error)
    lacking = [name for name in needed if f"{name}.parquet" not in files]
    if lacking:
        return f"the pin {reference} has no {', '.join(lacking)} and cannot be a reference: an older version created it; create a new pin"
    return ""


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
