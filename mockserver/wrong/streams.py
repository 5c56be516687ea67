"""Hubs that are wrong in the text of their streams: what the pieces hold, and where they end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure, success
from mockserver.state.behaviour import Behaviour
from mockserver.state.streams import Poll, Stream
from mockserver.wrong.wrong_hub import Altered, InTwo, WrongHub, is_end, keeping, of_streams, reading
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from mockserver.state.sources import Source

_ALL = 10**9
_MOMENT_S = 0.02


class AllAtOnce(Altered):
    """Gives everything in one piece."""

    def take(self, most: int, now: float) -> Answer | None:
        """Everything."""
        return self._source.take(_ALL, now)


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
        if piece is None or is_end(piece):
            return piece
        self._ahead = self._source.take(most, now)
        return self._ahead if is_end(self._ahead) else piece


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
        if self._count == 2 and not is_end(piece):
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
            if not is_end(second):
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
        return success(".") if is_end(piece) else piece


class EndIsError(Altered):
    """Ends with an error instead of the empty reply."""

    def take(self, most: int, now: float) -> Answer | None:
        """An error for the end."""
        piece = self._source.take(most, now)
        return failure(ErrorCode.STREAM_EXPIRED, "The stream is over.") if is_end(piece) else piece


class NothingYetIsTheEnd(Altered):
    """Ends when nothing is ready."""

    def take(self, most: int, now: float) -> Answer | None:
        """The end for nothing, unless a provider streams itself."""
        return self._source.take(most, now) or (None if self.forwards else success(""))


class CharactersCut(InTwo):
    """Cuts a piece behind the first half of a surrogate pair."""

    def parts(self, text: str) -> tuple[str, str]:
        """A text cut inside its first character that takes two UTF-16 units; whole where there is none."""
        place = next((place for place, character in enumerate(text) if character > "\uffff"), None)
        if place is None:
            return text, ""
        pair = text[place].encode("utf-16-be")
        high, low = (chr(int.from_bytes(half)) for half in (pair[:2], pair[2:]))
        return text[:place] + high, low + text[place + 1 :]


class LongCharactersWait(Altered):
    """Never gives a character that takes more tokens than were asked for."""

    _held: Answer | None = None

    def take(self, most: int, now: float) -> Answer | None:
        """Nothing, while the character does not fit."""
        self._held = self._held or self._source.take(most, now)
        if most == 1 and self._held is not None and not str(self._held.content).isascii():
            return None
        piece, self._held = self._held, None
        return piece


class _Losing(Stream):
    """A stream that loses as many pieces as it counts."""

    _lost = 0

    def _delivered(self, taken: Answer, poll: Poll, now: float) -> Answer:
        while self._lost and self.source is not None and not is_end(taken):
            self._lost -= 1
            taken = self.source.take(poll.gettokens, now) or success("")
        return super()._delivered(taken, poll, now)


class NotReadyLoses(_Losing):
    """A stream that loses a piece whenever a poll waited in vain."""

    def _hold_ended(self, poll: Poll, now: float) -> None:
        super()._hold_ended(poll, now)
        self._lost += 1


class LeavingLoses(_Losing):
    """A stream that loses the piece of a poll whose client has gone."""

    def leave(self, poll: Poll, now: float) -> None:
        """Counts it as delivered."""
        super().leave(poll, now)
        self._lost += 1


class RacersShare(Stream):
    """A stream that takes a moment for a piece, and gives it to every poll that came meanwhile."""

    def serve(self, now: float) -> None:
        """Answers in a moment."""
        self._timers.at(now + _MOMENT_S, self._serve_all)

    def _serve_all(self, now: float) -> None:
        if not self._waiting:
            return
        first, *others = self._waiting
        self._waiting = deque([first])
        deliver = first.deliver

        def deliver_to_all(answer: Answer, at: float) -> None:
            deliver(answer, at)
            for other in others:
                if other.timer is not None:
                    other.timer.cancel()
                other.deliver(answer, at)

        first.deliver = deliver_to_all
        super().serve(now)


class RefusalCarriesTokens(Behaviour):
    """Gives the next piece of the open stream in the reply of a poll's refusal."""

    def __init__(self) -> None:
        self._open: Source | None = None

    def source(self, source: Source) -> Source:
        """Remembers the stream's text."""
        self._open = source
        return source

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Adds the piece."""
        is_refused = answer.code in {ErrorCode.MISSING_MESSAGE, ErrorCode.STREAM_CONFLICT} and request.get("key")
        piece = self._open.take(1, 0.0) if is_refused and self._open is not None else None
        if piece is None or isinstance(piece.content, list) or isinstance(answer.content, list):
            return answer
        return Answer(answer.content | {"reply": piece.content["reply"]}, answer.code)


WRONG_HUBS = (
    WrongHub("stream_tail_lost", "NE-STREAM-001", "loses the last piece of a stream", reading(TailLost)),
    WrongHub("stream_piece_repeated", "NE-STREAM-001", "gives one piece twice", reading(PieceRepeated)),
    WrongHub("stream_pieces_swapped", "NE-STREAM-001", "gives the second piece first", reading(PiecesSwapped)),
    WrongHub("stream_never_ends", "NE-STREAM-002", "goes on with dots where the end should be", reading(NeverEnds)),
    WrongHub("stream_end_is_error", "NE-STREAM-002", "ends a stream with an error", reading(EndIsError)),
    WrongHub("nothing_yet_is_the_end", "NE-STREAM-003", "ends when nothing is ready", reading(NothingYetIsTheEnd)),
    WrongHub("gettokens_ignored", "NE-STREAM-004", "gives the whole reply in one piece", reading(AllAtOnce)),
    WrongHub("gettokens_doubled", "NE-STREAM-005", "gives twice as many tokens as asked for", reading(TwiceAsMany)),
    WrongHub("first_count_rules", "NE-STREAM-007", "cuts every piece by the first gettokens", reading(FirstCountRules)),
    WrongHub("characters_cut", "NE-STREAM-008", "cuts an emoji in two", reading(CharactersCut)),
    WrongHub(
        "long_characters_wait", "NE-STREAM-009", "never gives an emoji to gettokens 1", reading(LongCharactersWait)
    ),
    WrongHub(
        "refusal_carries_tokens",
        "NE-STREAM-011",
        "gives text in the reply of a refusal",
        RefusalCarriesTokens,
    ),
    WrongHub("poll_not_held", "NE-STREAM-012", "answers at once when nothing is ready", keeping(long_poll_s=1e-6)),
    WrongHub("not_ready_loses", "NE-STREAM-013", "loses a piece for every 17", of_streams(NotReadyLoses)),
    WrongHub("racers_share", "NE-STREAM-023", "gives racing polls the same piece", of_streams(RacersShare)),
    WrongHub("leaving_loses", "NE-STREAM-024", "loses the piece of a poll that was closed", of_streams(LeavingLoses)),
)
