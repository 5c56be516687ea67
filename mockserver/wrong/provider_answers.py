"""Hubs that are wrong in what they make of a provider's payload, and in what they pass on of it."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure, success
from mockserver.state.framing import HUB_MEMBERS
from mockserver.state.links import Link
from mockserver.wrong.wrong_hub import WrongHub, of_links
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.behaviour import Behaviour

    Members = dict[str, Any]


def _passing(change: Callable[[Members], Members]) -> type[Behaviour]:
    """A behaviour that passes other members on than the provider answered."""

    class Passing(Link):
        """Passes something else on."""

        def _read_payload(self, payload: bytes) -> Answer:
            answer = super()._read_payload(payload)
            if "error" in answer.content or isinstance(answer.content, list):
                return answer
            members = change(answer.content)
            return Answer(members, members.get("errorcode", 0))

    return of_links(Passing)


def _reply(change: Callable[[str], str]) -> type[Behaviour]:
    return _passing(lambda members: members | {"reply": change(members["reply"])})


def _code_lowered(members: Members) -> Members:
    return members | {"errorcode": int(ErrorCode.PROVIDER_ERROR) if members["errorcode"] else 0}


def _code_unsigned(members: Members) -> Members:
    return members | {"errorcode": abs(members["errorcode"])}


def _code_of_the_registry(members: Members) -> Members:
    is_known = not members["errorcode"] or members["errorcode"] in ERRORS
    return members if is_known else members | {"errorcode": int(ErrorCode.INTERNAL_ERROR)}


def _members_as_text(members: Members) -> Members:
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in members.items()}


def _two_members(members: Members) -> Members:
    return {"reply": members["reply"], "errorcode": members["errorcode"]}


class AnswersRefused(Link):
    """A link that takes no answer of a provider for one."""

    def _read_payload(self, payload: bytes) -> Answer:
        return failure(ErrorCode.PROVIDER_ERROR, "The provider's answer cannot be read.")


class CodeDemanded(Link):
    """A link that takes an answer without a code for none."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if not answer.code and b'"errorcode"' not in payload:
            return failure(ErrorCode.PROVIDER_ERROR, "The provider's answer holds no `errorcode`.")
        return answer


class HubMembersPassed(Link):
    """A link that passes on members which only the hub sets."""

    _passed: tuple[str, ...] = HUB_MEMBERS

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if isinstance(answer.content, list) or "error" in answer.content:
            return answer
        own = {name: value for name, value in json.loads(payload).items() if name in self._passed}
        return Answer(own | answer.content, answer.code)


class DonePassed(HubMembersPassed):
    """A link that passes `done` on."""

    _passed = ("done",)


class MalformedIsEmpty(Link):
    """A link that takes an answer which it cannot read for an empty one."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        return success("") if "error" in answer.content else answer


class MalformedEnds(Link):
    """A link that ends with an answer which it cannot read."""

    def _read_answer(self, data: bytes, now: float) -> None:
        self._is_malformed = False
        super()._read_answer(data, now)
        if self._is_malformed:
            self.close(now)

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        self._is_malformed = "error" in answer.content
        return answer


class LooseTypes(Link):
    """A link that takes a reply or a code of another type for the text or the number in it."""

    def _read_payload(self, payload: bytes) -> Answer:
        try:
            content = json.loads(payload)
            loose = {"reply": str(content["reply"]), "errorcode": int(content.get("errorcode", 0))}
        except (ValueError, TypeError, KeyError, RecursionError):
            return super()._read_payload(payload)
        return super()._read_payload(json.dumps(content | loose).encode())


class SurrogatesDropped(Link):
    """A link that leaves lone surrogates out."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if isinstance(answer.content, list) or "error" in answer.content:
            return answer
        reply = json.loads(payload)["reply"].encode("utf-8", "ignore").decode("utf-8")
        return Answer(answer.content | {"reply": reply}, answer.code)


class SurrogatesPassed(Link):
    """A link that passes lone surrogates on."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if isinstance(answer.content, list) or "error" in answer.content:
            return answer
        return Answer(answer.content | {"reply": json.loads(payload)["reply"]}, answer.code)


WRONG_HUBS = (
    WrongHub("errorcode_demanded", "NE-ANS-007", "wants a provider to send errorcode", of_links(CodeDemanded)),
    WrongHub("answers_refused", "NE-PANS-001", "answers 13 whatever a provider answers", of_links(AnswersRefused)),
    WrongHub("reply_stripped", "NE-PANS-001", "strips a reply", _reply(str.strip)),
    WrongHub(
        "reply_in_ascii",
        "NE-PANS-001",
        "writes ? for what is not ASCII in a reply",
        _reply(lambda text: text.encode("ascii", "replace").decode("ascii")),
    ),
    WrongHub(
        "reply_normalised",
        "NE-PANS-001",
        "composes the characters of a reply",
        _reply(lambda text: unicodedata.normalize("NFC", text)),
    ),
    WrongHub(
        "reply_without_controls",
        "NE-PANS-001",
        "leaves control characters out of a reply",
        _reply(lambda text: "".join(each for each in text if each >= " " or each in "\t\n\r")),
    ),
    WrongHub("errorcode_lost", "NE-PANS-006", "passes every code on as 13", _passing(_code_lowered)),
    WrongHub("errorcode_unsigned", "NE-PANS-006", "passes a code on without its sign", _passing(_code_unsigned)),
    WrongHub(
        "errorcode_unknown", "NE-PANS-006", "passes codes outside the registry on as 1", _passing(_code_of_the_registry)
    ),
    WrongHub("extra_members_lost", "NE-PANS-007", "keeps extra members back", _passing(_two_members)),
    WrongHub("extra_members_as_text", "NE-PANS-007", "writes lists and objects as text", _passing(_members_as_text)),
    WrongHub("hub_members_passed", "NE-PANS-008", "passes error and done on", of_links(HubMembersPassed)),
    WrongHub("done_passed", "NE-PANS-008", "passes done on", of_links(DonePassed)),
    WrongHub("malformed_is_empty", "NE-PANS-009", "takes garbage for an empty reply", of_links(MalformedIsEmpty)),
    WrongHub("types_loose", "NE-PANS-009", "takes a number for a reply", of_links(LooseTypes)),
    WrongHub("malformed_ends_link", "NE-PANS-010", "closes the link on garbage", of_links(MalformedEnds)),
    WrongHub("surrogates_passed", "NE-PANS-014", "passes lone surrogates on", of_links(SurrogatesPassed)),
    WrongHub("surrogates_dropped", "NE-PANS-014", "leaves lone surrogates out", of_links(SurrogatesDropped)),
)
