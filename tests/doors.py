"""The doors of a mock hub, each as an `httpx.Client`, so that one scenario can be told through all of them.

The async doors are driven by real async code on a loop of their own; a client in front of them waits for it.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.doors import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from contextlib import AbstractContextManager

    from vector_runner import Post

SERVICE = "Neuroengine-Large"
KEY = "SERVICE-KEY"
PATH = f"/{SERVICE}"
PATIENT = httpx.Timeout(DEADLINE_S, read=100_000)
"""In this process a client's timeouts are on the hub's clock, which tests advance."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Door:
    """One way into a hub. `started` tells that there is none without a running server."""

    name: str
    client: Callable[[MockHub], AbstractContextManager[httpx.Client]]
    started: bool = False
    tls: bool = True

    @contextmanager
    def open(self, *, started: bool = False, **settings: Any) -> Iterator[tuple[MockHub, httpx.Client]]:
        """A fresh hub and a client of it. With `started` its server runs, whatever the door."""
        hub = MockHub(**{"services": {SERVICE: KEY}, "tls": self.tls, **settings})
        with ExitStack() as stack:
            stack.callback(hub.stop)
            if started or self.started:
                hub.start()
            yield hub, stack.enter_context(self.client(hub))


@contextmanager
def _by_socket(hub: MockHub) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=hub.ca_file)
    with httpx.Client(base_url=hub.url, verify=trust, timeout=DEADLINE_S, trust_env=False) as client:
        yield client


@contextmanager
def _in_process(hub: MockHub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=PUBLISHED, transport=hub.transport(), timeout=PATIENT) as client:
        yield client


@contextmanager
def _in_process_async(hub: MockHub) -> Iterator[httpx.Client]:
    transport = FromAsync(hub.async_transport())
    with httpx.Client(base_url=PUBLISHED, transport=transport, timeout=PATIENT) as client:
        yield client


@contextmanager
def _unchanged() -> Iterator[httpx.Client]:
    """A client that was told nothing of a mock hub."""
    with httpx.Client(base_url=PUBLISHED, timeout=PATIENT, trust_env=False, verify=_TRUSTS_NOBODY) as client:
        yield client


@contextmanager
def _unchanged_async() -> Iterator[httpx.Client]:
    transport = FromAsync(httpx.AsyncHTTPTransport(trust_env=False, verify=_TRUSTS_NOBODY))
    with httpx.Client(base_url=PUBLISHED, transport=transport, timeout=PATIENT) as client:
        yield client


@contextmanager
def _in_place(hub: MockHub) -> Iterator[httpx.Client]:
    with hub.in_place_of(), _unchanged() as client:
        yield client


@contextmanager
def _in_place_async(hub: MockHub) -> Iterator[httpx.Client]:
    with hub.in_place_of(), _unchanged_async() as client:
        yield client


@contextmanager
def _respx(hub: MockHub) -> Iterator[httpx.Client]:
    with hub.respx(), _unchanged() as client:
        yield client


@contextmanager
def _respx_async(hub: MockHub) -> Iterator[httpx.Client]:
    with hub.respx(), _unchanged_async() as client:
        yield client


_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: reading the system's authorities takes longer than a test."""

DOORS = {
    door.name: door
    for door in (
        Door("plain-socket", _by_socket, started=True, tls=False),
        Door("tls-socket", _by_socket, started=True),
        Door("in-process", _in_process),
        Door("in-process-async", _in_process_async),
        Door("in-place", _in_place),
        Door("in-place-async", _in_place_async),
        Door("respx", _respx),
        Door("respx-async", _respx_async),
    )
}


class FromAsync(httpx.BaseTransport):
    """A transport for a client that waits, over one for async clients, which lives on a loop of its own."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(DEADLINE_S)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        forwarded = httpx.Request(
            request.method, request.url, headers=request.headers.raw, content=content, extensions=request.extensions
        )
        response = self.run(self._transport.handle_async_request(forwarded))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        stream = _FromAsyncStream(self, response.stream)
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=stream, extensions=response.extensions
        )

    def close(self) -> None:
        self.run(self._transport.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()


class _FromAsyncStream(httpx.SyncByteStream):
    def __init__(self, transport: FromAsync, stream: httpx.AsyncByteStream) -> None:
        self._transport = transport
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        chunks = aiter(self._stream)
        while (chunk := self._transport.run(_next(chunks))) is not None:
            yield chunk

    def close(self) -> None:
        self._transport.run(self._stream.aclose())


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def posting(client: httpx.Client) -> Post:
    """What the runner of the vectors needs, by a client."""

    def post(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        url = client.base_url.copy_with(raw_path=path.encode())
        response = client.post(url, headers=headers, content=body)
        return response.status_code, dict(response.headers), response.content

    return post
