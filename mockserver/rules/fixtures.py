"""Rules in files: JSON or TOML, by the file's ending, in the form of `spec/mock/rules.schema.json`.

A file may also name the services that its rules speak of, as a model list does; it holds no key.

What is wrong with a file is said in one sentence: the file, the rule, the field, the value, and what is allowed.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from mockserver.rules.data import NotData, data_of, rule_from
from mockserver.rules.schema import SCHEMA_PATH, violation
from mockserver.rules.toml_text import NoToml, toml_text
from mockserver.state.service_settings import DEFAULT_KEY, ServiceSettings
from neuroengine._generated.registry import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from mockserver.rules.rule import Rule

ENDINGS: Final = (".json", ".toml")
"""The endings of files that hold rules."""


class FixtureError(ValueError):
    """Raised when a fixture file cannot be read or written, or a rule in it is wrong."""


class Fixture(NamedTuple):
    """What a fixture file holds: rules, in their order, and the services that they speak of."""

    rules: list[Rule]
    services: tuple[ServiceSettings, ...] = ()


def read_fixture(path: str | PathLike[str]) -> Fixture:
    """What a fixture file holds.

    Raises:
        FixtureError: the file cannot be read, or a rule in it is wrong.
    """
    file = Path(path)
    data = parsed(file)
    rules = rules_from(data, str(file))
    return Fixture(rules, tuple(map(_service, data.get("services", ()))))


def read_rules(path: str | PathLike[str]) -> list[Rule]:
    """The rules of a fixture file alone; see `read_fixture`."""
    return read_fixture(path).rules


def rules_from(data: Any, source: str) -> list[Rule]:
    """The rules of a fixture's data; `source` names it in errors.

    Raises:
        FixtureError: the data is wrong.
    """
    wrong = violation(data)
    if wrong is not None:
        raise FixtureError(_sentence(source, f"{place_in(wrong.path, data)} {wrong.why}"))
    return [_rule(entry, place, source) for place, entry in enumerate(data["rules"])]


def write_rules(path: str | PathLike[str], rules: Iterable[Rule], services: Iterable[ServiceSettings] = ()) -> None:
    """Writes rules, and the services that they speak of, into a fixture file; `read_fixture` reads equal ones.

    Of a service goes in what a model list says of it, and no key.

    Raises:
        FixtureError: a part of a rule is a function, or the ending is not one of `ENDINGS`.
    """
    file = Path(path)
    _check_ending(file)
    data = {"rules": [_data(rule, place, file) for place, rule in enumerate(rules)]}
    if listed := [_service_data(service) for service in services]:
        data = {"services": listed, **data}
    try:
        text = toml_text(data) if file.suffix == ".toml" else _json_text(data)
    except NoToml as error:
        raise FixtureError(f"{file}: {error}; write it as JSON") from None
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)  # whoever watches the file never sees a part of it


def _sentence(source: str, why: str) -> str:
    return f"{source}: {why}" if source else why


def _rule(entry: Mapping[str, Any], place: int, source: str) -> Rule:
    try:
        return rule_from(entry)
    except ValueError as error:
        raise FixtureError(_sentence(source, f"{_label(entry, place)}: {error}")) from None


def _data(rule: Rule, place: int, file: Path) -> dict[str, Any]:
    try:
        return data_of(rule)
    except NotData as error:
        raise FixtureError(f"{file}: {_label({'name': rule.name}, place)} cannot be written: {error}") from None


def _service(entry: Mapping[str, Any]) -> ServiceSettings:
    members = dict(entry)
    return ServiceSettings(key=DEFAULT_KEY, offline=not members.pop("connected", True), **members)


def _service_data(service: ServiceSettings) -> dict[str, Any]:
    said = {name: getattr(service, name) for name in ("comment", "operator", "preprompt", "endprompt")}
    offline = {"connected": False} if service.offline else {}
    return {"name": service.name, **offline, **{name: text for name, text in said.items() if text}}


def _json_text(data: Mapping[str, Any]) -> str:
    return json.dumps({"$schema": BASE_URL + SCHEMA_PATH, **data}, indent=2) + "\n"


def parsed(file: Path) -> Any:
    """The data in a JSON or TOML file.

    Raises:
        FixtureError: it cannot be read, or is neither.
    """
    _check_ending(file)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FixtureError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FixtureError(f"{file}: is not UTF-8: {error}") from None
    try:
        if file.suffix == ".toml":
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except ValueError as error:
        raise FixtureError(f"{file}: is no {file.suffix[1:].upper()}: {error}") from None


def _check_ending(file: Path) -> None:
    if file.suffix not in ENDINGS:
        raise FixtureError(f"{file}: the ending must be {' or '.join(ENDINGS)}; it was {file.suffix!r}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the member {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return members


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def place_in(path: str, data: Any) -> str:
    """A path in the file, with the rule that it is in named as people count: from 1, and by its name."""
    head, bracket, rest = path.partition("[")
    number, _, member = rest.partition("]")
    if head != "rules" or not bracket:
        return path or "the file"
    entry = data["rules"][int(number)]
    return ": ".join(part for part in (_label(entry, int(number)), member.removeprefix(".")) if part)


def _label(entry: Any, place: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"rule {place + 1}" + (f' "{name}"' if isinstance(name, str) and name else "")
