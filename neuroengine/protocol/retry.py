"""How long a call may take and when it tries again.

A try that failed is repeated only when its error says so, after a wait that grows and is blurred at random, and never
past the call's deadline. Repeating a request for a whole reply is safe although its answer may only have been lost: it
costs a generation and nothing else. A stream has its own rules on top (see `stream`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from neuroengine.errors import ConfigurationError, HubError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuroengine.errors import NeuroengineError

_SHORTEST_POLL_S: Final = 0.1
"""A hub that has no token ready holds the poll; one that answers at once is asked at most this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds, each above 0.

    Attributes:
        connect_s: for a connection, TLS included.
        answer_s: for the next byte of an answer. A hub that keeps a slow answer warm sends a blank now and then.
        piece_s: for one piece of a stream, with all tries and waits.
        total_s: for a whole call, or a whole stream from its first poll to its end, with all tries and waits.

    Raises:
        ConfigurationError: a time is not above 0, or is infinite.
    """

    connect_s: float = 5.0
    answer_s: float = 20.0
    piece_s: float = 240.0
    total_s: float = 600.0

    def __post_init__(self) -> None:
        for time in fields(self):
            seconds = getattr(self, time.name)
            if not 0 < seconds < math.inf:
                raise ConfigurationError(f"{time.name} must be a number of seconds above 0; it was {seconds!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a failed try is repeated.

    Attributes:
        tries: the most tries in a row without progress, 1 or more.
        first_wait_s: the wait after the first failure, in seconds; it doubles with each further one.
        longest_wait_s: the longest of these waits, in seconds.
        jitter: the share of a wait, 0 to 1, that chance may take off, so that clients do not come back all at once.
        steady: let chance take off from the first wait alone. Those who began to wait at one moment then keep their
            places, spread evenly over a wait, however long it takes until they are let in.
        longest_retry_after_s: a hub that asks for a longer wait, in seconds, is not asked again.

    Raises:
        ConfigurationError: a value is out of range.
    """

    tries: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    jitter: float = 0.25
    steady: bool = False
    longest_retry_after_s: float = 120.0

    def __post_init__(self) -> None:
        if not isinstance(self.tries, int) or self.tries < 1:
            raise ConfigurationError(f"tries must be a whole number, 1 or more; it was {self.tries!r}")
        if not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"jitter must be from 0 to 1; it was {self.jitter!r}")
        for name in ("first_wait_s", "longest_wait_s", "longest_retry_after_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigurationError(
                    f"{name} must be a number of seconds, 0 or more; it was {getattr(self, name)!r}"
                )

    def wait_s(self, failures: int, retry_after: float | None, chance: float) -> float | None:
        """The wait after so many failures in a row, in seconds; None to give up.

        `retry_after` is the hub's own wish in seconds; `chance` is a random number from 0 to 1.
        """
        if failures >= self.tries:
            return None
        jitter = 0.0 if self.steady and failures > 1 else self.jitter
        wait = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 32)) * (1 - jitter * chance)
        if retry_after is None:
            return wait
        return max(wait, retry_after) if retry_after <= self.longest_retry_after_s else None


class Budget:
    """One call's tries and its deadline. It starts with the first try.

    Args:
        retry: when to try again.
        total_s: how many seconds the call may take in all.
        piece_s: how many seconds may pass from one success to the next, not counting the time before its first try.
        clock: tells the time in seconds, from any beginning.
        chance: draws a number from 0 to 1.
        counts_not_ready: whether "not ready" is a failed try as well; otherwise the deadline alone bounds such polls.
    """

    __slots__ = (
        "_chance",
        "_clock",
        "_counts_not_ready",
        "_ends_at",
        "_failures",
        "_piece_ends_at",
        "_piece_s",
        "_retry",
        "_sent_at",
        "_total_s",
    )

    def __init__(
        self,
        retry: Retry,
        total_s: float,
        *,
        piece_s: float = math.inf,
        clock: Callable[[], float],
        chance: Callable[[], float],
        counts_not_ready: bool = False,
    ) -> None:
        self._retry = retry
        self._total_s = total_s
        self._piece_s = piece_s
        self._counts_not_ready = counts_not_ready
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._ends_at = math.inf
        self._piece_ends_at = math.inf
        self._sent_at = -math.inf

    def next_try_s(self) -> float:
        """Notes that a try begins and says how many seconds it may take.

        Raises:
            TimedOut: none are left.
        """
        self._sent_at = self._clock()
        self._ends_at = min(self._ends_at, self._sent_at + self._total_s)
        self._piece_ends_at = min(self._piece_ends_at, self._sent_at + self._piece_s)
        if self._sent_at >= self._ends_at:
            raise TimedOut(f"the call was not done within {self._total_s:g} s", request_sent=False, retryable=False)
        if self._sent_at >= self._piece_ends_at:
            raise TimedOut(f"no piece came within {self._piece_s:g} s", request_sent=False, retryable=False)
        return min(self._ends_at, self._piece_ends_at) - self._sent_at

    def wait_s(self, error: NeuroengineError) -> float | None:
        """Notes that a try failed and says how many seconds to wait before the next; None to give up."""
        if not error.retryable:  # NE-CLI-020
            return None
        now = self._clock()
        if isinstance(error, HubError) and error.retry == "at-once":  # NE-CLI-022
            self._failures += self._counts_not_ready
            return max(0.0, self._sent_at + _SHORTEST_POLL_S - now) if self._failures < self._retry.tries else None
        self._failures += 1
        wait = self._retry.wait_s(self._failures, error.retry_after, self._chance())
        return None if wait is None or now + wait >= min(self._ends_at, self._piece_ends_at) else wait

    def progress(self) -> None:
        """Notes that a try succeeded: the next failure is a first one again, and the next piece has its whole time."""
        self._failures = 0
        self._piece_ends_at = math.inf
