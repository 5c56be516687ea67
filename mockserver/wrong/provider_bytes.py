"""Hubs that are wrong in how they cut answers out of a provider's bytes, and in what they do with bytes too many."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mockserver.state.framing import LENGTH_DIGITS, AnswerReader, FramingBroken, answer_length
from mockserver.state.links import Link
from mockserver.wrong.wrong_hub import WrongHub, keeping, of_links
from neuroengine._generated.machines import ProviderLinkEvent, ProviderLinkState

if TYPE_CHECKING:
    from mockserver.state.answers import Answer
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.jobs import Job


def _with_reader(reader: type[AnswerReader]) -> type[Behaviour]:
    """A behaviour that reads answers by another reader."""

    class Reading(Link):
        """Reads otherwise."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self._answers = reader(int(self._limits["provider_payload_bytes"]))

    return of_links(Reading)


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


class DigitsInOneReadReader(AnswerReader):
    """Reads the digits of a length in one piece only."""

    def feed(self, data: bytes) -> bytes | None:
        """Reads, or gives up."""
        if not self._buffer and len(data) < LENGTH_DIGITS:
            raise FramingBroken("the length came in pieces")
        return super().feed(data)


class UpperCaseReader(AnswerReader):
    """Reads no lower-case digits."""

    def feed(self, data: bytes) -> bytes | None:
        """Refuses them."""
        digits = (bytes(self._buffer) + data)[:LENGTH_DIGITS]
        if digits != self._known(digits):
            raise FramingBroken(f"the length {digits!r} is in the other case")
        return super().feed(data)

    def _known(self, digits: bytes) -> bytes:
        return digits.upper()


class LowerCaseReader(UpperCaseReader):
    """Reads no upper-case digits."""

    def _known(self, digits: bytes) -> bytes:
        return digits.lower()


class LooseDigitsReader(AnswerReader):
    """Reads whatever Python takes for a hex number."""

    def feed(self, data: bytes) -> bytes | None:
        """Writes the digits anew."""
        whole = bytes(self._buffer) + data
        with suppress(ValueError):
            if len(whole) >= LENGTH_DIGITS:
                size = abs(int(whole[:LENGTH_DIGITS].decode("utf-8", "replace"), 16))
                whole = b"%08x" % size + whole[LENGTH_DIGITS:]
        self._buffer.clear()
        return super().feed(whole)


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


class TricklePatience(Link):
    """A link that gives a provider the whole time again with every byte."""

    def _read_answer(self, data: bytes, now: float) -> None:
        super()._read_answer(data, now)
        if self.state is ProviderLinkState.ANSWERING and self._answers.holds_more:
            self._restart_stuck_timer(now)


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


class UnaskedIgnoredAtFirst(Link):
    """A link that does not mind such bytes as long as nothing was asked at all."""

    _is_fresh = True

    def send(self, job: Job, now: float) -> None:
        """Minds them from now on."""
        self._is_fresh = False
        super().send(job, now)

    def receive(self, data: bytes, now: float) -> None:
        """Reads what was asked for alone."""
        if self.state is not ProviderLinkState.READY or not self._is_fresh:
            super().receive(data, now)


class SurplusKept(Link):
    """A link that keeps what follows an answer, as the beginning of the next one."""

    _seen = b""

    def send(self, job: Job, now: float) -> None:
        """Begins to count the answer's bytes."""
        self._seen = b""
        super().send(job, now)

    def _read_answer(self, data: bytes, now: float) -> None:
        before = len(self._seen)
        self._seen += data
        size = answer_length(self._seen)
        if size is None or len(self._seen) <= size:
            super()._read_answer(data, now)
            return
        own, surplus = data[: size - before], data[size - before :]
        super()._read_answer(own, now)
        if self.state is ProviderLinkState.ANSWERING:
            self._read_answer(surplus, now)


WRONG_HUBS = (
    WrongHub("characters_counted", "NE-PANS-002", "takes a length for characters", _with_reader(CharacterReader)),
    WrongHub("answer_in_one_read", "NE-PANS-003", "reads an answer in one piece only", _with_reader(OneReadReader)),
    WrongHub("digits_in_one_read", "NE-PANS-003", "reads no length in pieces", _with_reader(DigitsInOneReadReader)),
    WrongHub("lower_case_refused", "NE-PANS-004", "reads no lower-case digits", _with_reader(UpperCaseReader)),
    WrongHub("upper_case_refused", "NE-PANS-004", "reads no upper-case digits", _with_reader(LowerCaseReader)),
    WrongHub(
        "large_answers_refused", "NE-PANS-005", "reads answers up to 64 KiB", keeping(provider_payload_bytes=1 / 64)
    ),
    WrongHub(
        "largest_answer_refused",
        "NE-PANS-005",
        "reads answers below its limit",
        keeping(provider_payload_bytes=1 - 1e-7),
    ),
    WrongHub("bad_length_unanswered", "NE-PANS-011", "answers nobody on a bad length", of_links(BadLengthUnanswered)),
    WrongHub("digits_loose", "NE-PANS-011", "reads blanks and signs in a length", _with_reader(LooseDigitsReader)),
    WrongHub("bad_length_survives", "NE-PANS-012", "keeps the link after a bad length", of_links(BadLengthSurvives)),
    WrongHub("short_payload_awaited", "NE-PANS-013", "waits for a payload for ever", of_links(ShortPayloadAwaited)),
    WrongHub("trickle_patience", "NE-PANS-013", "waits anew with every byte", of_links(TricklePatience)),
    WrongHub("late_answer_taken", "NE-PANS-015", "gives a late answer to the next", of_links(LateAnswerTaken)),
    WrongHub("left_answer_taken", "NE-PANS-016", "gives a gone client's answer to the next", of_links(LeftAnswerTaken)),
    WrongHub("unasked_bytes_ignored", "NE-PANS-017", "ignores unasked bytes", of_links(UnaskedIgnored)),
    WrongHub(
        "first_bytes_ignored",
        "NE-PANS-017",
        "ignores unasked bytes before its first request",
        of_links(UnaskedIgnoredAtFirst),
    ),
    WrongHub("surplus_kept", "NE-PANS-017", "takes a second answer for the next", of_links(SurplusKept)),
)
