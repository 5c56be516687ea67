"""Who answers at a port for HTTP, and who is there.

A whole request that nothing befalls on its way is asked of the hub at once, and most are answered so. Every other one
is an application's, in a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING

from mockserver.http.connection import HttpConnection
from mockserver.state.answers import failure
from mockserver.state.delivery import Message
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import Any, TypeAlias

    from mockserver.app import App
    from mockserver.http.turn import Turn
    from mockserver.keeper import Keeper

    Asked: TypeAlias = Callable[[str, bytes, list[tuple[bytes, bytes]]], Message | App]

READ_BYTES = 8_192
"""About how much TCP may hold for a connection that is not read, and so how much comes at a time."""

WRITTEN_BYTES = 65_536
"""About how much TCP may hold that a client has not read."""

logger = logging.getLogger("mockserver.http")


class Door:
    """A door for HTTP. `connection` is the factory of protocols for `loop.create_server`.

    Args:
        keeper: the hub's keeper; its limits and its clock bind the connections.
        app: answers requests.
        at_once: asked first where a POST is whole, by its path, its body and its headers, if there is such a way: the
            answer where there is one at once, else the application that gives it.
    """

    def __init__(self, keeper: Keeper, app: App, at_once: Asked | None = None) -> None:
        self.keeper = keeper
        self.connections: set[HttpConnection] = set()
        """Those that are open."""
        self.tasks: set[asyncio.Task[Any]] = set()
        """The tasks of applications that answer."""
        self._app = app
        self._at_once = at_once

    def listen(self, listener: socket) -> socket:
        """Makes a bound socket, and those that it accepts, hold as little as this door wants."""
        listener.setsockopt(SOL_SOCKET, SO_RCVBUF, READ_BYTES)
        listener.setsockopt(SOL_SOCKET, SO_SNDBUF, WRITTEN_BYTES)
        return listener

    def connection(self) -> HttpConnection:
        """A client comes."""
        return HttpConnection(self)

    def answer(self, turn: Turn, *, is_unread: bool) -> None:
        """Has a request answered, as soon as enough of it is there; `is_unread` holds an answer back."""
        if self._at_once is None or is_unread or self._is_for_app(turn):
            self._start(turn, self._app)
        elif turn.is_whole:
            try:
                said = self._at_once(turn.path, turn.take(), turn.headers)
            except Exception:
                logger.exception("the hub failed at %s", turn.path)
                said = self.failed()
            if isinstance(said, Message):
                turn.answer(said)
            else:
                self._start(turn, said)

    def failed(self) -> Message:
        """What a request is answered with that its application has failed at."""
        return self.keeper.state.messages.refusal(failure(ErrorCode.INTERNAL_ERROR, "The hub failed."))

    def _is_for_app(self, turn: Turn) -> bool:
        """Whether a request is the application's from its head on, or too large to wait for the rest of it."""
        state = self.keeper.state
        return (
            turn.method != "POST"
            or turn.asks_for_body
            or turn.size > state.limits["http_body_bytes"]
            or bool(state.faults)
        )

    def _start(self, turn: Turn, app: App) -> None:
        task = asyncio.get_running_loop().create_task(turn.run(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
