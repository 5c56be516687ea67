"""The hub's clock: real, scaled, stepped by hand, or leaping. Every time of a hub is on it: limits, pace, faults.

A clock begins at 0 when it is made. Whatever its scale, it can be advanced: then all that falls due meanwhile happens
in order, each thing at its own time, in next to no real time.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.keeper import Keeper

LATEST_S: Final = 1e12
"""The last time that a clock shows, in seconds: so late that nobody comes there, and a double still tells ms apart."""

LARGEST_SCALE: Final = 1e9
"""How fast a clock may run: more would be at the end of its time before anybody looked."""

_LONGEST_SLEEP_S: Final = 1e9
"""The most real seconds that anybody is told to sleep; who wakes too early looks at the clock again."""


class Clock:
    """A clock that hubs go by.

    Args:
        scale: how many of the hub's seconds pass in a real one; with 0 the clock stands still until it is advanced.
        leaps: whether a client in this process that would have to wait lets the clock leap to what comes next instead,
            so that a test in one thread never waits. Clients that come through a socket do not.

    Raises:
        ValueError: the scale is negative or above `LARGEST_SCALE`.
    """

    def __init__(self, *, scale: float = 1.0, leaps: bool = False) -> None:
        _check_scale(scale)
        self.leaps = leaps
        self._course = (scale, monotonic(), 0.0)
        """The scale, and since when by the machine's clock from which time of this one; any thread reads all three."""
        self._lock = threading.Lock()
        self._sleepers: set[Callable[[], object]] = set()
        self._keepers: WeakSet[Keeper] = WeakSet()

    @classmethod
    def stepped(cls) -> Self:
        """A clock that stands still until it is advanced."""
        return cls(scale=0)

    @classmethod
    def leaping(cls) -> Self:
        """A clock that stands still until a client in this process waits, and then leaps; it can be advanced too."""
        return cls(scale=0, leaps=True)

    def __repr__(self) -> str:
        """The scale and the time."""
        return f"Clock(scale={self.scale:g}) at {self.time():.3f} s"

    @property
    def scale(self) -> float:
        """How many of the hub's seconds pass in a real one; it may be set while hubs go by the clock.

        Raises:
            ValueError: it is set to a number that is negative or above `LARGEST_SCALE`.
        """
        return self._course[0]

    @scale.setter
    def scale(self, scale: float) -> None:
        _check_scale(scale)
        with self._lock:
            self._course = (scale, monotonic(), self.time())
        self._wake()

    def time(self) -> float:
        """What time it is, in seconds since the clock began."""
        scale, since, then = self._course
        return min((monotonic() - since) * scale + then, LATEST_S)

    def real_s(self, when: float) -> float:
        """How many real seconds it takes until the clock shows `when`: 0 if it has, infinitely many if it stands."""
        scale, left = self.scale, when - self.time()
        if left <= 0:
            return 0.0
        return min(left / scale, _LONGEST_SLEEP_S) if scale else math.inf

    def advance(self, seconds: float) -> None:
        """Lets time pass at once, and returns when everything that fell due meanwhile is delivered.

        Any thread may call it, also one that runs an event loop: nothing of the caller's is waited for. A request that
        is still on its way to the hub comes after the leap; `MockHub.until_waiting` tells when it is there.

        Args:
            seconds: how far, in the hub's seconds.

        Raises:
            ValueError: `seconds` is negative or not finite, or would lead behind `LATEST_S`.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"time goes on by a finite number of seconds from 0; it was {seconds}")
        with self._lock:
            if (now := self.time()) + seconds > LATEST_S:
                raise ValueError(f"a clock ends at {LATEST_S:g} s; it cannot go on by {seconds:g} s at {now:g} s")
            scale, since, then = self._course
            self._course = (scale, since, then + seconds)
        self._wake()

    def _wake(self) -> None:
        """Lets everybody who waits for a time look at the clock again; what is due is delivered when it returns."""
        with self._lock:
            keepers, sleepers = list(self._keepers), list(self._sleepers)
        for wake in sleepers:
            wake()
        for keeper in keepers:
            keeper.catch_up()

    def sleep(self, seconds: float) -> None:
        """Returns when the clock has gone on by so many seconds: what `time.sleep` is to real time."""
        if self.leaps:
            self.advance(seconds)
            return
        until, advanced = self.time() + seconds, threading.Event()
        with self._woken_by(advanced.set):
            while pause := self.real_s(until):
                advanced.wait(None if pause == math.inf else pause)
                advanced.clear()

    async def sleep_async(self, seconds: float) -> None:
        """Returns when the clock has gone on by so many seconds: what `asyncio.sleep` is to real time."""
        import asyncio  # here, because hubs without tasks do without it

        from mockserver.waker import waker

        if self.leaps:
            self.advance(seconds)
            return
        until, advanced = self.time() + seconds, asyncio.Event()
        with self._woken_by(waker(advanced)):
            while pause := self.real_s(until):
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if pause == math.inf else pause):
                        await advanced.wait()
                advanced.clear()

    @contextmanager
    def _woken_by(self, wake: Callable[[], object]) -> Iterator[None]:
        """Has `wake` called whenever the clock is advanced."""
        with self._lock:
            self._sleepers.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._sleepers.discard(wake)

    def attach(self, keeper: Keeper) -> None:
        """Makes `advance` move this hub too; it is forgotten when nobody else holds it."""
        with self._lock:
            self._keepers.add(keeper)

    def detach(self, keeper: Keeper) -> None:
        """Leaves this hub alone from now on: it goes by another clock."""
        with self._lock:
            self._keepers.discard(keeper)


def _check_scale(scale: float) -> None:
    if not 0 <= scale <= LARGEST_SCALE:
        raise ValueError(f"a clock's `scale` must be a finite number from 0 to {LARGEST_SCALE:g}; it was {scale}")
