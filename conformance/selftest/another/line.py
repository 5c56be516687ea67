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
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.selftest.another.hub import SERVICE
from conformance.selftest.another.requests import Refused

if TYPE_CHECKING:
    from conformance.selftest.another.counter import Counter, Ticket

KEY = "another-key"


class GivenUp(Exception):
    """Raised where nobody waits for an answer any more."""


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
