"""Listens for clients: a bound socket, an application, and the connections that are open."""

from __future__ import annotations

from dataclasses import dataclass, field
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any

from mockserver.http.connection import HttpConnection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from socket import socket

    from mockserver.app import App
    from mockserver.http.connection import Asked
    from mockserver.keeper import Keeper

READ_BYTES = 8_192
"""About how much TCP may hold for a connection that is not read, and so how much comes at a time."""

WRITTEN_BYTES = 65_536
"""About how much TCP may hold that a client has not read."""


@dataclass
class OpenConnections:
    """The connections that are open, and the tasks of the applications that answer on them."""

    connections: set[HttpConnection] = field(default_factory=set)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


def serve_http(
    keeper: Keeper, app: App, open_: OpenConnections, listener: socket, *, at_once: Asked | None = None
) -> Callable[[], HttpConnection]:
    """Makes the factory of protocols for `loop.create_server` on a bound socket.

    Args:
        keeper: the hub's keeper; its limits and its clock bind the connections.
        app: the application; it answers every request that `at_once` does not.
        open_: where the open connections are held.
        listener: the socket.
        at_once: asked first where a request is whole; see `Asked`.
    """
    listener.setsockopt(SOL_SOCKET, SO_RCVBUF, READ_BYTES)
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, WRITTEN_BYTES)
    return lambda: HttpConnection(keeper, app, open_.connections, open_.tasks, at_once)
