"""The hub in another style, with a provider port: clients are answered by what its provider says.

Written from the protocol's rules alone; its HTTP side is that of `hub`. `Manners` says in which of the ways that the
protocol allows it differs.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.selftest.another.counter import LIMITS, Counter, Manners, Ticket
from conformance.selftest.another.hub import Handler, State, Ways, serving
from conformance.selftest.another.line import Line
from conformance.selftest.another.requests import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.selftest.another.hub import Certificate

OWN = {"error", "field", "retry_after", "seq", "done"}
NOT_HANDED_ON = {"ping", "seq", "key", "gettokens"}
DEFAULTS = {"temperature": 1.0, "top_p": 0.9, "top_k": 40, "min_p": 0, "repetition_penalty": 1.2, "max_new_len": 128}
PAGE_BYTES = 4096
GLANCE_S = 0.02


class Failed(Exception):
    """Raised with the answer of a provider that failed by itself."""


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
        self.counter = Counter(self.manners, self.limits, meaning)

    def entry(self) -> dict[str, Any]:
        """The service's entry, by what goes on at the counter."""
        counter = self.counter
        own = {"connected": counter.line is not None, "numreq": counter.accepted, "queuelen": len(counter.waiting)}
        return super().entry() | own

    def whole(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the provider answers."""
        return self.success("") | self.ask(request, may_leave=True)

    def tokens(self, request: dict[str, Any]) -> list[str]:
        """The provider's reply, word by word."""
        content = self.ask(request, may_leave=False)
        if content["errorcode"]:
            raise Failed(content)
        return split(content["reply"])

    def piece(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a poll gets; the client who has left before is given the same again."""
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
        """Asks the provider."""
        ticket = Ticket(self.frame(request))
        self.counter.join_queue(ticket)
        while not ticket.done.wait(GLANCE_S):
            ticket.is_gone = may_leave and not self.manners.blind and self.has_left()
            self.counter.look_after(ticket)
        if not isinstance(ticket.outcome, dict):
            raise Refused(str(ticket.outcome))
        return ticket.outcome

    def frame(self, request: dict[str, Any]) -> bytes:
        """The request as the provider gets it."""
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
        """Answers a request, if its client is still there."""
        self.state.here.connection = self.connection
        with suppress(ConnectionError):
            super().do_POST()


class Doors(NamedTuple):
    """Where the hub is: its base URL, and its provider port."""

    url: str
    provider: str


@contextmanager
def another_hub_with_providers(
    certificate: Certificate, manners: Manners | None = None, ways: Ways | None = None
) -> Iterator[Doors]:
    """A running hub."""
    state = ProvidedState(ways or Ways(), manners=manners or Manners())
    lines: list[Line] = []
    with serving(state, ProvidedHandler) as url, socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    line = Line(listener.accept()[0], certificate.context, state.counter)
                    lines.append(line)
                    line.start()

        porter = threading.Thread(target=listen, daemon=True)
        porter.start()
        try:
            yield Doors(url, f"127.0.0.1:{listener.getsockname()[1]}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            porter.join()
            for line in lines:
                line.leave()
                line.join()
