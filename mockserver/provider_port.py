"""The hub's provider door: TLS over TCP, one link a connection.

Every write of the hub's state goes out as one TLS record run of its own. A deployed provider writes an answer's
length and payload apart and waits in between for the acknowledgement, so the socket is asked for quick ones after
each write.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from mockserver.tls import ENDED_IN_ORDER, over_tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mockserver.state.hub import HubState
    from mockserver.state.links import Link

BACKLOG = 1024
"""How many connections may wait to be accepted: all providers come back at once when a hub restarts."""


class ProviderConnection(asyncio.Protocol):
    """One provider's connection: hands bytes to its link, and writes what the link says."""

    def __init__(self, state: HubState, changed: Callable[[], None], open_: set[ProviderConnection]) -> None:
        self._open = open_
        self._state = state
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._link: Link | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up."""
        self._open.add(self)
        self._transport = cast("asyncio.Transport", transport)
        self._acknowledge_quickly()
        self._link = self._state.connect(self, self._now())
        self._changed()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._link is not None:
            self._link.receive(data, self._now())
            self._changed()

    def eof_received(self) -> bool:
        """The provider closed its side; a half-open link is of no use."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        """The connection is over, with or without TLS close-notify."""
        self._open.discard(self)
        in_order = self._transport is not None and bool(self._transport.get_extra_info(ENDED_IN_ORDER))
        if self._link is not None and self._state.behaviour.link_ends(in_order=in_order):
            self._state.disconnect(self._link, self._now())
            self._changed()

    def write(self, data: bytes) -> None:
        """Sends bytes in one write (what a link needs of its wire)."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            self._acknowledge_quickly()

    def close(self) -> None:
        """Ends the connection once everything is sent (what a link needs of its wire)."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _acknowledge_quickly(self) -> None:
        raw = self._transport.get_extra_info("socket") if self._transport is not None else None
        if raw is not None and hasattr(socket, "TCP_QUICKACK"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def serve_providers(
    state: HubState,
    changed: Callable[[], None],
    open_: set[ProviderConnection],
    listener: socket.socket,
    tls: ssl.SSLContext,
) -> asyncio.Server:
    """Listens for providers on a bound socket; `open_` holds the connections that are open."""

    def connection() -> ProviderConnection:
        return ProviderConnection(state, changed, open_)

    factory = over_tls(tls, connection) if state.behaviour.provider_tls else connection
    return await asyncio.get_running_loop().create_server(factory, sock=listener, backlog=BACKLOG)
