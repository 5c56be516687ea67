"""The provider port of the hub in another style: a thread for each connection, one request at a time."""

from __future__ import annotations

import json
import math
import re
import select
import socket
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.selftest.another.hub import SERVICE, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "another-key"
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


class GivenUp(Exception):
    """Raised where nobody waits for an answer any more."""


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


class Line(threading.Thread):
    """One connection at the provider port, from its handshake to its end."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext, counter: Counter) -> None:
        super().__init__(daemon=True)
        self.raw, self.context, self.counter = raw, context, counter
        self.bell, self.rope = socket.socketpair()
        self.ticket: Ticket | None = None
        self.buffer = b""
        self.next_ping = math.inf
        self.is_over = False

    def leave(self) -> None:
        """Ends the connection."""
        self.is_over = True
        self.ring()

    def ring(self) -> None:
        """Wakes the connection: there is news."""
        with suppress(OSError):
            self.rope.send(b"!")

    def run(self) -> None:
        """Serves the connection."""
        try:
            self.raw.settimeout(self.counter.limits["login_s"])
            self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.context.wrap_socket(self.raw, server_side=True) as self.tls:
                self.tls.settimeout(0)
                if self.logs_in():
                    self.counter.come(self)
                    self.serve()
                else:
                    self.write(self.counter.manners.refusal)
        except (OSError, GivenUp):
            pass
        finally:
            self.counter.go(self, self.ticket)
            self.raw.close()
            self.rope.close()
            self.bell.close()

    def logs_in(self) -> bool:
        """Whether a right login has come, which is then answered."""
        until = time.monotonic() + self.counter.limits["login_s"]
        text = b""
        while not is_complete(text):
            text += self.read(until)
            if len(text) > self.counter.limits["login_bytes"] or text.strip()[:1] not in (b"{", b""):
                return False
        try:
            login = json.loads(text)
        except ValueError:
            return False
        if (login.get("user"), login.get("key")) != (SERVICE, KEY):
            return False
        self.write(self.counter.manners.greeting)
        self.next_ping = time.monotonic() + self.counter.limits["ping_s"]
        return True

    def serve(self) -> None:
        """Hands requests over, one at a time, for as long as the provider is in charge."""
        while self.counter.line is self:
            self.hear_nothing()
            if time.monotonic() >= self.next_ping:
                self.write(self.counter.manners.ping)
                self.next_ping = time.monotonic() + self.counter.limits["ping_s"]
            self.ticket = self.counter.take(self)
            if self.ticket is None:
                select.select([self.tls, self.bell], [], [], max(self.next_ping - time.monotonic(), 0))
                self.hear_bell()
            else:
                self.write(self.ticket.frame)
                self.bring(self.ticket)
                self.ticket = None

    def bring(self, ticket: Ticket) -> None:
        """Reads the answer to a request, and gives it to whoever waits for it."""
        limit = self.counter.limits["provider_answer_s"]
        try:
            payload = self.answer(time.monotonic() + limit)
        except TimeoutError:
            ticket.finish("There was no answer in time.")
            if self.counter.manners.cuts_off:
                raise
            payload = self.answer(time.monotonic() + limit)  # which nobody will get
        try:
            ticket.finish(self.counter.meaning(payload))
        except Refused as refused:
            ticket.finish(str(refused))

    def answer(self, until: float) -> bytes:
        """The next payload, read by its length."""
        while len(self.buffer) < 8:
            self.buffer += self.read(until)
        digits = self.buffer[:8]
        if (
            not re.fullmatch(rb"[0-9a-fA-F]{8}", digits)
            or int(digits, 16) > self.counter.limits["provider_payload_bytes"]
        ):
            raise GivenUp("that is no length")
        size = 8 + int(digits, 16)
        parts, have = [self.buffer], len(self.buffer)
        self.buffer = b""
        while have < size:
            try:
                parts.append(self.read(until))
            except TimeoutError:
                self.buffer = b"".join(parts)
                raise
            have += len(parts[-1])
        whole = b"".join(parts)
        self.buffer = whole[size:]
        return whole[8:size]

    def hear_nothing(self) -> None:
        """Nobody has asked for anything: whatever comes is the end."""
        if self.buffer.strip():
            raise GivenUp("nobody asked for that")
        self.buffer = b""
        try:
            if not self.tls.recv(65536).isspace():
                raise GivenUp("nobody asked for that")
        except ssl.SSLWantReadError:
            return

    def hear_bell(self) -> None:
        """Somebody rang: this line was replaced, there is a request, or the client of the one in hand has gone."""
        if select.select([self.bell], [], [], 0)[0]:
            self.bell.recv(4096)
        if self.is_over:
            raise GivenUp("the hub closes")
        is_lost = self.ticket is not None and self.ticket.is_gone and self.counter.manners.cuts_off
        if is_lost or (self.ticket is not None and self.counter.line is not self):
            raise GivenUp("nobody waits for that")

    def read(self, until: float) -> bytes:
        """What has come next.

        Raises:
            TimeoutError: nothing came in time.
            GivenUp: nobody waits for it any more.
        """
        while True:
            try:
                data = self.tls.recv(65536)
            except ssl.SSLWantReadError:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError from None
                select.select([self.tls, self.bell], [], [], left)
                self.hear_bell()
                continue
            if not data:
                raise GivenUp("the provider closed")
            self.acknowledge()
            return data

    def write(self, data: bytes) -> None:
        """Sends all of it."""
        self.tls.settimeout(5.0)
        self.tls.sendall(data)
        self.tls.settimeout(0)
        self.acknowledge()

    def acknowledge(self) -> None:
        """Acknowledges what has come at once, so that the rest of an answer does not wait for it."""
        self.tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def is_complete(text: bytes) -> bool:
    """Whether a login ends here, be it right or wrong."""
    outside = re.sub(rb'"(\\.|[^"\\])*("|$)', b"", text, flags=re.DOTALL)
    return b"{" in outside and outside.count(b"{") <= outside.count(b"}")
