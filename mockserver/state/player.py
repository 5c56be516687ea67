"""Plays one exchange to its client, for whichever door the client came through.

A reply that takes long is kept warm with blanks, which are JSON white space and keep clients waiting that give up
after 20 seconds without a byte; that commits the status to 200. An answer that something befalls on the wire is not
kept warm: nothing comes before what befalls it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mockserver.state.delivery import JSON_TYPE, Body, Close, Head, Step
from mockserver.state.lane import Lane
from mockserver.state.plan import Leg

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.delivery import Steps
    from mockserver.state.hub import Exchange
    from mockserver.state.timers import Timer, Timers

_BLANK = Body(b" ")
_WARM_STATUS = 200


class Player:
    """One exchange while a door plays it. `put` is given every step but waits, in its time, until a last one.

    `steps` makes the answer's steps once there is an answer; `wait_for_blank` gives the seconds until the next blank
    by the number of those before it.
    """

    def __init__(
        self,
        exchange: Exchange,
        put: Callable[[Step], object],
        timers: Timers,
        wait_for_blank: Callable[[int], float],
        steps: Callable[[], Steps],
    ) -> None:
        self._put = put
        self._timers = timers
        self._wait_for_blank = wait_for_blank
        self._blanks = 0
        self._steps = steps
        self._exchange = exchange
        self._plan = exchange.plan
        self._is_warm = False
        self._timer: Timer | None = None
        self._lane: Lane | None = None
        exchange.answered = self._answered

    def start(self, now: float, *, is_answered: bool) -> None:
        """Begins: with the answer if there is one, else with the wait for it."""
        if is_answered:
            self._answered()
        elif not any(fault.on_wire for fault in self._plan.on(Leg.HUB_TO_CLIENT)):
            self._warm_at(now)

    def stop(self) -> None:
        """Plays no more: the client has left, or has everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self._lane is not None:
            self._lane.stop()

    def cut(self) -> None:
        """Ends the connection of a client that still waits for steps, because the hub stops."""
        if self._lane is not None:
            self.stop()
            self._put(Close())

    def _answered(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        steps = self._steps()
        if self._is_warm:
            steps = [step for step in steps if not isinstance(step, Head)]
        if not self._plan.faults:
            for step in steps:
                self._put(step)
            return
        # What is to come has times of its own, and an answer does not tell what time it is: the next timer does.
        self._lane = Lane(steps, self._timers, lambda step, _: self._put(step))
        self._timers.at(-math.inf, self._lane.start)

    def _warm_at(self, last: float) -> None:
        due = last + self._wait_for_blank(self._blanks)
        self._timer = self._timers.at(due, lambda _: self._keep_warm(due))

    def _keep_warm(self, due: float) -> None:
        if not self._is_warm:
            self._is_warm = True
            self._exchange.status = _WARM_STATUS
            self._put(Head(_WARM_STATUS, (JSON_TYPE, *self._exchange.headers)))
        self._put(_BLANK)
        self._blanks += 1
        self._warm_at(due)
