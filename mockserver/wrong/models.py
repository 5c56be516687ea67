"""Hubs that are wrong in their model list, and in what it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, of_services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.generations import Generation
    from mockserver.state.links import Link
    from mockserver.state.service_settings import ServiceSettings


def _entries(change: Callable[[dict[str, Any]], dict[str, Any]]) -> type[Behaviour]:
    """A behaviour that changes every entry of its list."""

    class EntryChanged(Behaviour):
        """Changes entries."""

        def models(self, services: list[Service]) -> Any:
            """Changes each."""
            return [change(entry) for entry in super().models(services)]

    return EntryChanged


def _member(name: str, change: Callable[[Any], Any]) -> type[Behaviour]:
    """A behaviour whose entries hold another value in one member."""
    return _entries(lambda entry: entry | {name: change(entry[name])})


def _without(name: str) -> type[Behaviour]:
    return _entries(lambda entry: {member: value for member, value in entry.items() if member != name})


class ListAsObject(Behaviour):
    """Answers getmodels with an object."""

    def models(self, services: list[Service]) -> Any:
        """Names the services in an object."""
        return {"models": super().models(services)}


class ServiceUnlisted(Behaviour):
    """Leaves the first service out of its list."""

    def models(self, services: list[Service]) -> Any:
        """All but the first."""
        return super().models(services[1:])


class MessageWins(Behaviour):
    """Generates when a request holds both a command and a message."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Takes the command out."""
        request = super().read_body(body, content_type)
        if "message" in request:
            request.pop("command", None)
        return request


class AnyCommandLists(Behaviour):
    """Takes any command for getmodels."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Puts the one command in the place of another."""
        request = super().read_body(body, content_type)
        return request | {"command": "getmodels"} if "command" in request else request


class GenerationsUncounted(Behaviour):
    """Counts no generation but a service's first."""

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Counts the first one; a quota counts all."""
        super().count(service, now, is_new=is_new)
        service.numreq = min(service.numreq, 1)


class FailuresUncounted(Behaviour):
    """Takes a generation that failed out of the count again."""

    def __init__(self) -> None:
        self._counted: Service | None = None

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Counts, and remembers where."""
        super().count(service, now, is_new=is_new)
        self._counted = service

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Takes the failure out."""
        if answer.code in {12, 13} and self._counted is not None:
            self._counted.numreq -= 1
        return answer


class PollsCounted(Behaviour):
    """Counts every poll."""

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Counts."""
        super().count(service, now, is_new=True)


class RefusalsCounted(Behaviour):
    """Counts a request before it has looked at it."""

    def __init__(self) -> None:
        self._asked: Service | None = None

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Notes which service is asked."""
        super().check_access(service, access_key, request)
        self._asked = service

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Counts what is refused."""
        try:
            return super().read_generation(request, limits)
        except Refused:
            if self._asked is not None:
                self._asked.numreq += 1
            raise


class KeyShown(Service):
    """A service whose comment is its key."""

    def __init__(self, settings: ServiceSettings, *more: Any) -> None:
        super().__init__(settings, *more)
        self._comment = settings.key

    def entry(self) -> dict[str, Any]:
        """The key for a comment."""
        return super().entry() | {"comment": self._comment}


class CurrentQueued(Service):
    """A service that counts the request that is being answered among those that wait."""

    def entry(self) -> dict[str, Any]:
        """One more, while there is one."""
        entry = super().entry()
        return entry | {"queuelen": entry["queuelen"] + (self._current is not None)}


class OnceConnected(Service):
    """A service that stays connected when its provider has gone."""

    _was_connected = False

    def attach(self, link: Link, now: float) -> None:
        """Remembers the login for ever."""
        super().attach(link, now)
        self._was_connected = True

    def entry(self) -> dict[str, Any]:
        """Connected, once it was."""
        entry = super().entry()
        return entry | {"connected": entry["connected"] or self._was_connected}


WRONG_HUBS = (
    WrongHub("list_as_object", "NE-MODELS-001", "answers getmodels with an object", ListAsObject),
    WrongHub("entry_without_name", "NE-MODELS-003", "lists services without their names", _without("name")),
    WrongHub("connected_as_text", "NE-MODELS-004", "writes connected as a string", _member("connected", str)),
    WrongHub("numreq_as_text", "NE-MODELS-005", "writes numreq as a string", _member("numreq", str)),
    WrongHub("queuelen_negative", "NE-MODELS-006", "counts one too few", _member("queuelen", lambda count: count - 1)),
    WrongHub(
        "comment_as_object", "NE-MODELS-007", "writes comment as an object", _member("comment", lambda it: {"text": it})
    ),
    WrongHub("entry_without_operator", "NE-MODELS-008", "lists services without operators", _without("operator")),
    WrongHub("service_unlisted", "NE-MODELS-009", "leaves a service out of its list", ServiceUnlisted),
    WrongHub("key_listed", "NE-MODELS-011", "shows the service key as the comment", of_services(KeyShown)),
    WrongHub("message_wins", "NE-MODELS-012", "generates when a request holds a command and a message", MessageWins),
    WrongHub("any_command_lists", "NE-MODELS-013", "takes any command for getmodels", AnyCommandLists),
    WrongHub("generations_uncounted", "NE-MODELS-014", "counts no generation but the first", GenerationsUncounted),
    WrongHub("failures_uncounted", "NE-MODELS-015", "does not count a generation that failed", FailuresUncounted),
    WrongHub("polls_counted", "NE-MODELS-016", "counts every poll of a stream", PollsCounted),
    WrongHub("refusals_counted", "NE-MODELS-017", "counts requests that it refused", RefusalsCounted),
    WrongHub(
        "current_queued",
        "NE-MODELS-018",
        "counts the request that is being answered among those that wait",
        of_services(CurrentQueued),
    ),
    WrongHub(
        "never_connected", "NE-MODELS-019", "shows no service as connected", _member("connected", lambda _: False)
    ),
    WrongHub(
        "connected_for_ever", "NE-MODELS-020", "shows a provider that left as connected", of_services(OnceConnected)
    ),
)
