"""Plays steps on one leg: each in its time, and with the bytes that arrive there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mockserver.state.delivery import Again, Body, Close, Flood, Hold, Reset, Step, Take, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mockserver.state.timers import Timer, Timers


class Lane:
    """Plays `steps`; what comes of them goes to `out`, waits excepted.

    Bytes that come of several steps at the same moment are one `Body`. Behind the last step everything that arrives is
    let through, behind `Close`, `Reset` or `Hold` nothing.
    """

    def __init__(self, steps: Iterable[Step], timers: Timers, out: Callable[[Step, float], object]) -> None:
        self._steps = deque(steps)
        self._timers = timers
        self._out = out
        self._arrived = bytearray()
        self._taken = bytearray()
        self._ready = bytearray()
        self._is_whole = False
        self._is_shut = False
        self._timer: Timer | None = None

    def start(self, now: float) -> None:
        """Plays what does not have to wait."""
        self._play(now)

    def feed(self, data: bytes, now: float, *, is_whole: bool) -> None:
        """Takes bytes that arrived; `is_whole` tells that they are the last that belong together."""
        self._arrived += data
        self._is_whole = self._is_whole or is_whole
        if self._timer is None:
            self._play(now)

    def stop(self) -> None:
        """Plays no more."""
        self._is_shut = True
        if self._timer is not None:
            self._timer.cancel()

    def cut(self, now: float) -> None:
        """Ends the connection, whatever was still to come."""
        if not self._is_shut:
            self.stop()
            self._out(Close(), now)

    def _play(self, now: float) -> None:
        if self._is_shut:
            return
        while self._steps and not self._is_shut:
            step = self._steps[0]
            if isinstance(step, Take):
                if not self._take(step, now):
                    break
                continue
            self._steps.popleft()
            if isinstance(step, Body):
                self._ready += step.data
            elif isinstance(step, Again):
                self._ready += self._taken
            elif isinstance(step, Wait):
                self._pause(step.seconds, now)
                break
            else:
                self._flush(now)
                self._is_shut = isinstance(step, Close | Reset | Hold | Flood)
                self._out(step, now)
        if not self._steps and self._timer is None and not self._is_shut:
            self._ready += self._arrived
            self._arrived.clear()
        self._flush(now)

    def _take(self, step: Take, now: float) -> bool:
        """Plays the `Take` in front as far as there is something to take; tells whether the next step may come."""
        size = int(min(step.count, step.size, len(self._arrived)))
        if not step.lose:
            self._taken += self._arrived[:size]
            self._ready += self._arrived[:size]
        del self._arrived[:size]
        left = step.count - size
        if left == 0 or (self._is_whole and not self._arrived):
            self._steps.popleft()
            return True
        self._steps[0] = Take(left, step.size, step.every_s, step.lose)
        if size and step.every_s:
            self._pause(step.every_s, now)
        return bool(self._arrived) and self._timer is None

    def _pause(self, seconds: float, now: float) -> None:
        self._timer = self._timers.at(now + seconds, lambda _: self._resume(now + seconds))

    def _resume(self, due: float) -> None:
        """Goes on as if it were on time, so that lateness does not add up."""
        self._timer = None
        self._play(due)

    def _flush(self, now: float) -> None:
        if self._ready:
            data = bytes(self._ready)
            self._ready.clear()
            self._out(Body(data), now)
