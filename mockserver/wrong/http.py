"""Hubs that are wrong in how they read paths, and in the services that they offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import success
from mockserver.state.behaviour import Behaviour
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from mockserver.state.answers import Answer
    from mockserver.state.services import Service


class SlashRefused(Behaviour):
    """Knows no service behind a trailing slash."""

    def service_name(self, path: str, known: Collection[str]) -> str:
        """The path as it is."""
        return path.removeprefix("/")


class SlashDemanded(Behaviour):
    """Knows no service without a trailing slash."""

    def service_name(self, path: str, known: Collection[str]) -> str:
        """Nothing, where the slash is missing."""
        return super().service_name(path, known) if path.endswith("/") else ""


class NamesFolded(Behaviour):
    """Matches a service whatever the case of its name."""

    def service_name(self, path: str, known: Collection[str]) -> str:
        """The known name of that spelling."""
        name = super().service_name(path, known)
        return {exact.lower(): exact for exact in known}.get(name.lower(), name)


class AnyServiceAnswers(Behaviour):
    """Answers for a service that it does not have."""

    def service_name(self, path: str, known: Collection[str]) -> str:
        """A service that exists, whatever the path says."""
        name = super().service_name(path, known)
        return name if name in known else next(iter(known))


class UnknownIsEmpty(Behaviour):
    """Answers for a service that it does not have with an empty success."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """An empty success for code 6."""
        return success("") if answer.code == ErrorCode.UNKNOWN_SERVICE else answer


class UnknownIsASentence(Behaviour):
    """Says that there is no such service, and calls that a success."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """A sentence with code 0 for code 6."""
        return success("There is no such service.") if answer.code == ErrorCode.UNKNOWN_SERVICE else answer


class FirstSegmentTaken(Behaviour):
    """Takes the first segment of a path for the service."""

    def service_name(self, path: str, known: Collection[str]) -> str:
        """What stands in front of the second slash."""
        return super().service_name("/".join(path.split("/")[:2]), known)


class BadNameOffered(Behaviour):
    """Offers a service whose name no path can hold."""

    def models(self, services: list[Service]) -> Any:
        """Lists it beside the others."""
        entries = super().models(services)
        return [*entries, entries[0] | {"name": "My own LLM!"}]


class QueryRead(Behaviour):
    """Takes a query string for a part of the path."""

    def path(self, path: str, query: bytes) -> str:
        """Everything behind the host."""
        return f"{path}?{query.decode()}" if query else path


WRONG_HUBS = (
    WrongHub("slash_refused", "NE-HTTP-001", "knows no service behind a trailing slash", SlashRefused),
    WrongHub("slash_demanded", "NE-HTTP-002", "knows no service without a trailing slash", SlashDemanded),
    WrongHub("names_folded", "NE-HTTP-005", "matches names whatever their case", NamesFolded),
    WrongHub("bad_name_offered", "NE-HTTP-006", "offers a service with blanks in its name", BadNameOffered),
    WrongHub("first_segment_taken", "NE-HTTP-007", "answers at /service/anything", FirstSegmentTaken),
    WrongHub("query_read", "NE-HTTP-008", "takes a query string for a part of the name", QueryRead),
    WrongHub("any_service_answers", "NE-CODE-006", "answers for services that it does not have", AnyServiceAnswers),
    WrongHub(
        "unknown_service_is_empty", "NE-ERR-001", "answers for unknown services with an empty success", UnknownIsEmpty
    ),
    WrongHub(
        "unknown_service_is_a_sentence",
        "NE-ERR-001",
        "says as a success that there is no such service",
        UnknownIsASentence,
    ),
)
