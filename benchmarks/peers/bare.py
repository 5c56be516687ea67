"""A bare ASGI application: it reads the body and answers the same bytes, whatever was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.peers import ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER_BYTES))]


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answers one request."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": ANSWER_BYTES})
