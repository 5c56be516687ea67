"""The hub's provider door: TLS over TCP, one link a connection.

Every write of the hub's state goes out as one TLS record run of its own. A deployed provider writes an answer's
length and payload apart and waits in between for the acknowledgement, so the socket is asked for quick ones after
each write.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, cast

from mockserver.resets import throw_away
from mockserver.tls import ENDED_IN_ORDER, over_tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mockserver.keeper import Keeper
    from mockserver.state.links import Link

BACKLOG = 1024
"""How many connections may wait to be accepted: all providers come back at once when a hub restarts, and clients of a
load test all at once."""


class ProviderConnection(asyncio.Protocol):
    """One provider's connection: hands bytes to its link, and writes what the link says."""

    def __init__(self, keeper: Keeper, open_: set[ProviderConnection]) -> None:
        self._open = open_
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._outbox: deque[Callable[[asyncio.Transport], None]] = deque()
        self._transport: asyncio.Transport | None = None
        self._link: Link | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up."""
        self._open.add(self)
        self._transport = cast("asyncio.Transport", transport)
        self._acknowledge_quickly()
        with self._keeper as now:
            self._link = self._keeper.state.connect(self, now)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._link is not None:
            with self._keeper as now:
                self._link.receive(data, now)

    def eof_received(self) -> bool:
        """The provider closed its side; a half-open link is of no use."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        """The connection is over, with or without TLS close-notify."""
        self._open.discard(self)
        in_order = self._transport is not None and bool(self._transport.get_extra_info(ENDED_IN_ORDER))
        if self._link is not None:
            with self._keeper as now:
                if self._keeper.state.behaviour.link_ends(in_order=in_order):
                    self._keeper.state.disconnect(self._link, now)

    def write(self, data: bytes) -> None:
        """Sends bytes in one write (what a link needs of its wire)."""
        self._put(partial(self._write, data))

    def close(self) -> None:
        """Ends the connection once everything is sent (what a link needs of its wire)."""
        self._put(lambda transport: transport.close())

    def reset(self) -> None:
        """Throws the connection away once everything is sent (what a link needs of its wire)."""
        self._put(throw_away)

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _put(self, act: Callable[[asyncio.Transport], None]) -> None:
        """Does something to the transport, for any thread that holds the hub's state; the order is kept."""
        self._outbox.append(act)
        if get_ident() == self._thread:
            self._act()
        else:
            self._loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        while self._outbox:
            act = self._outbox.popleft()
            if self._transport is not None and not self._transport.is_closing():
                act(self._transport)

    def _write(self, data: bytes, transport: asyncio.Transport) -> None:
        transport.write(data)
        self._acknowledge_quickly()

    def _acknowledge_quickly(self) -> None:
        raw = self._transport.get_extra_info("socket") if self._transport is not None else None
        if raw is not None and hasattr(socket, "TCP_QUICKACK"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, self._keeper.state.behaviour.acknowledges_quickly)


async def serve_providers(
    keeper: Keeper,
    open_: set[ProviderConnection],
    listener: socket.socket,
    tls: ssl.SSLContext,
) -> asyncio.Server:
    """Listens for providers on a bound socket; `open_` holds the connections that are open."""

    def connection() -> ProviderConnection:
        return ProviderConnection(keeper, open_)

    factory = over_tls(tls, connection) if keeper.state.behaviour.provider_tls else connection
    return await asyncio.get_running_loop().create_server(factory, sock=listener, backlog=BACKLOG)
