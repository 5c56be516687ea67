"""Keeps one hub's state for all its doors: who may touch it now, what time it is, and that its deadlines are met.

Sockets, transports and tests live in threads of their own; the state knows none. Laws:

- The state belongs to whoever holds its keeper: `with keeper as now:`. Nobody waits in there.
- What is due is run before anything else happens, in order and each deadline at its own time. So a hub that nobody
  touched for a minute is the same as one that was run all along, and needs no thread.
- Who sleeps until a deadline, or until somebody else changes the state, leaves an alarm.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from mockserver.state.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.clock import Clock
    from mockserver.state.hub import HubState


class Keeper:
    """The one way to a hub's state.

    Args:
        state: the state.
        clock: tells the time.
    """

    def __init__(self, state: HubState, clock: Clock) -> None:
        self.state = state
        self.timers = Timers()
        """The doors' own deadlines, on the same clock; a new state leaves them alone."""
        self.clock = clock
        self.now = self.clock.time()
        """The time at which the state is, for whoever holds it."""
        self.is_closed = False
        """Whether the hub is stopped: no door of it lets anybody in."""
        self.next_deadline: float | None = None
        """When the next deadline of the state or a door is due, or none; anybody may read it."""
        self.alarms: set[Callable[[], object]] = set()
        """Called, with the keeper held, when the next deadline is another one than before. They must not wait."""
        self.deliveries: set[Callable[[], None]] = set()
        """Called without the keeper held; each returns when its door has delivered what the state had for it."""
        self._watches: set[Callable[[], None]] = set()
        self._lock = threading.RLock()
        self._depth = 0
        self.clock.attach(self)

    def __enter__(self) -> float:
        """Waits for the state, runs what is due, and tells the time; it stands still until the state is given back."""
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            try:
                self._run_until(max(self.now, self.clock.time()))
            except BaseException:
                self.__exit__()
                raise
        return self.now

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

    def replace(self, state: HubState, clock: Clock) -> None:
        """Puts a new state in place of the old one, which answers everything that waits and closes its links."""
        with self as now:
            before, self.state = self.state, state
            before.stop(now)
            self.is_closed = False
            if clock is not self.clock:
                self.clock.detach(self)
                self.clock = clock
                self.clock.attach(self)
                self.now = clock.time()
            self.next_deadline = None  # whoever sleeps until it has to look at the clock again

    def close(self) -> None:
        """Stops the hub: what waits is answered, every link is closed."""
        with self as now:
            if not self.is_closed:
                self.is_closed = True
                self.state.stop(now)

    def pause_s(self) -> float | None:
        """How many real seconds somebody may sleep who wants to meet the next deadline; None is for ever."""
        when = self.next_deadline  # which may change meanwhile
        pause = math.inf if when is None else self.clock.real_s(when)
        return None if pause == math.inf else pause

    def catch_up(self) -> None:
        """Runs what is due, and returns when the doors have delivered what came of it."""
        with self:
            self.next_deadline = None  # whoever sleeps until it thinks that it is further away
        for delivered in tuple(self.deliveries):
            delivered()

    def leap(self) -> bool:
        """Advances the clock to the next deadline, for somebody who would have to sleep; tells if there is one."""
        when = self.next_deadline
        if when is not None:
            self.clock.advance(max(0.0, when - self.clock.time()))
        return when is not None

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
        while (when := self._next_deadline()) is not None and when <= now:
            self.now = max(self.now, when)
            self.state.timers.run(self.now)
            self.timers.run(self.now)
        self.now = now

    def _next_deadline(self) -> float | None:
        state, doors = self.state.timers.next(), self.timers.next()
        if state is None or doors is None:
            return doors if state is None else state
        return min(state, doors)

    def _sound_alarms(self) -> None:
        when = self._next_deadline()
        if when != self.next_deadline:
            self.next_deadline = when
            for alarm in tuple(self.alarms):
                alarm()
