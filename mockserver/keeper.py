"""Keeps one hub's state for all its doors: who may touch it now, what time it is, and that its deadlines are met.

Sockets, transports and tests live in threads of their own; the state knows none. Laws:

- The state belongs to whoever holds its keeper: `with keeper as now:`. Nobody waits in there.
- What is due is run before anything else happens, in order and each deadline at its own time. So a hub that nobody
  touched for a minute is the same as one that was run all along, and needs no thread.
- Who sleeps until a deadline, or until somebody else changes the state, leaves an alarm.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mockserver.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.hub import HubState


class Keeper:
    """The one way to a hub's state.

    Args:
        state: the state.
        clock: tells the time; none for a real one.
    """

    def __init__(self, state: HubState, clock: Clock | None = None) -> None:
        self.state = state
        self.is_closed = False
        """Whether the hub is stopped: no door of it lets anybody in."""
        self.next_deadline: float | None = None
        """When the state's next deadline is due, or none; anybody may read it."""
        self.alarms: set[Callable[[], None]] = set()
        """Called, with the keeper held, when the next deadline is another one than before. They must not wait."""
        self.deliveries: set[Callable[[], None]] = set()
        """Called without the keeper held; each returns when its door has delivered what the state had for it."""
        self.clock = clock or Clock()
        self._watches: set[Callable[[], None]] = set()
        self._lock = threading.RLock()
        self._depth = 0
        self._now = self.clock.time()
        self.clock.attach(self)

    def __enter__(self) -> float:
        """Waits for the state, runs what is due, and tells the time; it stands still until the state is given back."""
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._run_until(max(self._now, self.clock.time()))
        return self._now

    def __exit__(self, *exc: object) -> None:
        """Gives the state back."""
        try:
            if self._depth == 1:
                self._sound_alarms()
                for watch in tuple(self._watches):
                    watch()
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

    def catch_up(self) -> None:
        """Runs what is due, and returns when the doors have delivered what came of it."""
        with self:
            self.next_deadline = None  # whoever sleeps until it thinks that it is further away
        for delivered in tuple(self.deliveries):
            delivered()

    def wait_until(self, holds: Callable[[HubState], bool], timeout_s: float) -> bool:
        """Waits, in real time, until the state is as `holds` wants it; false when it is not so in time."""
        seen = threading.Event()

        def watch() -> None:
            if holds(self.state):
                seen.set()

        with self:
            self._watches.add(watch)
        try:
            return seen.wait(timeout_s)
        finally:
            with self:
                self._watches.discard(watch)

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
