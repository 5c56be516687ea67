"""One request on its way to a provider, and the answer on its way back, where something befalls them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mockserver.state.delivery import Body, Close, Reset
from mockserver.state.framing import answer_length
from mockserver.state.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.delivery import Step, Steps
    from mockserver.state.links import Wire
    from mockserver.state.timers import Timers


class Crossing:
    """Stands between a link and its wire while one request is out.

    `there` are the steps of the request, `back` those of the answer's bytes. `receive` is given what is left of these;
    `close` is called when the connection breaks. All that happens from `start` on happens in a timer: a link must not
    break before it has sent.
    """

    def __init__(
        self,
        there: Steps,
        back: Steps,
        wire: Wire,
        timers: Timers,
        receive: Callable[[bytes, float], None],
        close: Callable[[float], None],
    ) -> None:
        self._wire = wire
        self._receive = receive
        self._close = close
        self._there = Lane(there, timers, self._send)
        self._back = Lane(back, timers, self._let_through)
        self._come = bytearray()
        for lane in (self._there, self._back):
            timers.at(-math.inf, lane.start)

    def feed(self, data: bytes, now: float) -> None:
        """Takes bytes from the provider."""
        self._come += data
        length = answer_length(self._come)
        self._back.feed(data, now, is_whole=length is not None and len(self._come) >= length)

    def stop(self) -> None:
        """Plays no more: the connection is over."""
        self._there.stop()
        self._back.stop()

    def _send(self, step: Step, now: float) -> None:
        if isinstance(step, Body):
            self._wire.write(step.data)
        else:
            self._end(step, now)

    def _let_through(self, step: Step, now: float) -> None:
        if isinstance(step, Body):
            self._receive(step.data, now)
        else:
            self._end(step, now)

    def _end(self, step: Step, now: float) -> None:
        if isinstance(step, Reset):
            self._wire.reset()
        if isinstance(step, Close | Reset):
            self._close(now)
