"""Hubs that are wrong in resumable polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.state.streams import Poll, Stream
from mockserver.wrong.wrong_hub import WrongHub, answering, is_end, of_streams
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.generations import Generation


def _without(name: str) -> type[Behaviour]:
    return answering(lambda content: {member: value for member, value in content.items() if member != name})


class ErrorsEcho(Behaviour):
    """Echoes the index in errors too."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Adds it."""
        if not answer.code or isinstance(answer.content, list) or "seq" not in request:
            return answer
        return Answer(answer.content | {"seq": request["seq"]}, answer.code)


class FirstIsOne(Behaviour):
    """Counts the pieces from 1."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Takes one off."""
        if request.get("key") and type(seq := request.get("seq")) is int and seq > 0:
            request = request | {"seq": seq - 1}
        return super().read_generation(request, limits)

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Puts it back."""
        if answer.code or isinstance(answer.content, list) or "seq" not in answer.content:
            return answer
        return Answer(answer.content | {"seq": request["seq"]})


class UnknownKeyIsNew(Behaviour):
    """Starts a stream whatever the index of its first poll."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Takes the index out of the first poll."""
        generation = super().read_generation(request, limits)
        if generation.key not in self._known and generation.seq:
            generation = super().read_generation(request | {"seq": 0}, limits)
        self._known.add(generation.key)
        return generation


class IndexWithoutKeyRefused(Behaviour):
    """Refuses an index without a stream key."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if "seq" in request and not request.get("key"):
            raise Refused(failure(ErrorCode.INVALID_FIELD, "An index needs a stream key.", field="seq"))
        return super().read_generation(request, limits)


class EveryPieceDone(Stream):
    """A stream that says with every piece that it is done."""

    def _delivered(self, taken: Answer, poll: Poll, now: float) -> Answer:
        answer = super()._delivered(taken, poll, now)
        if isinstance(answer.content, list) or "done" not in answer.content:
            return answer
        return Answer(answer.content | {"done": True})


class RepeatIsRefused(Stream):
    """A stream that keeps no piece."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        return self._conflict(seq)


class RepeatTakesMore(Stream):
    """A stream that takes another piece for a repeat and throws it away."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        if seq == self._next_seq - 1 and self.source is not None:
            self.source.take(1, self._last_poll)
        return super()._repeat_or_conflict(poll, seq)


class RepeatCutAgain(Stream):
    """A stream that cuts a repeated piece by the repeated poll's `gettokens`."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        answer = super()._repeat_or_conflict(poll, seq)
        if answer.code or not isinstance(answer.content, dict):
            return answer
        words = answer.content["reply"].split(" ")
        return Answer(answer.content | {"reply": " ".join(words[: poll.gettokens])})


class AnyIndexGoesOn(Stream):
    """A stream that takes an index far ahead for the next one."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        answer = self._next_answer(poll, self._last_poll) if seq > self._next_seq else None
        return answer or super()._repeat_or_conflict(poll, seq)


class OldIndexRepeatsLast(Stream):
    """A stream that answers an old index with the last piece."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        poll.seq = max(seq, self._next_seq - 1)
        return super()._repeat_or_conflict(poll, poll.seq)


class RefusalEnds(Stream):
    """A stream that fails once it has refused an index."""

    def _conflict(self, seq: int) -> Answer:
        if self.source is not None:
            self.source.stop(self._last_poll)
            self.source = _Failure()
        return super()._conflict(seq)


class _Failure:
    """A source that has failed."""

    forwards = False

    def take(self, most: int, now: float) -> Answer | None:
        """The failure."""
        return failure(ErrorCode.STREAM_EXPIRED, "The stream is over.")

    def stop(self, now: float) -> None:
        """Nothing is held."""


class NotReadyCounts(Stream):
    """A stream that uses an index up for a poll that waited in vain."""

    def _hold_ended(self, poll: Poll, now: float) -> None:
        super()._hold_ended(poll, now)
        self._next_seq += 1


class EndHasLastIndex(Stream):
    """A stream whose end has the index of the last piece."""

    def _delivered(self, taken: Answer, poll: Poll, now: float) -> Answer:
        answer = super()._delivered(taken, poll, now)
        if not is_end(taken) or isinstance(answer.content, list) or "seq" not in answer.content:
            return answer
        return Answer(answer.content | {"seq": answer.content["seq"] - 1})


class BeyondEndRefused(Stream):
    """A stream that refuses an index beyond its end."""

    def _after_end(self, poll: Poll) -> Answer:
        if poll.seq is not None and poll.seq >= self._next_seq:
            return self._conflict(poll.seq)
        return super()._after_end(poll)


class OnlyIndexedCount(Stream):
    """A stream that counts the pieces of polls with an index alone."""

    def _delivered(self, taken: Answer, poll: Poll, now: float) -> Answer:
        answer = super()._delivered(taken, poll, now)
        if poll.seq is None:
            self._next_seq -= 1
        return answer


WRONG_HUBS = (
    WrongHub("index_not_echoed", "NE-RESUME-001", "does not echo seq", _without("seq")),
    WrongHub("done_left_out", "NE-RESUME-002", "sends no done", _without("done")),
    WrongHub("every_piece_done", "NE-RESUME-003", "is done with every piece", of_streams(EveryPieceDone)),
    WrongHub("first_index_is_one", "NE-RESUME-004", "counts the pieces from 1", FirstIsOne),
    WrongHub("repeat_refused", "NE-RESUME-005", "keeps no piece", of_streams(RepeatIsRefused)),
    WrongHub("repeat_takes_more", "NE-RESUME-006", "loses text by a repeat", of_streams(RepeatTakesMore)),
    WrongHub("repeat_cut_again", "NE-RESUME-007", "cuts a repeat by its gettokens", of_streams(RepeatCutAgain)),
    WrongHub("far_index_goes_on", "NE-RESUME-008", "takes an index far ahead for the next", of_streams(AnyIndexGoesOn)),
    WrongHub(
        "old_index_repeats_last",
        "NE-RESUME-008",
        "answers an old index with the last piece",
        of_streams(OldIndexRepeatsLast),
    ),
    WrongHub("refusal_ends", "NE-RESUME-009", "ends a stream by a refusal", of_streams(RefusalEnds)),
    WrongHub("errors_echo", "NE-RESUME-010", "echoes seq in errors", ErrorsEcho),
    WrongHub("not_ready_counts", "NE-RESUME-011", "uses an index up for a 17", of_streams(NotReadyCounts)),
    WrongHub("end_has_last_index", "NE-RESUME-012", "gives the end no index of its own", of_streams(EndHasLastIndex)),
    WrongHub("beyond_end_refused", "NE-RESUME-013", "refuses an index beyond the end", of_streams(BeyondEndRefused)),
    WrongHub("unknown_key_is_new", "NE-RESUME-014", "starts a stream at any index", UnknownKeyIsNew),
    WrongHub("only_indexed_count", "NE-RESUME-015", "counts polls with seq alone", of_streams(OnlyIndexedCount)),
    WrongHub("index_without_key_refused", "NE-RESUME-016", "refuses seq without a key", IndexWithoutKeyRefused),
)
