"""Where a stream's text comes from when a rule gives it: fixed pieces, tokens with members, a caller's own function."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure, success
from mockserver.state.generations import Refused
from mockserver.state.sources import TokenSource
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.timers import Timer, Timers

logger = logging.getLogger("mockserver")


class MemberedTokens(TokenSource):
    """Tokens whose pieces all carry the same further members, as a provider's do."""

    def __init__(self, tokens: Iterator[str], members: Mapping[str, Any]) -> None:
        super().__init__(tokens)
        self._members = members

    def take(self, most: int, now: float) -> Answer | None:
        """The next tokens and the members."""
        piece = super().take(most, now)
        return Answer({**self._members, **piece.content}) if piece and isinstance(piece.content, dict) else piece


class ItemSource:
    """Fixed pieces, one a poll. An answer among them fails a poll, a number is a pause in seconds before the next.

    A pause begins when the piece before it is given, so that a client that polls late waits the less.
    """

    forwards = True  # not_ready in the list is the stream's own answer, like that of a streaming provider

    def __init__(self, items: Iterable[str | Answer | float], timers: Timers, changed: Callable[[float], None]) -> None:
        self._items = deque(items)
        self._timers = timers
        self._changed = changed
        self._pause: Timer | None = None

    def take(self, most: int, now: float) -> Answer | None:  # noqa: ARG002 - the pieces are fixed
        """The next piece, the end behind the last one, or None during a pause."""
        self._start_pause(now)
        if self._pause is not None:
            return None
        item = self._items.popleft() if self._items else ""
        self._start_pause(now)
        return item if isinstance(item, Answer) else success(str(item))

    def stop(self, now: float) -> None:  # noqa: ARG002 - the same form as the other sources
        """Ends a pause."""
        if self._pause is not None:
            self._pause.cancel()

    def _start_pause(self, now: float) -> None:
        if self._pause is None and self._items and isinstance(self._items[0], float):
            self._pause = self._timers.at(now + self._items[0], self._end_pause)

    def _end_pause(self, now: float) -> None:
        self._items.popleft()
        self._pause = None
        self._start_pause(now)
        if self._pause is None:
            self._changed(now)


def guarded(tokens: Callable[[Generation], Iterable[str]], generation: Generation) -> Iterator[str]:
    """The tokens of a caller's function; empty ones, which would look like an end, are left out.

    Raises:
        Refused: the function failed, or gave something else than text (code 1, with its words).
    """
    try:
        for token in tokens(generation):
            if token != "":
                yield _text(token)
    except Exception as error:
        logger.exception("the model function of a rule failed")
        why = f"The model function of a rule failed: {type(error).__name__}: {error}."
        raise Refused(failure(ErrorCode.INTERNAL_ERROR, why)) from None


def _text(token: object) -> str:
    if not isinstance(token, str):
        raise TypeError(f"a token must be text; it was {token!r}")
    return token
