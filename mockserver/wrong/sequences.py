"""Hubs whose streams are wrong behind certain steps only: one poll, or one stream, tells nothing of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, success
from mockserver.state.behaviour import Behaviour
from mockserver.state.streams import Poll, Stream
from mockserver.wrong.wrong_hub import Altered, WrongHub, is_end, of_streams, reading

if TYPE_CHECKING:
    from mockserver.state.generations import Generation
    from mockserver.state.services import Service
    from mockserver.state.sources import Source


class EndTakesFromOthers(Behaviour):
    """Throws a token of every other open stream away when a stream ends."""

    def __init__(self) -> None:
        self._open: list[Source] = []

    def source(self, source: Source) -> Source:
        """Remembers it."""
        self._open.append(source)
        return source

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Takes the token."""
        if request.get("key") and not answer.code and is_end(answer):
            for source in self._open:
                source.take(1, 0.0)
        return answer


class LargeAfterSmallSkips(Altered):
    """Skips a token when a poll asks for more than twice as many as the one before."""

    _before = 0

    def take(self, most: int, now: float) -> Answer | None:
        """Without the token."""
        piece = self._source.take(most, now)
        if piece is None or is_end(piece):
            return piece
        if self._before and most > 2 * self._before:
            self._source.take(1, now)
        self._before = most
        return piece


class SecondRepeatLoses(Stream):
    """A stream that loses a token when a piece is repeated for the second time."""

    _repeats = 0

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        self._repeats += seq == self._next_seq - 1
        if self._repeats == 2 and self.source is not None:
            self.source.take(1, self._last_poll)
        return super()._repeat_or_conflict(poll, seq)


class FirstPieceUnrepeated(Stream):
    """A stream that keeps every piece but the first."""

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        answer = super()._repeat_or_conflict(poll, seq)
        is_first = not answer.code and seq == 0 and isinstance(answer.content, dict)
        return Answer(answer.content | {"reply": "…"}) if is_first and isinstance(answer.content, dict) else answer


class KeyRenewedOnce(Behaviour):
    """Answers a key's third message with the end."""

    def __init__(self) -> None:
        self._messages: defaultdict[str, list[str]] = defaultdict(list)

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Gives the end."""
        key, message = request.get("key"), request.get("message")
        if not isinstance(key, str) or not isinstance(message, str) or not key or answer.code:
            return answer
        messages = self._messages[key]
        if not messages or messages[-1] != message:
            messages.append(message)
        return success("") if len(messages) > 2 else answer


class ThirdEndStartsAgain(Behaviour):
    """Starts a new generation when the end is asked for again the third time."""

    def __init__(self) -> None:
        self._ends: defaultdict[str, int] = defaultdict(int)

    def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
        """Another name behind so many ends."""
        return service.settings.name, f"{generation.key}#{self._ends[generation.key] // 3}"

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Counts the ends."""
        if request.get("key") and not answer.code and is_end(answer):
            self._ends[request["key"]] += 1
        return answer


WRONG_HUBS = (
    WrongHub(
        "end_takes_from_others", "NE-STREAM-001", "takes a token of every other stream at an end", EndTakesFromOthers
    ),
    WrongHub(
        "large_after_small_skips", "NE-STREAM-001", "skips a token where gettokens grows", reading(LargeAfterSmallSkips)
    ),
    WrongHub("third_end_starts_again", "NE-STREAM-017", "generates at the third repeat of an end", ThirdEndStartsAgain),
    WrongHub("key_renewed_once", "NE-STREAM-019", "takes two messages under a key, and no third", KeyRenewedOnce),
    WrongHub("first_piece_unrepeated", "NE-RESUME-005", "keeps no first piece", of_streams(FirstPieceUnrepeated)),
    WrongHub("second_repeat_loses", "NE-RESUME-006", "loses text by a second repeat", of_streams(SecondRepeatLoses)),
)
