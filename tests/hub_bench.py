"""A hub's state on the bench: fake wires, and a clock that a test steps by hand. No sockets, no sleeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver import ServiceSettings
from mockserver.state.framing import LOGIN_ACCEPTED, PING
from mockserver.state.hub import Exchange, HubState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.state.links import Link

SERVICE = "MYGPT"
KEY = "DEMOKEY"
START = 1000.0
"""When a bench's clock starts, in seconds."""


def payload(content: object) -> bytes:
    """A provider's answer as deployed ones write it: 8 hex digits, then JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return b"%08X" % len(data) + data


class Provider:
    """A provider's end of a link: what it was sent, and what it sends."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.writes: list[bytes] = []
        self.is_closed = False
        self.link: Link = bench.state.connect(self, bench.now)

    # -- the wire, as the link sees it

    def write(self, data: bytes) -> None:
        assert not self.is_closed, f"written behind the close: {data!r}"
        assert data, "an empty write"
        self.writes.append(data)

    def close(self) -> None:
        self.is_closed = True

    def reset(self) -> None:
        self.is_closed = True

    # -- the provider's program

    def send(self, *chunks: bytes) -> None:
        """Sends bytes, one write a chunk; a closed connection takes none."""
        for chunk in chunks:
            if not self.is_closed:
                self.link.receive(chunk, self._bench.now)

    def login(self, service: str = SERVICE, key: object = KEY, **more: object) -> Provider:
        self.send(json.dumps({"user": service, "key": key, **more}).encode())
        return self

    def answer(self, content: object) -> None:
        self.send(payload(content))

    def drop(self) -> None:
        """The connection ends, whoever closed it."""
        self._bench.state.disconnect(self.link, self._bench.now)

    @property
    def is_logged_in(self) -> bool:
        return self.writes[:1] == [LOGIN_ACCEPTED]

    @property
    def frames(self) -> list[bytes]:
        """Everything after the `OK`."""
        assert self.is_logged_in, self.writes
        return self.writes[1:]

    @property
    def pings(self) -> int:
        return self.frames.count(PING)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests that it was sent, oldest first."""
        return [json.loads(frame) for frame in self.frames if frame != PING]

    @property
    def messages(self) -> list[str]:
        return [request["message"] for request in self.requests]


class Bench:
    """A hub's state with its clock. A service of another kind than the plain one is given as settings."""

    def __init__(self, *services: ServiceSettings, **limits: float) -> None:
        rows = services or (ServiceSettings(SERVICE, KEY),)
        self.now = START
        self.state = HubState(rows, limits=limits)

    def advance(self, seconds: float) -> None:
        """Lets time pass, and everything that falls due run at its own time."""
        end = self.now + seconds
        while (due := self.state.timers.next()) is not None and due <= end:
            self.now = max(self.now, due)
            self.state.timers.run(self.now)
        self.now = end

    def provider(self, service: str = SERVICE, key: str = KEY, **more: object) -> Provider:
        """A provider that has logged in."""
        provider = Provider(self).login(service, key, **more)
        assert provider.is_logged_in
        return provider

    def stranger(self) -> Provider:
        """A connection that has said nothing yet."""
        return Provider(self)

    def post(self, request: object, path: str = f"/{SERVICE}", access_key: str | None = None) -> Exchange:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.state.post(path, body, self.now, access_key=access_key)

    def ask(self, message: str = "hi", **fields: object) -> Exchange:
        return self.post({"message": message, **fields})

    def leave(self, exchange: Exchange) -> None:
        self.state.leave(exchange, self.now)

    def entry(self, service: str = SERVICE) -> dict[str, Any]:
        """A service's row of the model list."""
        rows = self.post({"command": "getmodels"}).answer
        assert rows is not None
        assert isinstance(rows.content, list)
        return next(row for row in rows.content if row["name"] == service)


def content(exchange: Exchange) -> dict[str, Any]:
    """An exchange's answer, as the client reads it."""
    assert exchange.answer is not None, "no answer yet"
    shown = json.loads(json.dumps(exchange.answer.content, allow_nan=False))
    assert isinstance(shown, dict)
    assert isinstance(shown["reply"], str)
    assert type(shown["errorcode"]) is int
    assert shown["errorcode"] == exchange.answer.code
    return shown


def code(exchange: Exchange) -> int:
    number: int = content(exchange)["errorcode"]
    return number


def reply(exchange: Exchange) -> str:
    """A successful answer's reply."""
    shown = content(exchange)
    assert shown["errorcode"] == 0, shown
    text: str = shown["reply"]
    return text


def waits(exchange: Exchange) -> bool:
    return exchange.answer is None


def codes(exchanges: Sequence[Exchange]) -> list[int]:
    return [code(exchange) for exchange in exchanges]


def poll(bench: Bench, message: str = "go", **fields: object) -> Exchange:
    return bench.ask(message, **{"key": "key1234", "gettokens": 1, **fields})


def flowing(**limits: float) -> Bench:
    """A bench whose stream has delivered its first piece, `a`; ` b` and ` c` are to come."""
    bench = Bench(**limits)
    provider = bench.provider()
    first = poll(bench)
    provider.answer({"reply": "a b c"})
    assert reply(first) == "a"
    return bench


def ended(**limits: float) -> Bench:
    bench = flowing(**limits)
    assert [reply(poll(bench)) for _ in range(3)] == [" b", " c", ""]
    return bench


def broken(**limits: float) -> Bench:
    """A bench whose streaming provider gave a piece and then its own failure."""
    bench = Bench(**limits)
    provider = bench.provider(streaming=True)
    for answer in ({"reply": "a"}, {"reply": "no", "errorcode": 4711}):
        asked = poll(bench)
        provider.answer(answer)
        assert content(asked) == {"errorcode": 0} | answer
    return bench
