"""Hubs that are wrong in how they read a provider's answer, and in what they pass on of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure, success
from mockserver.state.framing import HUB_MEMBERS, LENGTH_DIGITS, AnswerReader, FramingBroken
from mockserver.state.links import Link
from mockserver.wrong.wrong_hub import WrongHub, keeping, of_links
from neuroengine._generated.machines import ProviderLinkEvent, ProviderLinkState
from neuroengine._generated.registry import ErrorCode

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


def _with_reader(reader: type[AnswerReader]) -> type[Behaviour]:
    """A behaviour that reads answers by another reader."""

    class Reading(Link):
        """Reads otherwise."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self._answers = reader(int(self._limits["provider_payload_bytes"]))

    return of_links(Reading)


def _reply(change: Callable[[str], str]) -> type[Behaviour]:
    return _passing(lambda members: members | {"reply": change(members["reply"])})


def _code_lowered(members: Members) -> Members:
    return members | {"errorcode": int(ErrorCode.PROVIDER_ERROR) if members["errorcode"] else 0}


def _two_members(members: Members) -> Members:
    return {"reply": members["reply"], "errorcode": members["errorcode"]}


class CharacterReader(AnswerReader):
    """Takes the length for a number of characters."""

    def feed(self, data: bytes) -> bytes | None:
        """Waits for so many characters."""
        whole = bytes(self._buffer) + data
        self._buffer.clear()
        super().feed(whole)
        self._buffer[:] = whole
        characters = whole[LENGTH_DIGITS:].decode("utf-8", "replace")
        if len(whole) < LENGTH_DIGITS or len(characters) < int(whole[:LENGTH_DIGITS], 16):
            return None
        self._buffer.clear()
        return whole[LENGTH_DIGITS:]


class OneReadReader(AnswerReader):
    """Takes what comes at once for a whole answer; a length may come before it."""

    def feed(self, data: bytes) -> bytes | None:
        """Reads, or gives up."""
        payload = super().feed(data)
        if payload is None and len(self._buffer) != LENGTH_DIGITS:
            raise FramingBroken("the answer came in pieces")
        return payload


class UpperCaseReader(AnswerReader):
    """Reads no lower-case digits."""

    def feed(self, data: bytes) -> bytes | None:
        """Refuses them."""
        digits = (bytes(self._buffer) + data)[:LENGTH_DIGITS]
        if digits != digits.upper():
            raise FramingBroken(f"the length {digits!r} is in lower case")
        return super().feed(data)


class CodeDemanded(Link):
    """A link that takes an answer without a code for none."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if not answer.code and b'"errorcode"' not in payload:
            return failure(ErrorCode.PROVIDER_ERROR, "The provider's answer holds no `errorcode`.")
        return answer


class HubMembersPassed(Link):
    """A link that passes on members which only the hub sets."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if isinstance(answer.content, list) or "error" in answer.content:
            return answer
        own = {name: value for name, value in json.loads(payload).items() if name in HUB_MEMBERS}
        return Answer(own | answer.content, answer.code)


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


class BadLengthUnanswered(Link):
    """A link that closes on a malformed length and leaves the client without an answer."""

    def _break(self, answer: Answer, now: float) -> None:
        self._end(ProviderLinkEvent.VIOLATION, None, now)


class BadLengthSurvives(Link):
    """A link that goes on after a malformed length."""

    def _break(self, answer: Answer, now: float) -> None:
        if self.state is not ProviderLinkState.ANSWERING:
            super()._break(answer, now)
            return
        job, self._job = self._job, None
        self._cancel_stuck_timer()
        self._answers = AnswerReader(int(self._limits["provider_payload_bytes"]))
        self._fire(ProviderLinkEvent.ANSWER)
        if job is not None:
            job.finish(answer, now)
        if self.service is not None:
            self.service.pump(now)


class ShortPayloadAwaited(Link):
    """A link that waits for ever once it has seen a length."""

    def _read_answer(self, data: bytes, now: float) -> None:
        super()._read_answer(data, now)
        if self.state is ProviderLinkState.ANSWERING and self._answers.holds_more:
            self._cancel_stuck_timer()


class SurrogatesPassed(Link):
    """A link that passes lone surrogates on."""

    def _read_payload(self, payload: bytes) -> Answer:
        answer = super()._read_payload(payload)
        if isinstance(answer.content, list) or "error" in answer.content:
            return answer
        return Answer(answer.content | {"reply": json.loads(payload)["reply"]}, answer.code)


class LateAnswerTaken(Link):
    """A link that is free at once when a request was given up, so that its late answer is the next client's."""

    _after_timeout = True
    """Whether it is so after the answer timeout, or after the client's leaving."""
    _is_late = False

    def abandon(self, now: float) -> None:
        """Forgets the request."""
        super().abandon(now)
        if self._is_late == self._after_timeout:
            self._cancel_stuck_timer()
            self._fire(ProviderLinkEvent.ANSWER)
            if self.service is not None:
                self.service.pump(now)

    def _provider_is_late(self, now: float) -> None:
        self._is_late = True
        super()._provider_is_late(now)
        self._is_late = False


class LeftAnswerTaken(LateAnswerTaken):
    """A link that is free at once when its client has gone."""

    _after_timeout = False


class UnaskedIgnored(Link):
    """A link that does not mind bytes which nobody asked for."""

    def receive(self, data: bytes, now: float) -> None:
        """Reads what was asked for alone."""
        if self.state is not ProviderLinkState.READY:
            super().receive(data, now)


WRONG_HUBS = (
    WrongHub("errorcode_demanded", "NE-ANS-007", "wants a provider to send errorcode", of_links(CodeDemanded)),
    WrongHub("reply_stripped", "NE-PANS-001", "strips a reply", _reply(str.strip)),
    WrongHub(
        "reply_in_ascii",
        "NE-PANS-001",
        "writes ? for what is not ASCII in a reply",
        _reply(lambda text: text.encode("ascii", "replace").decode("ascii")),
    ),
    WrongHub("characters_counted", "NE-PANS-002", "takes a length for characters", _with_reader(CharacterReader)),
    WrongHub("answer_in_one_read", "NE-PANS-003", "reads an answer in one piece only", _with_reader(OneReadReader)),
    WrongHub("lower_case_refused", "NE-PANS-004", "reads no lower-case digits", _with_reader(UpperCaseReader)),
    WrongHub(
        "large_answers_refused", "NE-PANS-005", "reads answers up to 64 KiB", keeping(provider_payload_bytes=1 / 64)
    ),
    WrongHub("errorcode_lost", "NE-PANS-006", "passes every code on as 13", _passing(_code_lowered)),
    WrongHub("extra_members_lost", "NE-PANS-007", "keeps extra members back", _passing(_two_members)),
    WrongHub("hub_members_passed", "NE-PANS-008", "passes error and done on", of_links(HubMembersPassed)),
    WrongHub("malformed_is_empty", "NE-PANS-009", "takes garbage for an empty reply", of_links(MalformedIsEmpty)),
    WrongHub("malformed_ends_link", "NE-PANS-010", "closes the link on garbage", of_links(MalformedEnds)),
    WrongHub("bad_length_unanswered", "NE-PANS-011", "answers nobody on a bad length", of_links(BadLengthUnanswered)),
    WrongHub("bad_length_survives", "NE-PANS-012", "keeps the link after a bad length", of_links(BadLengthSurvives)),
    WrongHub("short_payload_awaited", "NE-PANS-013", "waits for a payload for ever", of_links(ShortPayloadAwaited)),
    WrongHub("surrogates_passed", "NE-PANS-014", "passes lone surrogates on", of_links(SurrogatesPassed)),
    WrongHub("late_answer_taken", "NE-PANS-015", "gives a late answer to the next", of_links(LateAnswerTaken)),
    WrongHub("left_answer_taken", "NE-PANS-016", "gives a gone client's answer to the next", of_links(LeftAnswerTaken)),
    WrongHub("unasked_bytes_ignored", "NE-PANS-017", "ignores unasked bytes", of_links(UnaskedIgnored)),
)
