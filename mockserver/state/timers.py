"""Deadlines without a clock: callers say what time it is, and callbacks run when their time has come."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_FEW = 64
"""So many cancelled timers are not worth the work of taking them out."""


class Timer:
    """One deadline. `cancel` makes it never run."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[float], None]) -> None:
        self.callback: Callable[[float], None] | None = callback

    def cancel(self) -> None:
        """Makes the timer never run."""
        self.callback = None


class Timers:
    """A heap of deadlines, in seconds of the caller's clock.

    Most are cancelled long before they are due; whenever the heap has doubled, those are taken out.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._room = _FEW

    def at(self, when: float, callback: Callable[[float], None]) -> Timer:
        """Runs `callback(now)` at the first `run` that is not before `when`."""
        timer = Timer(callback)
        if len(self._heap) >= self._room:
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._room = 2 * len(self._heap) + _FEW
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def next(self) -> float | None:
        """When the next timer is due, or none."""
        while self._heap and self._heap[0][2].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Runs all that is due, in the order of the deadlines."""
        while (when := self.next()) is not None and when <= now:
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback(now)
