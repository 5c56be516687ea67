"""The hub's HTTP door: an ASGI application, one route for everything, as the protocol has it.

Every answer to a POST is JSON, whatever went wrong. A whole reply that takes long is kept warm with blanks, which are
JSON white space and keep clients waiting that give up after 20 seconds without a byte; that commits the status to
200.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import failure
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mockserver.state.answers import Answer
    from mockserver.state.hub import Exchange, HubState

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BEARER = "bearer "
_JSON = (b"content-type", b"application/json")


class _ClientLeft(Exception):
    """Raised when a client goes away before its request is whole."""


class HubApp:
    """The ASGI application over a hub's state.

    `changed` is called after each thing that may have moved the hub's next deadline. `matching_statuses` answers
    errors with the HTTP status that the registry names instead of 200.
    """

    def __init__(self, state: HubState, changed: Callable[[], None], *, matching_statuses: bool = False) -> None:
        self._state = state
        self._changed = changed
        self._matching_statuses = matching_statuses
        self.answering: set[asyncio.Task[Any] | None] = set()
        """The tasks whose request was read and whose answer is not yet out."""
        self._reading: set[Send] = set()

    async def stop_reading(self) -> None:
        """Answers every request that is not yet whole, because the hub stops."""
        answer = failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping.")
        for send in tuple(self._reading):
            await self._send(send, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request; anything that is not HTTP is not ours."""
        if scope["type"] != "http":
            raise RuntimeError(f"the hub serves HTTP only, not {scope['type']}")
        if scope["method"] != "POST":
            await self._refuse_method(send)
            return
        self._reading.add(send)
        try:
            body = await self._read(receive)
        except _ClientLeft:
            return
        finally:
            self._reading.discard(send)
        task = asyncio.current_task()
        self.answering.add(task)
        try:
            await self._answer(scope, body, receive, send)
        finally:
            self.answering.discard(task)

    async def _answer(self, scope: Scope, body: bytes | None, receive: Receive, send: Send) -> None:
        if body is None:
            await self._send(send, self._state.behaviour.answer({}, self._state.too_large()))
            return
        headers = scope["headers"]
        exchange = self._state.post(
            scope["path"],
            body,
            asyncio.get_running_loop().time(),
            content_type=_header(headers, b"content-type"),
            access_key=_access_key(_header(headers, b"authorization")),
        )
        self._changed()
        if exchange.answer is not None:
            await self._send(send, exchange.answer)
        else:
            await self._wait(exchange, receive, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body, or None when it is over the limit; the rest of it is not read then.

        Raises:
            _ClientLeft: the connection ended before the body did; a part of a request is none.
        """
        limit = self._state.limits["http_body_bytes"]
        body = bytearray()
        more = True
        while more and len(body) <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientLeft
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body) if len(body) <= limit else None

    async def _wait(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Waits for the answer, keeps the client warm meanwhile, and notices when it leaves."""
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()
        exchange.answered = answered.set
        left = asyncio.ensure_future(_disconnected(receive))
        left.add_done_callback(lambda _: answered.set())
        is_warm = False
        try:
            while not answered.is_set():
                try:
                    async with asyncio.timeout(self._state.limits["keep_warm_s"]):
                        await answered.wait()
                except TimeoutError:
                    if not is_warm:
                        await send({"type": "http.response.start", "status": 200, "headers": [_JSON]})
                        is_warm = True
                    await send({"type": "http.response.body", "body": b" ", "more_body": True})
            if exchange.answer is None:
                return
            if is_warm:
                body = self._state.behaviour.render(exchange.answer)
                await send({"type": "http.response.body", "body": body})
            else:
                await self._send(send, exchange.answer)
        finally:
            left.cancel()
            self._state.leave(exchange, loop.time())
            self._changed()

    async def _send(self, send: Send, answer: Answer) -> None:
        body = self._state.behaviour.render(answer)
        status = answer.matching_status if self._matching_statuses else 200
        headers = [_JSON, (b"content-length", b"%d" % len(body))]
        status, headers = self._state.behaviour.head(answer, status, headers)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _refuse_method(self, send: Send) -> None:
        body = self._state.behaviour.render(failure(ErrorCode.INVALID_JSON, "The hub takes POST requests only."))
        headers = [_JSON, (b"content-length", b"%d" % len(body)), (b"allow", b"POST")]
        await send({"type": "http.response.start", "status": 405, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _header(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    for found, value in headers:
        if found == name:
            return value.decode("latin-1")
    return ""


def _access_key(authorization: str) -> str | None:
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return None
