"""Where requests to the hub in another style wait for its provider, one at a time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.selftest.another.requests import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.selftest.another.line import Line

LIMITS = {
    "queue_s": 0.8,
    "provider_answer_s": 1.5,
    "login_s": 1.0,
    "ping_s": 0.5,
    "queue_requests": 8,
    "login_bytes": 4096,
    "provider_frame_bytes": 49_151,
    "provider_payload_bytes": 4 * 1024 * 1024,
    "http_body_bytes": 64 * 1024,
}


@dataclass
class Manners:
    """How this hub differs from others at its provider port.

    Args:
        greeting: what says that a login is right; white space around `OK` is allowed. refusal: what is said before a
        refused connection closes. hands_over: the request of a provider that is replaced goes to the new one, once;
        otherwise its client gets an error. cuts_off: a provider that was given up, by time or because its client has
        gone, is cut off; otherwise its late answer is awaited and thrown away. impatient: a request that finds no
        provider is refused at once; otherwise it waits. blind: the hub does not notice that a client has gone. raw:
        frames are raw UTF-8. complete: frames hold every field, at its default where the client left it out, and an
        empty key. padded: every frame ends with white space. ping: the keep-alive.
    """

    greeting: bytes = b"OK"
    refusal: bytes = b"NO"
    hands_over: bool = False
    cuts_off: bool = False
    impatient: bool = False
    blind: bool = False
    raw: bool = False
    complete: bool = False
    padded: bool = False
    ping: bytes = b'{"ping": 1}'


@dataclass
class Ticket:
    """One request at the counter; `outcome` is the provider's answer, or the sentence of an error."""

    frame: bytes
    outcome: dict[str, Any] | str | None = None
    was_handed_over: bool = False
    is_gone: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, outcome: dict[str, Any] | str) -> None:
        """The outcome, unless there is one already."""
        self.outcome = self.outcome or outcome
        self.done.set()


@dataclass
class Counter:
    """Where requests wait for the provider. Whoever changes it holds its lock; `meaning` reads a provider's payload."""

    manners: Manners
    limits: dict[str, float]
    meaning: Callable[[bytes], dict[str, Any]]
    waiting: deque[Ticket] = field(default_factory=deque)
    line: Line | None = None
    away_since: float = -math.inf
    accepted: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_away(self) -> bool:
        """Whether nobody has been there for longer than a request may wait."""
        return self.line is None and time.monotonic() - self.away_since > self.limits["queue_s"]

    def join_queue(self, ticket: Ticket) -> None:
        """Lets a request wait for its turn.

        Raises:
            Refused: nobody will answer it.
        """
        with self.lock:
            if self.is_away or (self.manners.impatient and self.line is None):
                raise Refused("There is nobody who could answer.")
            if len(self.waiting) >= self.limits["queue_requests"]:
                raise Refused("Too many are waiting.")
            self.accepted += 1
            self.waiting.append(ticket)
            if self.line is not None:
                self.line.ring()

    def look_after(self, ticket: Ticket) -> None:
        """Gives up what has waited too long for a provider that does not come back, and what nobody waits for."""
        with self.lock:
            if ticket in self.waiting and (self.is_away or ticket.is_gone):
                self.waiting.remove(ticket)
                ticket.finish("There is nobody who could answer.")
            elif ticket.is_gone and self.line is not None:
                self.line.ring()

    def take(self, line: Line) -> Ticket | None:
        """The next request for the connection of the provider in charge."""
        with self.lock:
            return self.waiting.popleft() if self.waiting and line is self.line else None

    def come(self, line: Line) -> None:
        """A provider has logged in; whoever was there before is sent away."""
        with self.lock:
            before, self.line = self.line, line
            if before is not None:
                before.ring()

    def go(self, line: Line, ticket: Ticket | None) -> None:
        """A provider has gone; what it had in hand may go to the one that took its place."""
        with self.lock:
            if ticket is not None:
                may_move = self.line is not line and self.manners.hands_over and not ticket.was_handed_over
                if may_move and self.line is not None:
                    ticket.was_handed_over = True
                    self.waiting.appendleft(ticket)
                    self.line.ring()
                else:
                    ticket.finish("The one who was to answer has gone.")
            if self.line is line:
                self.line, self.away_since = None, time.monotonic()
