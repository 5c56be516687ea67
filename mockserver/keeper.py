"""Keeps one hub's state for all its doors: who may touch it now, what time it is, and that its deadlines are met.

Sockets, transports and tests live in threads of their own; the state knows none. Laws:

- The state belongs to whoever holds its keeper: `with keeper as now:`. Nobody waits in there.
- What is due is run before anything else happens, in order and each deadline at its own time. So a hub that nobody
  touched for a minute is the same as one that was run all along, and needs no thread.
- Who sleeps until a deadline, or until somebody else changes the state, leaves an alarm.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.hub import HubState


class Keeper:
    """The one way to a hub's state.

    Args:
        state: the state.
        clock: tells the time, in seconds.
    """

    def __init__(self, state: HubState, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = state
        self.is_closed = False
        """Whether the hub is stopped: no door of it lets anybody in."""
        self.next_deadline: float | None = None
        """When the state's next deadline is due, or none; anybody may read it."""
        self.alarms: set[Callable[[], None]] = set()
        """Called, with the keeper held, when the next deadline is another one than before. They must not wait."""
        self._clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        self._now = clock()

    def __enter__(self) -> float:
        """Waits for the state, runs what is due, and tells the time; it stands still until the state is given back."""
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._run_until(max(self._now, self._clock()))
        return self._now

    def __exit__(self, *exc: object) -> None:
        """Gives the state back."""
        try:
            if self._depth == 1:
                self._sound_alarms()
        finally:
            self._depth -= 1
            self._lock.release()

    def replace(self, state: HubState) -> None:
        """Puts a new state in place of the old one, which answers everything that waits and closes its links."""
        with self as now:
            before, self.state = self.state, state
            before.stop(now)
            self.is_closed = False

    def close(self) -> None:
        """Stops the hub: what waits is answered, every link is closed."""
        with self as now:
            if not self.is_closed:
                self.is_closed = True
                self.state.stop(now)

    def _run_until(self, now: float) -> None:
        timers = self.state.timers
        while (when := timers.next()) is not None and when <= now:
            self._now = max(self._now, when)
            timers.run(self._now)
        self._now = now

    def _sound_alarms(self) -> None:
        when = self.state.timers.next()
        if when != self.next_deadline:
            self.next_deadline = when
            for alarm in tuple(self.alarms):
                alarm()
