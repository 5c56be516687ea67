"""Reads a configuration's file, and lays the flags of the command line over it.

A flag wins over the file. Where there can be several of a thing, the flags' own go before the file's or join them: a
service of a flag takes the place of the file's service of that name, a limit of the file's limit; rule files are asked
before the file's rules, and faults stand beside the file's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mockserver.config.errors import ConfigError
from mockserver.config.meaning import Config, config_of
from mockserver.config.secrets import without_secret
from neuroengine._generated.registry import DEFAULT_SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_PATH: Final = "mock/config.schema.json"
"""The schema of configurations, in the spec."""

_KEYS: Final = ("key", "access_keys")


def read_config(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """What a configuration says.

    Args:
        file: the file; none for flags alone.
        flags: what the command line says, in the form of a file's data, but with paths as `Path`. A service without a
            `key` in it must be one of the file's, or the one that a hub without services has.

    Raises:
        ConfigError: the file cannot be read, or something in the file or the flags is wrong.
    """
    data: dict[str, Any] = {}
    folder = Path()
    if file is not None:
        folder = file.parent
        data = _data_of(file)
    try:
        config = config_of(laid_over(data, flags or {}), folder, "")
    except ConfigError as error:
        if file is None:
            raise
        config_of(data, folder, str(file))  # it may be the file's own fault, which is said with its name
        raise ConfigError(str(error)) from None
    return config if file is None else replace(config, files=(file, *config.files))


def _data_of(file: Path) -> dict[str, Any]:
    """What stands in the file, as the schema wants it."""
    from mockserver.rules.fixtures import FixtureError, parsed  # here, because flags alone need none of it
    from mockserver.rules.schema import violation

    try:
        data: dict[str, Any] = parsed(file)
    except FixtureError as error:
        raise ConfigError(str(error)) from None
    wrong = violation(data, SCHEMA_PATH)
    if wrong is not None:
        raise ConfigError(f"{file}: {_place(wrong.path, data)} {without_secret(*wrong)}")
    return data


def laid_over(data: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a file with flags laid over it.

    Raises:
        ConfigError: a flag is about a service that is not there.
    """
    merged = {**data, **flags}
    for name in ("limits", "pace", "record"):
        if name in data and name in flags:
            merged[name] = {**data[name], **flags[name]}
    for name in ("faults", "rule_files"):
        if name in data and name in flags:
            merged[name] = [*flags[name], *data[name]]
    if "services" in flags:
        merged["services"] = _services(data.get("services", ()), flags["services"])
    return merged


def _services(of_file: Any, of_flags: Any) -> list[dict[str, Any]]:
    services: dict[str, dict[str, Any]] = {entry["name"]: dict(entry) for entry in of_file}
    if not services and not any("key" in entry for entry in of_flags):
        services[DEFAULT_SERVICE] = {"name": DEFAULT_SERVICE}
    for entry in sorted(of_flags, key=lambda entry: "key" not in entry):
        name = entry["name"]
        if name not in services and "key" not in entry:
            raise ConfigError(f"there is no service {name!r}; there are {', '.join(services)}")
        service = services.setdefault(name, {})
        for key in _KEYS:
            if key in entry:
                service.pop(f"{key}_env", None)
                service.pop(f"{key}_file", None)
        service.update(entry)
    return list(services.values())


def _place(path: str, data: Any) -> str:
    """Where something is in the file, in the words of people: services, rules and faults count from 1."""
    for name in ("services", "faults"):
        if path.startswith(f"{name}["):
            number, _, member = path.removeprefix(f"{name}[").partition("]")
            entry = data[name][int(number)]
            named = f' "{entry["name"]}"' if isinstance(entry, dict) and isinstance(entry.get("name"), str) else ""
            label = f"{name.removesuffix('s')} {int(number) + 1}{named}"
            return f"{label}: {member.removeprefix('.')}" if member else label
    from mockserver.rules.fixtures import place_in

    return place_in(path, data)
