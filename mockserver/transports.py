"""The doors without a socket: transports for httpx, in this process.

They are the hub itself, not a copy of it: a request goes to the hub's state, in the caller's own thread, whether the
hub was started or not. Where it has to wait, it sleeps until the hub's next deadline, or until somebody else's doing
wakes it, and then runs what is due.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import httpx

from mockserver.visitor import Line, Visitor
from mockserver.waker import waker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from mockserver.keeper import Keeper

_TURN_S: Final = 0.001
"""How long other tasks get to do something, in real seconds, before a clock leaps that leaps."""


class HubTransport(httpx.BaseTransport):
    """Brings the requests of an `httpx.Client` to the hub.

    `root` is the path of the base URL that the hub stands for; it is taken off every request's path.
    """

    def __init__(self, keeper: Keeper, root: str = "") -> None:
        self._line = Line(keeper, root)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers one request.

        Raises:
            httpx.TransportError: what befell the exchange, as over a socket.
        """
        visitor = Visitor(self._line, request)
        visitor.ask(_body(request, visitor.limit))
        _wait(visitor, visitor.has_begun)
        return visitor.response(_Stream)


class AsyncHubTransport(httpx.AsyncBaseTransport):
    """Brings the requests of an `httpx.AsyncClient` to the hub; see `HubTransport`."""

    def __init__(self, keeper: Keeper, root: str = "") -> None:
        self._line = Line(keeper, root)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers one request.

        Raises:
            httpx.TransportError: what befell the exchange, as over a socket.
        """
        visitor = Visitor(self._line, request)
        visitor.ask(await _async_body(request, visitor.limit))
        await _async_wait(visitor, visitor.has_begun)
        return visitor.response(_AsyncStream)


class _Stream(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def __iter__(self) -> Iterator[bytes]:
        while True:
            _wait(self._visitor, self._visitor.has_more)
            if not (chunk := self._visitor.chunk()):
                return
            yield chunk

    def close(self) -> None:
        self._visitor.leave()


class _AsyncStream(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await _async_wait(self._visitor, self._visitor.has_more)
            if not (chunk := self._visitor.chunk()):
                return
            if self._visitor.is_flooded:
                await asyncio.sleep(0)  # a client that reads without an end must not keep other tasks from theirs
            yield chunk

    async def aclose(self) -> None:
        self._visitor.leave()


def _wait(visitor: Visitor, is_there: Callable[[], bool]) -> None:
    """Sleeps until what is wanted is there."""
    if is_there():
        return
    keeper, woken = visitor.keeper, threading.Event()
    with visitor.waiting(is_there, woken.set):
        while not is_there():
            if not (keeper.clock.leaps and keeper.leap()):
                woken.wait(keeper.pause_s())
                woken.clear()
            with keeper:
                pass  # what is due has run


async def _async_wait(visitor: Visitor, is_there: Callable[[], bool]) -> None:
    """Sleeps until what is wanted is there; other tasks go on meanwhile."""
    if is_there():
        return
    keeper, woken = visitor.keeper, asyncio.Event()
    with visitor.waiting(is_there, waker(woken)):
        while not is_there():
            may_leap = keeper.clock.leaps and keeper.next_deadline is not None
            with suppress(TimeoutError):
                async with asyncio.timeout(_TURN_S if may_leap else keeper.pause_s()):
                    await woken.wait()
            if may_leap and not woken.is_set():
                keeper.leap()
            woken.clear()
            with keeper:
                pass  # what is due has run


def _body(request: httpx.Request, limit: float) -> bytes:
    """The body; of one that is over the limit no more than shows it."""
    if isinstance(request.stream, httpx.ByteStream):
        return request.read()  # it is there already
    body = bytearray()
    for chunk in request.stream:  # type: ignore[union-attr]  # httpx gives a transport the stream of its own kind
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


async def _async_body(request: httpx.Request, limit: float) -> bytes:
    if isinstance(request.stream, httpx.ByteStream):
        return request.read()
    body = bytearray()
    async for chunk in request.stream:  # type: ignore[union-attr]  # httpx gives a transport the stream of its own kind
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)
