"""What a hub's state is made of: the settings of a fresh one."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from mockserver.faults import Faults
from mockserver.journal import DEFAULT_ENTRIES, Journal
from mockserver.rules import Rule, RuleBook
from mockserver.state.hub import HubState
from mockserver.state.plan import Pace
from mockserver.state.service_settings import DEFAULT_KEY, ServiceSettings
from neuroengine._generated.registry import DEFAULT_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.clock import Clock
    from mockserver.state.behaviour import Behaviour


class Settings(TypedDict, total=False):
    """The settings that a hub can get anew while it runs; see `MockHub` for their meaning."""

    services: Mapping[str, str] | Iterable[ServiceSettings] | None
    limits: Mapping[str, float] | None
    matching_statuses: bool
    clock: Clock | None
    pace: Pace | None
    faults: Iterable[str | Mapping[str, Any]]
    wrong: str | None
    rules: str | PathLike[str] | Iterable[Rule]
    strict: bool
    journal_entries: int
    cors: bool


SETTINGS: Final = frozenset(Settings.__annotations__)

_MEMBERS: Final = ("comment", "operator", "preprompt", "endprompt", "quota", "quota_window_s", "offline")
"""What a configuration says of a service in the words of its settings."""


def kept(settings: Settings) -> Settings:
    """The settings with faults and rules that can be read again and again, as every reset does."""
    faults, rules = settings.get("faults", ()), settings.get("rules", ())
    lasting: Settings = {
        "faults": faults if isinstance(faults, str) else tuple(faults),
        "rules": rules if isinstance(rules, str | PathLike) else tuple(rules),
    }
    return settings | lasting


def fresh_state(settings: Settings) -> HubState:
    """A state that nothing has happened to.

    Raises:
        TypeError: there is no such setting, or one is of a wrong type.
        ValueError: a limit, a fault or a wrong hub is unknown, a value is out of range, or a fixture file is wrong.
    """
    if unknown := settings.keys() - SETTINGS:
        raise TypeError(f"a hub has no setting {min(unknown)!r}; it has {', '.join(sorted(SETTINGS))}")
    pace = settings.get("pace")
    if not isinstance(pace, Pace | None):
        raise TypeError(f"a hub's pace must be a Pace, as in Pace(tokens_per_s=20); it was {pace!r}")
    return HubState(
        services_of(settings),
        limits=settings.get("limits"),
        behaviour=_behaviour(settings.get("wrong")),
        matching_statuses=settings.get("matching_statuses", False),
        rules=_rules(settings.get("rules", ()), strict=settings.get("strict", False)),
        journal=Journal(settings.get("journal_entries", DEFAULT_ENTRIES)),
        pace=pace,
        faults=Faults(settings.get("faults", ())),
        cors=settings.get("cors", False),
    )


CHANGEABLE: Final = SETTINGS - {"clock", "wrong", "journal_entries"}
"""The settings that a running hub can take without beginning anew."""


def change_state(state: HubState, settings: Settings, now: float) -> None:
    """Lets a running state have other settings; those that are not `CHANGEABLE` stay as they are.

    Raises:
        ValueError: as for `fresh_state`; then nothing was changed.
    """
    fresh = fresh_state(settings)  # whatever is wrong is said now
    rules, faults = cast("RuleBook", state.rules), cast("Faults", state.faults)
    state.change(
        services_of(settings),
        now,
        limits=settings.get("limits") or {},
        matching_statuses=settings.get("matching_statuses", False),
        pace=settings.get("pace"),
        cors=settings.get("cors", False),
    )
    rules.replace(active.rule for active in cast("RuleBook", fresh.rules))
    rules.strict = settings.get("strict", False)
    faults.replace(settings.get("faults", ()))


def _behaviour(wrong: str | None) -> Behaviour | None:
    if wrong is None:
        return None
    from mockserver.wrong import behaviour_named  # here, because most hubs are right

    return behaviour_named(wrong)


def _rules(given: str | PathLike[str] | Iterable[Rule], *, strict: bool) -> RuleBook:
    rules = RuleBook(strict=strict)
    if isinstance(given, str | PathLike):
        rules.load(given)
    else:
        rules.add(*given)
    return rules


def services_of(settings: Settings) -> tuple[ServiceSettings, ...]:
    """The services, each with all its settings.

    Raises:
        TypeError: one of them is something else.
        ValueError: two have the same name, or one makes no sense.
    """
    services = settings.get("services")
    if services is None:
        services = _of_fixture(settings.get("rules", ())) or {DEFAULT_SERVICE: DEFAULT_KEY}
    if isinstance(services, Mapping):
        services = (demo_service(name, key) for name, key in services.items())
    named: dict[str, ServiceSettings] = {}
    for service in services:
        if not isinstance(service, ServiceSettings):
            kind = type(service).__name__  # it may hold a key
            raise TypeError(f"services must be a mapping from names to keys, or ServiceSettings; one was a {kind}")
        if service.name in named:
            raise ValueError(f"there are two services {service.name!r}; leave one out")
        named[service.name] = service
    return tuple(named.values())


def members_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of a configuration says of a service, but for its name and keys, as `ServiceSettings` has it."""
    members = {name: entry[name] for name in _MEMBERS if name in entry}
    if members.get("quota") is not None:
        members["quota"] = int(members["quota"])  # JSON's 10.0 is a whole number
    if "pace" in entry:
        members["pace"] = None if entry["pace"] is None else Pace(**entry["pace"])
    return members


def demo_service(name: str, key: str = DEFAULT_KEY, **more: Any) -> ServiceSettings:
    """A service of which nobody needs to say more than its name."""
    said = {"comment": f"The simulated model as {name}", "operator": "@mockhub"}
    return ServiceSettings(name=name, key=key, **(said | more))


def _of_fixture(rules: str | PathLike[str] | Iterable[Rule]) -> tuple[ServiceSettings, ...]:
    """The services that a fixture file speaks of."""
    if not isinstance(rules, str | PathLike):
        return ()
    from mockserver.rules.fixtures import read_fixture  # here, because few hubs have a fixture file

    return read_fixture(rules).services
