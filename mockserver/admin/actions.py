"""What each route of the admin API does to the hub. A method has its route's name, and gives the answer's content."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mockserver.admin import shapes
from mockserver.admin.refusal import Refusal, missing, wrong
from mockserver.admin.routes import DOCUMENT_PATH, routes
from mockserver.faults import FAULTS
from mockserver.rules.fixtures import rules_from
from mockserver.settings import demo_service, members_of
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.admin.routes import Asked, Route
    from mockserver.faults import StandingFault
    from mockserver.hub import MockHub
    from mockserver.keeper import Keeper
    from mockserver.state.service_settings import ServiceSettings


class Actions:
    """What can be done to one hub. They may be called from any thread, one at a time."""

    def __init__(self, hub: MockHub, keeper: Keeper) -> None:
        self._hub = hub
        self._keeper = keeper
        self._numbers: WeakKeyDictionary[StandingFault, int] = WeakKeyDictionary()
        self._next_number = count(1)

    def do(self, route: Route, asked: Asked) -> Any:
        """Does what a route says; returns the content of the answer.

        Raises:
            Refusal: it makes no sense, or what it is about is not there; then nothing was done.
        """
        act: Callable[[Asked], Any] = getattr(self, route.name)
        try:
            return act(asked)
        except Refusal:
            raise
        except ValueError as error:
            raise wrong(str(error)) from None

    def overview(self, _: Asked) -> Any:
        """Where the hub is."""
        known = [{"method": one.method, "path": one.path, "summary": one.summary} for one in routes()]
        return {"url": self._hub.url, "provider": self._hub.provider, "ca_file": self._hub.ca_file, "routes": known}

    def reset(self, _: Asked) -> Any:
        """Makes the hub as new."""
        self._hub.reset()
        return {"rules": len(self._hub.rules), "faults": len(list(self._hub.faults)), "journal": len(self._hub.journal)}

    # -- rules

    def list_rules(self, _: Asked) -> Any:
        """All rules."""
        rules = self._hub.rules
        return {"strict": rules.strict, "rules": [shapes.active_rule(one) for one in rules]}

    def add_rules(self, asked: Asked) -> Any:
        """Adds one or several; all of them or none."""
        several = asked.body if "rules" in asked.body else {"rules": [asked.body]}
        added = self._hub.rules.add(*rules_from(several, ""))
        return {"rules": [shapes.active_rule(one) for one in added]}

    def change_rules(self, asked: Asked) -> Any:
        """Makes them strict, or not."""
        self._hub.rules.strict = asked.body["strict"]
        return self.list_rules(asked)

    def remove_rules(self, _: Asked) -> Any:
        """Removes all."""
        removed = len(self._hub.rules)
        self._hub.rules.clear()
        return {"removed": removed}

    def remove_rule(self, asked: Asked) -> Any:
        """Removes those of a name."""
        name = asked.parameters["name"]
        rules = list(self._hub.rules)
        named = [one for one in rules if one.name == name]
        if not named:
            raise missing(f"there is no rule {name!r}; there are {', '.join(one.name for one in rules) or 'none'}")
        for rule in named:
            rule.remove()
        return {"removed": len(named)}

    def near_misses(self, asked: Asked) -> Any:
        """Why rules would not answer a request."""
        misses = self._hub.rules.near_misses(asked.body["request"], service=asked.body.get("service", ""))
        return {"near_misses": [shapes.near_miss(one) for one in misses]}

    # -- faults

    def list_faults(self, _: Asked) -> Any:
        """Those that stand."""
        faults = self._hub.faults
        return {"faults": [self._fault(one) for one in faults], "injected": dict(faults.injected)}

    def add_fault(self, asked: Asked) -> Any:
        """Adds one."""
        return self._fault(self._hub.faults.add(**asked.body))

    def remove_faults(self, _: Asked) -> Any:
        """Removes all."""
        removed = len(list(self._hub.faults))
        self._hub.faults.clear()
        return {"removed": removed}

    def remove_fault(self, asked: Asked) -> Any:
        """Removes one."""
        number = asked.parameters["id"]
        numbered = {self._number(one): one for one in self._hub.faults}
        if number not in numbered:
            raise missing(f"there is no standing fault {number}; there are {', '.join(map(str, numbered)) or 'none'}")
        numbered[number].remove()
        return {"removed": 1}

    def known_faults(self, _: Asked) -> Any:
        """Those that there are."""
        return {"faults": [shapes.known_fault(kind) for kind in FAULTS.values()]}

    def _fault(self, fault: StandingFault) -> dict[str, Any]:
        return shapes.active_fault(self._number(fault), fault)

    def _number(self, fault: StandingFault) -> int:
        if fault not in self._numbers:
            self._numbers[fault] = next(self._next_number)
        return self._numbers[fault]

    # -- the journal

    def list_journal(self, asked: Asked) -> Any:
        """The entries that are wanted."""
        wanted = dict(asked.parameters)
        after = wanted.pop("after", 0)
        code = wanted.get("code", "")
        if code.isascii() and code.isdecimal():
            wanted["code"] = int(code)
        found = self._hub.journal.find(**wanted)
        return {"entries": [shapes.journal_entry(one) for one in found if one.number > after]}

    def clear_journal(self, _: Asked) -> Any:
        """Forgets all entries."""
        removed = len(self._hub.journal)
        self._hub.journal.clear()
        return {"removed": removed}

    def journal_har(self, _: Asked) -> Any:
        """All entries as an archive."""
        return self._hub.journal.to_har(self._hub.url)

    # -- services

    def list_services(self, _: Asked) -> Any:
        """All services."""
        with self._keeper:
            return {"services": [shapes.service_state(one) for one in self._keeper.state.services.values()]}

    def show_service(self, asked: Asked) -> Any:
        """One of them."""
        with self._keeper:
            return shapes.service_state(self._keeper.state.services[self._settings_of(asked).name])

    def put_service(self, asked: Asked) -> Any:
        """Has a service as it is said, in place of one of that name."""
        name, said = asked.parameters["name"], _said_of_service(asked.body)
        services = {one.name: one for one in self._hub.services}
        self._hub.change_services({**services, name: demo_service(name, **said)}.values())
        return self.show_service(asked)

    def change_service(self, asked: Asked) -> Any:
        """Changes what is said of a service."""
        changed = replace(self._settings_of(asked), **_said_of_service(asked.body))
        self._hub.change_services(changed if one.name == changed.name else one for one in self._hub.services)
        return self.show_service(asked)

    def remove_service(self, asked: Asked) -> Any:
        """Removes one."""
        removed = self._settings_of(asked)
        self._hub.change_services(one for one in self._hub.services if one.name != removed.name)
        return {"removed": 1}

    def _settings_of(self, asked: Asked) -> ServiceSettings:
        """The settings of the service that is asked for."""
        name = asked.parameters["name"]
        services = {one.name: one for one in self._hub.services}
        if name not in services:
            raise missing(f"there is no service {name!r}; there are {', '.join(services) or 'none'}")
        return services[name]

    # -- the rest

    def show_clock(self, _: Asked) -> Any:
        """What time it is."""
        with self._keeper as now:
            return {"time_s": now, "scale": self._keeper.clock.scale, "waiting": self._keeper.state.waiting}

    def advance_clock(self, asked: Asked) -> Any:
        """Lets time pass."""
        self._hub.clock.advance(asked.body["advance"])
        return self.show_clock(asked)

    def change_clock(self, asked: Asked) -> Any:
        """Lets the clock run at another speed."""
        self._hub.clock.scale = asked.body["scale"]
        return self.show_clock(asked)

    def openapi(self, _: Asked) -> Any:
        """The document."""
        return spec.read_json(DOCUMENT_PATH)


def _said_of_service(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says of a service, as `ServiceSettings` has it."""
    return {name: body[name] for name in ("key", "access_keys") if name in body} | members_of(body)
