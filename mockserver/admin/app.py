"""The admin API's HTTP door: an ASGI application beside the hub's own.

Laws:

- One request at a time acts, in a thread of its own: the hub's loop goes on meanwhile, and delivers what comes of it.
- A request is guarded before its body is read, and every answer is JSON, also an error.
- When the hub stops, what acts is ended first; nothing acts on a stopped hub.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mockserver.admin import guard, shapes
from mockserver.admin.actions import Actions
from mockserver.admin.refusal import Refusal
from mockserver.admin.routes import route_of
from neuroengine._generated.registry import HTTP_BODY_BYTES

if TYPE_CHECKING:
    from mockserver.admin.routes import Asked, Route
    from mockserver.app import Receive, Scope, Send
    from mockserver.hub import MockHub
    from mockserver.keeper import Keeper

logger = logging.getLogger("mockserver")

_HEADERS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class _ClientLeft(Exception):
    """Raised when a client goes away before its request is whole."""


class AdminApp:
    """The ASGI application over one hub, for one run of it."""

    def __init__(self, hub: MockHub, keeper: Keeper) -> None:
        self._actions = Actions(hub, keeper)
        self._turn = asyncio.Lock()
        self._acting: set[asyncio.Task[Any] | None] = set()
        self._is_stopping = False

    async def finish(self, timeout_s: float) -> None:
        """Lets in nobody any more, and waits for those that are in, at most so many seconds."""
        self._is_stopping = True
        if acting := {task for task in self._acting if task is not None}:
            await asyncio.wait(acting, timeout=timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request; anything that is not HTTP is not ours."""
        if scope["type"] != "http":
            raise RuntimeError(f"the admin API serves HTTP only, not {scope['type']}")
        try:
            guard.check(scope["headers"])
            path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
            route = route_of(scope["method"], path)
            body = await _body(scope, receive)
            asked = route.asked(path, scope["query_string"].decode("latin-1"), body)
        except _ClientLeft:
            return
        except Refusal as refusal:
            await _refuse(send, refusal)
            return
        task = asyncio.current_task()
        self._acting.add(task)
        try:
            content = await self._act(route, asked)
            await _say(send, route.status, content)
        except Refusal as refusal:
            await _refuse(send, refusal)
        except Exception as error:
            logger.exception("the admin API failed at %s %s", route.method, route.path)
            why = f"the mock hub failed: {type(error).__name__}: {error}"
            await _refuse(send, Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, why))
        finally:
            self._acting.discard(task)

    async def _act(self, route: Route, asked: Asked) -> bytes:
        async with self._turn:
            if self._is_stopping:
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the mock hub is stopping")
            return await asyncio.to_thread(lambda: shapes.json_text(self._actions.do(route, asked)))


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is over the limit; the rest of it is not read then.
        _ClientLeft: the connection ended before the body did.
    """
    body = bytearray()
    room = HTTP_BODY_BYTES
    more = int(dict(scope["headers"]).get(b"content-length", b"0")) <= room
    if not more:
        raise _too_large()
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeft
        body += message.get("body", b"")
        if len(body) > room:
            raise _too_large()
        more = message.get("more_body", False)
    return bytes(body)


def _too_large() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must be {HTTP_BODY_BYTES} bytes at most; it is larger"
    )


async def _refuse(send: Send, refusal: Refusal) -> None:
    more = [(b"allow", ", ".join(refusal.allowed).encode("ascii"))] if refusal.allowed else []
    if refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        more.append((b"connection", b"close"))  # what is left of the body is not read
    await _say(send, refusal.status, shapes.json_text({"error": str(refusal)}), *more)


async def _say(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [*_HEADERS, (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
