"""Hubs that are wrong in their streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure, success
from mockserver.state.behaviour import Behaviour
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.services import Service
    from mockserver.state.sources import Source


class Altered:
    """A source that alters what another one gives; by itself it alters nothing."""

    forwards = False

    def __init__(self, source: Source) -> None:
        self._source = source

    def take(self, most: int, now: float) -> Answer | None:
        """The other one's next piece."""
        return self._source.take(most, now)

    def stop(self, now: float) -> None:
        """Stops the other one."""
        self._source.stop(now)


def _altering(source_type: type[Altered]) -> type[Behaviour]:
    """A behaviour whose streams read through a source of that type."""

    class SourceAltered(Behaviour):
        """Alters what a stream reads."""

        def source(self, source: Source) -> Source:
            """Wraps the source."""
            return source_type(source)

    return SourceAltered


def _is_end(answer: Answer | None) -> bool:
    return answer is not None and isinstance(answer.content, dict) and answer.content["reply"] == ""


class AllAtOnce(Altered):
    """Gives everything in one piece."""

    def take(self, most: int, now: float) -> Answer | None:
        """Everything."""
        return self._source.take(10**9, now)


class TwiceAsMany(Altered):
    """Gives twice as many tokens as were asked for."""

    def take(self, most: int, now: float) -> Answer | None:
        """Twice as many."""
        return self._source.take(2 * most, now)


class FirstCountRules(Altered):
    """Cuts every piece by the first poll's `gettokens`."""

    _first = 0

    def take(self, most: int, now: float) -> Answer | None:
        """As many as the first time."""
        self._first = self._first or most
        return self._source.take(self._first, now)


class TailLost(Altered):
    """Loses the last piece."""

    _ahead: Answer | None = None

    def take(self, most: int, now: float) -> Answer | None:
        """One piece behind, so that the last one is never given."""
        piece = self._ahead or self._source.take(most, now)
        if piece is None or _is_end(piece):
            return piece
        self._ahead = self._source.take(most, now)
        return self._ahead if _is_end(self._ahead) else piece


class PieceRepeated(Altered):
    """Gives the second piece twice."""

    _count = 0
    _repeat: Answer | None = None

    def take(self, most: int, now: float) -> Answer | None:
        """The second piece again."""
        if self._repeat is not None:
            again, self._repeat = self._repeat, None
            return again
        piece = self._source.take(most, now)
        self._count += 1
        if self._count == 2 and not _is_end(piece):
            self._repeat = piece
        return piece


class PiecesSwapped(Altered):
    """Gives the second piece before the first."""

    _held: Answer | None = None
    _started = False

    def take(self, most: int, now: float) -> Answer | None:
        """The first two the wrong way round."""
        if not self._started:
            self._started = True
            first = self._source.take(most, now)
            second = self._source.take(most, now)
            if not _is_end(second):
                self._held = first
                return second
            self._held = second
            return first
        if self._held is not None:
            piece, self._held = self._held, None
            return piece
        return self._source.take(most, now)


class NeverEnds(Altered):
    """Goes on with dots where the end should be."""

    def take(self, most: int, now: float) -> Answer | None:
        """A dot for the end."""
        piece = self._source.take(most, now)
        return success(".") if _is_end(piece) else piece


class EndIsError(Altered):
    """Ends with an error instead of the empty reply."""

    def take(self, most: int, now: float) -> Answer | None:
        """An error for the end."""
        piece = self._source.take(most, now)
        return failure(ErrorCode.STREAM_EXPIRED, "The stream is over.") if _is_end(piece) else piece


class KeysShared(Behaviour):
    """Takes every key for that of the stream that is open, until it has ended."""

    def __init__(self) -> None:
        self._open: Generation | None = None

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Lets a poll continue the open stream, whatever its own key and message."""
        generation = super().read_generation(request, limits)
        if not generation.key:
            return generation
        self._open = self._open or generation
        return replace(generation, key=self._open.key, message=self._open.message)

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Notes the end."""
        if request.get("key") and _is_end(answer):
            self._open = None
        return answer


class EndStartsAgain(Behaviour):
    """Starts a new generation when the end is asked for again."""

    def __init__(self) -> None:
        self._rounds: dict[str, int] = {}

    def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
        """Another name for each round of the key."""
        return service.settings.name, f"{generation.key}#{self._rounds.get(generation.key, 0)}"

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Counts the ends."""
        if request.get("key") and not answer.code and _is_end(answer):
            self._rounds[request["key"]] = self._rounds.get(request["key"], 0) + 1
        return answer


class PollWithoutMessage(Behaviour):
    """Goes on with a stream when a poll has no message."""

    def __init__(self) -> None:
        self._messages: dict[str, str] = {}

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Adds the stream's message to a poll that has none."""
        key = request.get("key")
        if isinstance(key, str) and "message" not in request:
            request = request | {"message": self._messages.get(key, "")}
        generation = super().read_generation(request, limits)
        self._messages[generation.key] = generation.message
        return generation


WRONG_HUBS = (
    WrongHub("gettokens_ignored", "NE-STREAM-004", "gives the whole reply in one piece", _altering(AllAtOnce)),
    WrongHub("gettokens_doubled", "NE-STREAM-005", "gives twice as many tokens as asked for", _altering(TwiceAsMany)),
    WrongHub(
        "first_count_rules",
        "NE-STREAM-007",
        "cuts every piece by the first poll's gettokens",
        _altering(FirstCountRules),
    ),
    WrongHub("stream_tail_lost", "NE-STREAM-001", "loses the last piece of a stream", _altering(TailLost)),
    WrongHub("stream_piece_repeated", "NE-STREAM-001", "gives one piece twice", _altering(PieceRepeated)),
    WrongHub(
        "stream_pieces_swapped", "NE-STREAM-001", "gives the second piece before the first", _altering(PiecesSwapped)
    ),
    WrongHub("stream_never_ends", "NE-STREAM-002", "goes on with dots where the end should be", _altering(NeverEnds)),
    WrongHub("stream_end_is_error", "NE-STREAM-002", "ends a stream with an error", _altering(EndIsError)),
    WrongHub("stream_keys_shared", "NE-STREAM-025", "takes every key for that of the open stream", KeysShared),
    WrongHub(
        "stream_end_starts_again", "NE-STREAM-017", "generates again when the end is asked for again", EndStartsAgain
    ),
    WrongHub(
        "poll_without_message", "NE-STREAM-010", "goes on with a stream when a poll has no message", PollWithoutMessage
    ),
)
