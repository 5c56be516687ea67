"""The hub's HTTP door: an ASGI application, one route for everything, as the protocol has it.

Every answer to a POST is JSON, whatever went wrong. An answer that is there at once and that nothing befalls is sent as
it is; every other exchange is played, step by step, by the state and its timers.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.client_wire import CONNECTION, ClientWire
from mockserver.outbox import Outbox
from mockserver.request_headers import read_headers
from mockserver.state.delivery import Body, End, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from mockserver.client_wire import Connection
    from mockserver.keeper import Keeper
    from mockserver.state.exchanges import Exchange
    from mockserver.state.hub import HubState
    from mockserver.state.lane import Lane

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _ClientLeft(Exception):
    """Raised when a client goes away before its request is whole."""


class HubApp:
    """The ASGI application over a hub's state."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._reading: set[Send] = set()

    async def stop_reading(self) -> None:
        """Answers every request that is not yet whole, because the hub stops."""
        for send in tuple(self._reading):
            await say(send, self._keeper.state.messages.stopping())

    async def close(self) -> None:
        """Gives back what it holds, on the loop that it ran on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request; anything that is not HTTP is not ours."""
        if scope["type"] != "http":
            raise RuntimeError(f"the hub serves HTTP only, not {scope['type']}")
        if scope["method"] != "POST":
            await say(send, self._keeper.state.messages.no_post(scope["method"], dict(scope["headers"])))
            return
        self._reading.add(send)
        try:
            arrives = self._arrival(scope, receive, send) if self._keeper.state.faults else self._read(receive)
            body = await arrives
        except _ClientLeft:
            return
        finally:
            self._reading.discard(send)
        await self._answer(scope, body, receive, send)

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

    def at_once(self, path: str, body: bytes | None, headers: Sequence[tuple[bytes, bytes]]) -> Message | App:
        """Posts a whole request: its answer where there is one at once, else the application that plays it."""
        content_type, access_key, origin = read_headers(headers)
        with self._keeper as now:
            state = self._keeper.state
            exchange = state.post(path, body, now, content_type=content_type, access_key=access_key, origin=origin)
            if exchange.answer is not None and not exchange.plan.faults:
                return state.messages.of(exchange)
            outbox = Outbox()
            state.play(exchange, outbox.put, now)
        return partial(self._play, state, exchange, outbox)

    async def _answer(self, scope: Scope, body: bytes | None, receive: Receive, send: Send) -> None:
        said = self.at_once(scope["path"], body, scope["headers"])
        if isinstance(said, Message):
            await say(send, said)
        else:
            await said(scope, receive, send)

    async def _play(
        self, state: HubState, exchange: Exchange, outbox: Outbox, scope: Scope, _: Receive, send: Send
    ) -> None:
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
