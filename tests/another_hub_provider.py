"""The hub in another style, with a provider port: a thread for each connection, blocking reads, one request at a time.

Written from the protocol's rules alone, as `another_hub` is, whose HTTP side it shares. `Manners` says in which of the
ways that the protocol allows it differs. It is here to see that the suite, with both ends of it in its hands, takes
none of them for a fault.
"""

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import trustme
from another_hub import SERVICE, Handler, Refused, State, Ways, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "another-key"
OWN = {"error", "field", "retry_after", "seq", "done"}
NOT_HANDED_ON = {"ping", "seq", "key", "gettokens"}
DEFAULTS = {"temperature": 1.0, "top_p": 0.9, "top_k": 40, "min_p": 0, "repetition_penalty": 1.2, "max_new_len": 128}
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
PAGE_BYTES = 4096
GLANCE_S = 0.02


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


class Failed(Exception):
    """Raised with the answer of a provider that failed by itself."""


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
        self.outcome = self.outcome or outcome
        self.done.set()


@dataclass
class Counter:
    """Where requests wait for the provider. Whoever changes it holds its lock."""

    manners: Manners
    limits: dict[str, float]
    waiting: deque[Ticket] = field(default_factory=deque)
    line: Line | None = None
    away_since: float = -math.inf
    accepted: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_away(self) -> bool:
        return self.line is None and time.monotonic() - self.away_since > self.limits["queue_s"]

    def join_queue(self, ticket: Ticket) -> None:
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
        with self.lock:
            return self.waiting.popleft() if self.waiting and line is self.line else None

    def come(self, line: Line) -> None:
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
        self.is_over = True
        self.ring()

    def ring(self) -> None:
        with suppress(OSError):
            self.rope.send(b"!")

    def run(self) -> None:
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
            ticket.finish(meaning(payload))
        except Refused as refused:
            ticket.finish(str(refused))

    def answer(self, until: float) -> bytes:
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
        self.tls.settimeout(5.0)
        self.tls.sendall(data)
        self.tls.settimeout(0)
        self.acknowledge()

    def acknowledge(self) -> None:
        self.tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def is_complete(text: bytes) -> bool:
    """Whether a login ends here, be it right or wrong."""
    outside = re.sub(rb'"(\\.|[^"\\])*("|$)', b"", text, flags=re.DOTALL)
    return b"{" in outside and outside.count(b"{") <= outside.count(b"}")


def meaning(payload: bytes) -> dict[str, Any]:
    """The client's answer out of a provider's."""
    try:
        content = json.loads(payload.decode("utf-8"))
        text = json.dumps(content, ensure_ascii=False)
        content = json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except (ValueError, RecursionError):
        raise Refused("The answer was no JSON.") from None
    if not isinstance(content, dict) or not isinstance(content.get("reply"), str):
        raise Refused("The answer was no answer.")
    code = content.setdefault("errorcode", 0)
    if isinstance(code, bool) or not isinstance(code, int | float) or code != int(code):
        raise Refused("The answer had no code.")
    return {name: value for name, value in content.items() if name not in OWN}


@dataclass
class ProvidedState(State):
    """Answers clients by what a provider says."""

    manners: Manners = field(default_factory=Manners)
    limits: dict[str, float] = field(default_factory=lambda: dict(LIMITS))
    here: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self.counter = Counter(self.manners, self.limits)

    def entry(self) -> dict[str, Any]:
        counter = self.counter
        own = {"connected": counter.line is not None, "numreq": counter.accepted, "queuelen": len(counter.waiting)}
        return super().entry() | own

    def whole(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.success("") | self.ask(request, may_leave=True)

    def tokens(self, request: dict[str, Any]) -> list[str]:
        content = self.ask(request, may_leave=False)
        if content["errorcode"]:
            raise Failed(content)
        return split(content["reply"])

    def piece(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            content = super().piece(request)
        except Failed as failed:
            return dict(failed.args[0])
        if content["reply"] and self.has_left():
            with self.lock:
                stream = self.streams[request["key"]]
                stream.tokens[:0] = split(content["reply"])
        return content

    def ask(self, request: dict[str, Any], *, may_leave: bool) -> dict[str, Any]:
        ticket = Ticket(self.frame(request))
        self.counter.join_queue(ticket)
        while not ticket.done.wait(GLANCE_S):
            ticket.is_gone = may_leave and not self.manners.blind and self.has_left()
            self.counter.look_after(ticket)
        if not isinstance(ticket.outcome, dict):
            raise Refused(str(ticket.outcome))
        return ticket.outcome

    def frame(self, request: dict[str, Any]) -> bytes:
        members = {name: value for name, value in request.items() if name not in NOT_HANDED_ON}
        if "raw" in members:
            members["raw"] = "True" if str(members["raw"]).lower() == "true" else "False"
        if self.manners.complete:
            members = DEFAULTS | {"seed": 0, "raw": "False", "key": ""} | members
        frame = json.dumps(members, ensure_ascii=not self.manners.raw).encode()
        frame += b" \n" if self.manners.padded else b""
        frame += b" " if len(frame) % PAGE_BYTES == 0 else b""
        if len(frame) > self.limits["provider_frame_bytes"]:
            raise Refused("That is too long for those who answer.")
        return frame

    def has_left(self) -> bool:
        """Whether the client of this thread has closed its connection."""
        connection: socket.socket = self.here.connection
        with suppress(OSError):
            return bool(select.select([connection], [], [], 0)[0]) and not connection.recv(1, socket.MSG_PEEK)
        return True


def split(text: str) -> list[str]:
    """The words of a text, each with the white space before it."""
    return re.findall(r"\s*\S+\s*\Z|\s*\S+|\s+", text)


class ProvidedHandler(Handler):
    """One connection of a client."""

    state: ProvidedState

    def do_POST(self) -> None:  # noqa: N802 - the standard library's name
        self.state.here.connection = self.connection
        with suppress(ConnectionError):
            super().do_POST()


class Doors(NamedTuple):
    """Where the hub is: its base URL, the provider port, and the authorities to trust there."""

    url: str
    provider: str
    ca_file: str


@contextmanager
def another_hub_with_providers(
    folder: Path, manners: Manners | None = None, ways: Ways | None = None
) -> Iterator[Doors]:
    """A running hub; `folder` takes its certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(ca_file)
    state = ProvidedState(ways or Ways(), manners=manners or Manners())
    lines: list[Line] = []
    with serving(state, ProvidedHandler) as url, socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    line = Line(listener.accept()[0], context, state.counter)
                    lines.append(line)
                    line.start()

        porter = threading.Thread(target=listen, daemon=True)
        porter.start()
        try:
            yield Doors(url, f"127.0.0.1:{listener.getsockname()[1]}", str(ca_file))
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            porter.join()
            for line in lines:
                line.leave()
                line.join()
