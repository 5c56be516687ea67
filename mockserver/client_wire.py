"""Plays the steps of a delivery on a client's connection.

What is right HTTP goes through ASGI, so that the connection can go on afterwards; what is none, or more than was
announced, is written to the transport beside it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.resets import throw_away
from mockserver.state.delivery import Body, Close, End, Flood, Head, Reset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mockserver.outbox import Outbox
    from mockserver.state.delivery import Step

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECTION = "connection"
"""Under this name the ASGI scope's state holds the connection."""


class Connection(Protocol):
    """What the door needs of a client's connection beside ASGI."""

    transport: asyncio.Transport

    def watch(self) -> asyncio.Future[None]:
        """Is done when the client has gone; whoever watches no more cancels it."""


class ClientWire:
    """One client's connection while one answer is written to it.

    `left` is done when the client has gone.
    """

    def __init__(self, send: Send, transport: asyncio.Transport, left: asyncio.Future[Any]) -> None:
        self._send = send
        self._transport = transport
        self._left = left
        self._is_begun = False
        self._room: int | None = None
        """How many bytes of the body are still announced; none where it is chunked."""

    async def play(self, outbox: Outbox) -> None:
        """Plays steps until the answer is over, one way or the other.

        Whoever sees the client leave closes the outbox.
        """
        while (step := await outbox.get()) is not None:
            if isinstance(step, Flood):
                await self._flood(step.data, outbox)
            elif isinstance(step, End) and not self._room:
                await self._send({"type": "http.response.body", "body": b""})
                return
            elif isinstance(step, Body) and self._completes(step.data) and outbox.take_end():
                await self._send({"type": "http.response.body", "body": step.data})
                return
            else:
                await self.act(step)

    async def act(self, step: Step) -> None:
        """Plays one step that is no `End` in order and no `Flood`."""
        if isinstance(step, Head):
            await self._begin(step)
        elif isinstance(step, Body):
            await self._write(step.data)
        elif isinstance(step, Reset):
            throw_away(self._transport)
        elif isinstance(step, Close | End):
            # The end comes before the answer is whole.
            self._transport.close()

    def _completes(self, data: bytes) -> bool:
        """Whether these bytes may be the last of the body."""
        return self._is_begun and self._room in {None, len(data)}

    async def _begin(self, head: Head) -> None:
        announced = dict(head.headers).get(b"content-length")
        self._room = None if announced is None else int(announced)
        self._is_begun = True
        await self._send({"type": "http.response.start", "status": head.status, "headers": list(head.headers)})

    async def _write(self, data: bytes) -> None:
        fits = data if self._room is None else data[: self._room]
        if not self._is_begun:
            fits = b""
        elif self._room is not None:
            self._room -= len(fits)
        if fits:
            await self._send({"type": "http.response.body", "body": fits, "more_body": True})
        if len(fits) < len(data):
            self._transport.write(data[len(fits) :])

    async def _flood(self, data: bytes, outbox: Outbox) -> None:
        while not self._left.done() and not outbox:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            # A client that reads as fast as this must not keep the hub from everything else.
            await asyncio.sleep(0)
