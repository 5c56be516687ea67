"""Hubs that are wrong in what they answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer
from mockserver.state.behaviour import Behaviour
from mockserver.wrong.wrong_hub import WrongHub

if TYPE_CHECKING:
    from mockserver.state.services import Service


class CodeAsText(Behaviour):
    """Writes the code as a string."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Quotes the code."""
        if isinstance(answer.content, list):
            return answer
        return Answer(answer.content | {"errorcode": str(answer.code)}, answer.code)


class CodeLeftOut(Behaviour):
    """Leaves the code out when all is well."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Takes it out."""
        if isinstance(answer.content, list) or answer.code:
            return answer
        return Answer({name: value for name, value in answer.content.items() if name != "errorcode"})


class ReplyAsList(Behaviour):
    """Puts the reply into a list."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Wraps it."""
        if isinstance(answer.content, list):
            return answer
        return Answer(answer.content | {"reply": [answer.content["reply"]]}, answer.code)


class ErrorWithoutSentence(Behaviour):
    """Says nothing about what went wrong."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Empties the sentence."""
        if isinstance(answer.content, list) or not answer.code:
            return answer
        return Answer(answer.content | {"reply": ""}, answer.code)


class Latin1Answers(Behaviour):
    """Writes its answers in Latin-1."""

    def render(self, answer: Answer) -> bytes:
        """Writes what Latin-1 has, and question marks for the rest."""
        content = answer.content
        if isinstance(content, dict) and not answer.code:
            content = content | {"reply": content["reply"] + "\u00e9" if content["reply"] else ""}
        return json.dumps(content, ensure_ascii=False).encode("latin-1", "replace")


class ListAsObject(Behaviour):
    """Answers getmodels with an object."""

    def models(self, services: list[Service]) -> Any:
        """Names the services in an object."""
        return {"models": super().models(services)}


def _changed_entry(name: str, change: Any) -> type[Behaviour]:
    """A behaviour whose model list's entries hold another value in one member, or lack it."""

    class EntryChanged(Behaviour):
        """Gets one member of a model's entry wrong."""

        def models(self, services: list[Service]) -> Any:
            """Changes the member in every entry."""
            entries = super().models(services)
            for entry in entries:
                value = change(entry.pop(name))
                if value is not None:
                    entry[name] = value
            return entries

    return EntryChanged


class MessageWins(Behaviour):
    """Generates when a request holds both a command and a message."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Takes the command out."""
        request = super().read_body(body, content_type)
        if "message" in request:
            request.pop("command", None)
        return request


class ServiceUnlisted(Behaviour):
    """Leaves the first service out of its list."""

    def models(self, services: list[Service]) -> Any:
        """All but the first."""
        return super().models(services[1:])


WRONG_HUBS = (
    WrongHub("code_as_text", "NE-ANS-003", "writes errorcode as a string", CodeAsText),
    WrongHub("code_left_out", "NE-ANS-003", "leaves errorcode out when all is well", CodeLeftOut),
    WrongHub("reply_as_list", "NE-ANS-002", "puts the reply into a list", ReplyAsList),
    WrongHub("latin1_answers", "NE-ANS-001", "writes its answers in Latin-1", Latin1Answers),
    WrongHub("error_without_sentence", "NE-ERR-002", "leaves the sentence of an error empty", ErrorWithoutSentence),
    WrongHub("list_as_object", "NE-MODELS-001", "answers getmodels with an object", ListAsObject),
    WrongHub(
        "entry_without_name",
        "NE-MODELS-003",
        "lists services without their names",
        _changed_entry("name", lambda _: None),
    ),
    WrongHub("connected_as_text", "NE-MODELS-004", "writes connected as a string", _changed_entry("connected", str)),
    WrongHub("numreq_as_text", "NE-MODELS-005", "writes numreq as a string", _changed_entry("numreq", str)),
    WrongHub(
        "queuelen_negative", "NE-MODELS-006", "counts one request too few", _changed_entry("queuelen", lambda n: n - 1)
    ),
    WrongHub(
        "comment_as_object",
        "NE-MODELS-007",
        "writes comment as an object",
        _changed_entry("comment", lambda text: {"text": text}),
    ),
    WrongHub(
        "entry_without_operator",
        "NE-MODELS-008",
        "lists services without their operators",
        _changed_entry("operator", lambda _: None),
    ),
    WrongHub("message_wins", "NE-MODELS-012", "generates when a request holds a command and a message", MessageWins),
    WrongHub("service_unlisted", "NE-MODELS-009", "leaves a service out of its list", ServiceUnlisted),
)
