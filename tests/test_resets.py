"""A connection that is thrown away: reset, or gone already."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S

from mockserver.resets import throw_away
from mockserver.runner import _new_event_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Seen(asyncio.Protocol):
    """The accepting end of a connection, until it is lost."""

    def __init__(self, made: asyncio.Future[Seen]) -> None:
        self._made = made
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._made.set_result(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        self.lost.set_result(None)


@asynccontextmanager
async def accepted() -> AsyncIterator[tuple[Seen, socket.socket]]:
    """An accepted connection, and its other end."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[Seen] = loop.create_future()
    server = await loop.create_server(lambda: Seen(made), "127.0.0.1", 0)
    try:
        with socket.create_connection(server.sockets[0].getsockname(), DEADLINE_S) as theirs:
            async with asyncio.timeout(DEADLINE_S):
                yield await made, theirs
    finally:
        server.close()


on_each_loop = pytest.mark.parametrize("loop", [_new_event_loop, asyncio.new_event_loop])


@on_each_loop
def test_a_connection_that_is_thrown_away_ends(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def throw() -> None:
        async with accepted() as (seen, _):
            throw_away(seen.transport)
            await seen.lost

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(throw())


@on_each_loop
@pytest.mark.parametrize("end", ["left", "aborted"])
def test_a_connection_that_has_gone_already_is_left_alone(
    loop: Callable[[], asyncio.AbstractEventLoop], end: str
) -> None:
    async def throw() -> None:
        async with accepted() as (seen, theirs):
            if end == "left":
                theirs.close()
            else:
                seen.transport.abort()
                throw_away(seen.transport)
            await seen.lost
            throw_away(seen.transport)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(throw())
