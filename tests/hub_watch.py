"""A hub that is watched from outside: clients over HTTP, providers over TLS by hand, and nothing of its inside.

An observation is one requirement's sentence, seen: a function that has a world and says whether the requirement holds
in it. It waits for events; what never comes is a `TimeoutError`.
"""

from __future__ import annotations

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from record_provider import RecordProvider

from mockserver import MockHub, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SERVICE, KEY = "MYGPT", "DEMOKEY-4a1f"
SERVICES: Final = (ServiceSettings(SERVICE, KEY),)

Json = dict[str, Any]
T = TypeVar("T")


class World:
    """A running hub with its clients and providers. Nothing is waited for longer than `deadline_s`."""

    def __init__(self, limits: Mapping[str, float], wrong: str | None, deadline_s: float) -> None:
        self._hub = MockHub(SERVICES, tls=False, limits=limits, wrong=wrong)
        self._deadline_s = deadline_s
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Starts the hub."""
        self._clients = self._stack.enter_context(ThreadPoolExecutor(8))
        self._stack.enter_context(self._hub)
        return self

    def __exit__(self, *exc: object) -> None:
        """Ends every provider, the hub, and by that every client."""
        self._stack.close()

    # -- providers

    def stranger(self) -> Watched:
        """A connection that has said nothing yet."""
        provider = Watched(self._hub.provider, self._hub.ca_file, self._deadline_s)
        return self._stack.enter_context(provider)

    def provider(self, key: str = KEY, **more: object) -> Watched:
        """A provider that has sent its login, and read whatever came for it."""
        provider = self.stranger()
        provider.send(json.dumps({"user": SERVICE, "key": key, **more}).encode())
        provider.said = provider.record()
        return provider

    def is_let_in(self, **login: Any) -> bool:
        return self.provider(**login).said.strip() == b"OK"

    # -- clients

    def ask(self, message: str = "hi", **fields: object) -> Future[Json]:
        """A request on a connection of its own, answered some time."""
        return self.submit(self.post, {"message": message, **fields})

    def submit(self, post: Callable[[Json], T], request: Json) -> Future[T]:
        return self._clients.submit(post, request)

    def asked(self, message: str = "hi", **fields: object) -> Json:
        return self.result(self.ask(message, **fields))

    def result(self, asked: Future[Json]) -> Json:
        return asked.result(self._deadline_s)

    def post(self, request: Json, service: str = SERVICE, **headers: str) -> Json:
        answer: Json = json.loads(self.post_raw(request, service, **headers))
        return answer

    def post_raw(self, request: Json, service: str = SERVICE, **headers: str) -> bytes:
        with closing(HTTPConnection(self._address, timeout=self._deadline_s)) as connection:
            connection.request("POST", f"/{service}", json.dumps(request), headers)
            return connection.getresponse().read()

    def left(self, provider: Watched, **request: object) -> None:
        """A request whose client leaves while the provider has it in hand."""
        body = json.dumps(request).encode()
        host, port = self._address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), self._deadline_s) as client:
            client.sendall(b"POST /%s HTTP/1.1\r\nHost: hub\r\n" % SERVICE.encode())
            client.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            provider.request()
        self.settle()

    def entry(self) -> Json:
        """The service's row of the model list."""
        rows: list[Json] = json.loads(self.post_raw({"command": "getmodels"}))
        return next(row for row in rows if row["name"] == SERVICE)

    def until(self, holds: Callable[[Json], bool]) -> None:
        """Waits until the service's row is so."""
        end = monotonic() + self._deadline_s
        while not holds(self.entry()):
            if monotonic() > end:
                raise TimeoutError

    def until_accepted(self, count: int) -> None:
        self.until(lambda entry: entry["numreq"] == count)

    def until_gone(self) -> None:
        self.until(lambda entry: not entry["connected"])

    def settle(self) -> None:
        """Lets the hub see what other connections did before."""
        for _ in range(10):
            self.entry()

    # -- time, by the hub's own clock

    def until_login_is_over(self, silent: Watched) -> None:
        """Waits until the hub closes a connection that has not logged in: `login_s` has passed."""
        silent.record()

    @property
    def _address(self) -> str:
        return self._hub.url.removeprefix("http://")


class Watched(RecordProvider):
    """A provider by hand; `said` is what the hub said to its login."""

    said = b""

    def next_frame(self) -> Json | None:
        """The next frame, pings included; none when the hub closes the link."""
        data = b""
        while piece := self.record():
            data += piece
            try:
                return dict(json.loads(data))
            except ValueError:
                continue
        return None

    def request(self) -> Json:
        """The next frame that is no ping; empty when the hub closes the link."""
        while (frame := self.next_frame()) is not None and "ping" in frame:
            pass
        return frame or {}

    def answer_with(self, content: object) -> None:
        """Answers with JSON, or with bytes as they are."""
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send(b"%08X" % len(payload), payload)


class Observation(NamedTuple):
    """How a requirement is seen, and the limits that the hub is given for it."""

    holds: Callable[[World], bool]
    limits: Mapping[str, float]


class Observations(dict[str, Observation]):
    """Observations by the id of their requirement."""

    def of(self, requirement: str, **limits: float) -> Callable[[Callable[[World], bool]], Callable[[World], bool]]:
        """Registers a function as the requirement's observation."""

        def register(holds: Callable[[World], bool]) -> Callable[[World], bool]:
            assert requirement not in self
            self[requirement] = Observation(holds, limits)
            return holds

        return register
