"""Text in its time: when each token of a generation is due, and a source that gives none before.

Deadlines are absolute: a token that is late makes no later one late.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.answers import Answer
    from mockserver.state.plan import Pace
    from mockserver.state.sources import Source
    from mockserver.state.timers import Timer, Timers

_DRAW_BYTES = 8
_DRAW_RANGE = float(1 << 8 * _DRAW_BYTES)


class Rhythm:
    """When each token of one generation is due.

    `text` is what the jitter is drawn from beside the pace's seed: the same prompt has the same rhythm.
    """

    def __init__(self, pace: Pace, text: str, began: float) -> None:
        self._first = began + pace.first_token_s
        self._gap = 1 / pace.tokens_per_s
        self._jitter = pace.jitter
        self._draws = blake2b(b"%d " % pace.seed + text.encode("utf-8", "surrogatepass"), digest_size=_DRAW_BYTES)

    def due(self, number: int) -> float:
        """When token `number`, from 0, may be let out."""
        return self._first + (number + self._late(number)) * self._gap

    def ready(self, given: int, most: int, now: float) -> int:
        """How many of the next `most` tokens after the `given` ones are due."""
        count = 0
        while count < most and self.due(given + count) <= now:
            count += 1
        return count

    def _late(self, number: int) -> float:
        """By what share of a gap the token is late."""
        if not self._jitter:
            return 0.0
        draw = self._draws.copy()
        draw.update(b"%d" % number)
        return self._jitter * int.from_bytes(draw.digest(), "big") / _DRAW_RANGE


class PacedSource:
    """Lets another source's tokens out by a rhythm. `changed` is called when the next one is due."""

    def __init__(self, source: Source, rhythm: Rhythm, timers: Timers, changed: Callable[[float], None]) -> None:
        self.forwards = source.forwards
        self._source = source
        self._rhythm = rhythm
        self._timers = timers
        self._changed = changed
        self._given = 0
        self._asked = 0
        self._timer: Timer | None = None

    def take(self, most: int, now: float) -> Answer | None:
        """What is ready of the next tokens, at least one, or None until one is."""
        # What was asked for already is due already.
        ready = self._asked or self._rhythm.ready(self._given, most, now)
        if not ready:
            if self._timer is None:
                self._timer = self._timers.at(self._rhythm.due(self._given), self._one_is_due)
            return None
        piece = self._source.take(ready, now)
        if piece is None:
            self._asked = ready
            return None
        self._asked = 0
        if not piece.code:
            self._given += ready
        return piece

    def stop(self, now: float) -> None:
        """Stops the other source."""
        if self._timer is not None:
            self._timer.cancel()
        self._source.stop(now)

    def _one_is_due(self, now: float) -> None:
        self._timer = None
        self._changed(now)
