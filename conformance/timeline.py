"""What happened in one run of a check, on both legs of the hub and in order: the wire log that a breach is shown with.

It is written by several threads: those of requests that run at the same time, and those that read provider links.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from conformance.exchange import Request

Leg = Literal["client", "provider"]
STEPS_KEPT: Final = 2_000
"""The most steps that are remembered; a check that takes more loses the oldest."""


class Step(NamedTuple):
    """One thing that happened.

    `at` is in seconds since the check began. `who` numbers the requests of the client's leg and the links of the
    provider's, each from 1; 0 is the suite itself. `what` is, on the client's leg, one of `post`, `answer`, `trouble`
    and `leave` (the client closed its connection); on the provider's one of `login` (the check was given a link on
    which the suite is logged in), `connect`, `send`, `receive`, `closed` (by the hub), `close` and `abort` (without
    close-notify); `pause` on either. `data` is what was sent or came; `request` is what was posted.
    """

    at: float
    leg: Leg
    who: int
    what: str
    data: bytes = b""
    request: Request | None = None


class Timeline:
    """The steps of the check that runs now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: set[int] = set()
        self.begin()

    def begin(self) -> None:
        """Forgets everything: a check begins."""
        with self._lock:
            self._began = time.monotonic()
            self._steps: deque[Step] = deque(maxlen=STEPS_KEPT)
            self._numbers = {"client": count(1), "provider": count(1)}

    def begin_example(self) -> None:
        """Forgets what came of another example of the check; the links that it holds are still there."""
        with self._lock:
            given = [step for step in self._steps if step.what == "login" and step.who in self._given]
            self._began = time.monotonic()
            self._steps = deque([step._replace(at=0.0) for step in given], maxlen=STEPS_KEPT)
            self._numbers["client"] = count(1)

    def number(self, leg: Leg) -> int:
        """The next number for a request or a link."""
        with self._lock:
            return next(self._numbers[leg])

    def give(self, link: int) -> None:
        """The check holds a link on which the suite is logged in."""
        with self._lock:
            self._given.add(link)

    def take_back(self, link: int) -> None:
        """The check holds a link no more: examples that follow know nothing of it."""
        with self._lock:
            self._given.discard(link)

    def note(self, leg: Leg, who: int, what: str, data: bytes = b"", request: Request | None = None) -> None:
        """Adds a step."""
        with self._lock:
            self._steps.append(Step(time.monotonic() - self._began, leg, who, what, data, request))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far, in their order."""
        with self._lock:
            return tuple(self._steps)
