"""One request at a door, from its body to the last step of its answer, on the hub's clock.

A visit plays its answer to the door step by step, each when it is due, in whichever thread holds the hub's keeper then.
The door hands the steps over to its own world; it must neither wait nor call the hub meanwhile.

A whole reply that takes long is kept warm with blanks, which are JSON white space and keep clients waiting that give up
after 20 seconds without a byte; that commits the status to 200.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mockserver.state.answers import failure
from mockserver.state.delivery import Body, End, Head, Wait, delivery
from mockserver.state.plan import NO_PLAN
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mockserver.keeper import Keeper
    from mockserver.state.answers import Answer
    from mockserver.state.delivery import Headers, Step
    from mockserver.state.hub import Exchange
    from mockserver.state.timers import Timer

_BEARER = "bearer "
_JSON = (b"content-type", b"application/json")
_WARM = Body(b" ")


class Visit:
    """One request at a door; `play` is called with each step of its answer."""

    __slots__ = ("_exchange", "_is_warm", "_keeper", "_play", "_state", "_steps", "_timer")

    def __init__(self, keeper: Keeper, play: Callable[[Step], object]) -> None:
        self._keeper = keeper
        self._play = play
        self._state = keeper.state
        self._exchange: Exchange | None = None
        self._is_warm = False
        self._steps: deque[Step] = deque()
        self._timer: Timer | None = None

    def post(self, path: str, headers: Sequence[tuple[bytes, bytes]], body: bytes | None) -> None:
        """Brings a request to the hub, and plays what of its answer is due already.

        Args:
            path: the path, decoded and without a query.
            headers: the headers in their order.
            body: the body; None for one over the limit, of which the door need not read the rest.
        """
        first = {name.lower(): value.decode("latin-1") for name, value in reversed(headers)}
        with self._keeper as now:
            state = self._state = self._keeper.state
            if body is None:
                self._answer(state.too_large(), now)
                return
            exchange = self._exchange = state.post(
                path,
                body,
                now,
                content_type=first.get(b"content-type", ""),
                access_key=_access_key(first.get(b"authorization", "")),
            )
            if exchange.answer is not None:
                self._answer(exchange.answer, now)
            else:
                exchange.answered = self._answered
                self._warm_later(now)

    def refuse_method(self) -> None:
        """Answers a request by another method than POST."""
        with self._keeper:
            body = self._state.behaviour.render(failure(ErrorCode.INVALID_JSON, "The hub takes POST requests only."))
            for step in (Head(405, (*_headers(body), (b"allow", b"POST"))), Body(body), End()):
                self._play(step)

    def leave(self) -> None:
        """The client has gone before the last step; nothing more is played."""
        with self._keeper as now:
            self._steps.clear()
            self._stop_timer()
            if self._exchange is not None:
                self._state.leave(self._exchange, now)

    def _answered(self) -> None:
        if self._exchange is not None and self._exchange.answer is not None:
            self._stop_timer()
            self._answer(self._exchange.answer, self._keeper.now)

    def _answer(self, answer: Answer, now: float) -> None:
        body = self._state.behaviour.render(answer)
        steps = delivery(self._state.status(answer), _headers(body), body, NO_PLAN)
        self._steps += (step for step in steps if not (self._is_warm and isinstance(step, Head)))
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        """Plays on until a wait. It is timed from when the one before it was due: a slow answer keeps its pace."""
        while self._steps:
            step = self._steps.popleft()
            if isinstance(step, Wait):
                self._timer = self._keeper.timers.at(now + step.seconds, self._go_on)
                return
            self._play(step)

    def _warm_later(self, now: float) -> None:
        self._timer = self._keeper.timers.at(now + self._state.limits["keep_warm_s"], self._keep_warm)

    def _keep_warm(self, now: float) -> None:
        if not self._is_warm:
            self._is_warm = True
            self._play(Head(200, (_JSON,)))
        self._play(_WARM)
        self._warm_later(now)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _headers(body: bytes) -> Headers:
    return (_JSON, (b"content-length", b"%d" % len(body)))


def _access_key(authorization: str) -> str | None:
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return None
