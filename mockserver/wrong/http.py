"""Hubs that are wrong in how they read paths and bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import success
from mockserver.state.behaviour import Behaviour
from mockserver.state.json_text import BadJson, read_object
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from mockserver.state.answers import Answer


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


class JsonTypeDemanded(Behaviour):
    """Reads a body only when its content type says JSON."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses another content type."""
        if "json" not in content_type:
            raise BadJson("its content type is not application/json")
        return super().read_body(body, content_type)


class AsciiDemanded(Behaviour):
    """Refuses a body that is not ASCII."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses raw UTF-8."""
        if not body.isascii():
            raise BadJson("it is not ASCII")
        return super().read_body(body, content_type)


class BadBodyIsEmptyObject(Behaviour):
    """Takes a body that is no JSON for a greeting."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """A request of its own making, where the body cannot be read."""
        try:
            return read_object(body)
        except BadJson:
            return {"message": "Hello"}


WRONG_HUBS = (
    WrongHub("slash_refused", "NE-HTTP-001", "knows no service behind a trailing slash", SlashRefused),
    WrongHub("slash_demanded", "NE-HTTP-002", "knows no service without a trailing slash", SlashDemanded),
    WrongHub("names_folded", "NE-HTTP-005", "matches names whatever their case", NamesFolded),
    WrongHub("any_service_answers", "NE-CODE-006", "answers for services that it does not have", AnyServiceAnswers),
    WrongHub(
        "unknown_service_is_empty", "NE-ERR-001", "answers for unknown services with an empty success", UnknownIsEmpty
    ),
    WrongHub("json_type_demanded", "NE-BODY-001", "reads a body only as application/json", JsonTypeDemanded),
    WrongHub("ascii_demanded", "NE-BODY-002", "refuses raw UTF-8", AsciiDemanded),
    WrongHub("bad_body_accepted", "NE-CODE-002", "takes a body that is no JSON for a greeting", BadBodyIsEmptyObject),
)
