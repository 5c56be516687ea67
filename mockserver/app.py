"""The hub's HTTP door: an ASGI application, one route for everything, as the protocol has it.

Every answer to a POST is JSON, whatever went wrong. An answer that is there at once and that nothing befalls is sent as
it is; every other exchange is played, step by step, by the state and its timers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mockserver.client_wire import CONNECTION, ClientWire
from mockserver.outbox import Outbox
from mockserver.request_headers import read_headers
from mockserver.state.delivery import Body, End

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mockserver.client_wire import Connection
    from mockserver.keeper import Keeper
    from mockserver.state.delivery import Message
    from mockserver.state.lane import Lane

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _ClientLeft(Exception):
    """Raised when a client goes away before its request is whole."""


class HubApp:
    """The ASGI application over a hub's state."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.answering: set[asyncio.Task[Any] | None] = set()
        """The tasks whose request was read and whose answer is not yet out."""
        self._reading: set[Send] = set()

    async def stop_reading(self) -> None:
        """Answers every request that is not yet whole, because the hub stops."""
        for send in tuple(self._reading):
            await say(send, self._keeper.state.stopping())

    async def close(self) -> None:
        """Gives back what it holds, on the loop that it ran on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request; anything that is not HTTP is not ours."""
        if scope["type"] != "http":
            raise RuntimeError(f"the hub serves HTTP only, not {scope['type']}")
        if scope["method"] != "POST":
            await say(send, self._keeper.state.no_post(scope["method"], dict(scope["headers"])))
            return
        self._reading.add(send)
        try:
            arrives = self._arrival(scope, receive, send) if self._keeper.state.faults else self._read(receive)
            body = await arrives
        except _ClientLeft:
            return
        finally:
            self._reading.discard(send)
        task = asyncio.current_task()
        self.answering.add(task)
        try:
            await self._answer(scope, body, send)
        finally:
            self.answering.discard(task)

    async def _arrival(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """The body after everything that befalls it on its way, or None when it is over the limit.

        Raises:
            _ClientLeft: no request came of it.
        """
        outbox = Outbox()
        with self._keeper as now:
            state = self._keeper.state
            lane = state.arriving(scope["path"], lambda step, _: outbox.put(step))
            if lane is not None:
                lane.start(now)
        if lane is None:
            return await self._read(receive)
        left = asyncio.ensure_future(self._feed(lane, receive))
        left.add_done_callback(lambda _: outbox.close())
        wire = ClientWire(send, scope["state"][CONNECTION].transport, left)
        body = bytearray()
        try:
            while not isinstance(step := await outbox.get(), End):
                if step is None:
                    raise _ClientLeft
                if isinstance(step, Body):
                    body += step.data
                else:
                    await wire.act(step)
        finally:
            left.cancel()
            with self._keeper:
                state.arrived(lane)
        return bytes(body) if len(body) <= state.limits["http_body_bytes"] else None

    async def _feed(self, lane: Lane, receive: Receive) -> None:
        """Feeds a lane with a request's body, but not with much more than is allowed; returns when its client left."""
        room = self._keeper.state.limits["http_body_bytes"]
        while room >= 0 and (message := await receive())["type"] != "http.disconnect":
            data = message.get("body", b"")
            room -= len(data)
            with self._keeper as now:
                lane.feed(data, now, is_whole=room < 0 or not message.get("more_body", False))
        if room < 0:
            await _disconnected(receive)

    async def _answer(self, scope: Scope, body: bytes | None, send: Send) -> None:
        content_type, access_key, origin = read_headers(scope["headers"])
        with self._keeper as now:
            state = self._keeper.state
            path = state.behaviour.path(scope["path"], scope["query_string"])
            exchange = state.post(path, body, now, content_type=content_type, access_key=access_key, origin=origin)
            is_whole = exchange.answer is not None and not exchange.plan.faults
            if not is_whole:
                outbox = Outbox()
                state.play(exchange, outbox.put, now)
        if is_whole:
            await say(send, state.message(exchange))
            return
        connection: Connection = scope["state"][CONNECTION]
        left = connection.watch()
        left.add_done_callback(lambda _: outbox.close())
        try:
            await ClientWire(send, connection.transport, left).play(outbox)
        finally:
            left.cancel()
            with self._keeper as now:
                state.leave(exchange, now)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body, or None when it is over the limit; the rest of it is not read then.

        Raises:
            _ClientLeft: the connection ended before the body did; a part of a request is none.
        """
        limit = self._keeper.state.limits["http_body_bytes"]
        body = bytearray()
        more = True
        while more and len(body) <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientLeft
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body) if len(body) <= limit else None


async def say(send: Send, message: Message) -> None:
    """Sends a whole answer."""
    await send({"type": "http.response.start", "status": message.status, "headers": list(message.headers)})
    await send({"type": "http.response.body", "body": message.body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
