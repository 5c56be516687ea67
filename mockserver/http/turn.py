"""One request on a connection, from its head on, and its answer: the ASGI side of the wire.

Laws:

- An answer that is known whole goes out in one write. Any other is sent as an application sends it.
- Without a `content-length` the body is chunked, or for a client of HTTP/1.0 ended by the end of the connection.
- Nothing is sent to a client that has gone. An application that fails, or ends without an answer, is answered for with
  code 1.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mockserver.client_wire import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Coroutine, MutableMapping

    from mockserver.app import App
    from mockserver.http.connection import HttpConnection
    from mockserver.state.delivery import Headers, Message

    Event = MutableMapping[str, Any]

logger = logging.getLogger("mockserver")

_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Turn:
    """One request and its answer. `target` is its path and its query, as they were sent."""

    asks_for_body = False
    """Whether the client waits with the body until it is asked for it."""
    ends_connection = False
    """Whether the connection ends behind the answer."""
    size = 0
    """How many bytes of the body are there and not taken."""
    is_whole = False
    """Whether the whole request is there."""
    is_begun = False
    """Whether the answer's head is out."""
    is_complete = False
    """Whether the answer is out."""
    has_left = False
    """Whether the client has gone, as far as this request is concerned."""
    _news: asyncio.Event | None = None
    _has_chunks = False

    def __init__(
        self,
        connection: HttpConnection,
        method: str,
        path: str,
        target: tuple[bytes, bytes],
        headers: list[tuple[bytes, bytes]],
        version: str,
    ) -> None:
        self._connection = connection
        self._target = target
        self._body: list[bytes] = []
        self.method = method
        self.path = path
        self.headers = headers
        self.version = version

    @property
    def is_started(self) -> bool:
        """Whether an application answers it."""
        return self._news is not None

    # -- what comes

    def add(self, data: bytes) -> None:
        """A part of the body came."""
        self._body.append(data)
        self.size += len(data)

    def take(self) -> bytes:
        """What is there of the body and was not taken."""
        body = b"".join(self._body)
        self._body.clear()
        self.size = 0
        return body

    def arrived(self) -> None:
        """More of the request is there, or its client has gone."""
        if self._news is not None:
            self._news.set()

    def leave(self) -> None:
        """The client has gone."""
        self.has_left = True
        self.arrived()

    # -- a whole answer

    def answer(self, message: Message) -> None:
        """Sends a whole answer."""
        head = self._head(message.status, message.headers)
        self._connection.transport.write(head + self._framed(message.body, is_last=True))
        self._complete()

    # -- an application's answer

    def run(self, app: App) -> Coroutine[Any, Any, None]:
        """Lets an application answer, from now on."""
        self._news = asyncio.Event()
        if self.size or self.is_whole:
            self._news.set()
        return self._run(app)

    async def _run(self, app: App) -> None:
        scope = {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "raw_path": self._target[0],
            "query_string": self._target[1],
            "headers": self.headers,
            "state": {CONNECTION: self._connection},
        }
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            logger.exception("the hub's HTTP door failed at %s", self.path)
        if self.is_complete or self.has_left:
            return
        if self.is_begun:
            self._connection.transport.close()
        else:
            self.answer(self._connection.failed())

    async def receive(self) -> Event:
        """The next part of the request."""
        if self._news is None:
            raise RuntimeError("only the application that answers a request may read it")
        if self.asks_for_body and not self.is_begun:
            self.asks_for_body = False
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self.has_left or self.is_complete):
            self._connection.wants_more()
            await self._news.wait()
            self._news.clear()
        if self.has_left or self.is_complete:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.take(), "more_body": not self.is_whole}

    async def send(self, event: Event) -> None:
        """The answer's head, or a part of its body."""
        await self._connection.flow.until_read()
        if self.has_left:
            return
        if event["type"] == "http.response.start":
            self._connection.transport.write(self._head(event["status"], event["headers"]))
            return
        is_last = not event.get("more_body", False)
        if data := self._framed(event["body"], is_last=is_last):
            self._connection.transport.write(data)
        if is_last:
            self._complete()

    def _head(self, status: int, headers: Headers) -> bytes:
        """The answer's head, which is out from now on."""
        self.is_begun = True
        lines = [_status_line(status)]
        is_measured = is_last_word = False
        for name, value in headers:
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                is_measured = True
            elif name == b"connection":
                is_last_word = True  # all that an application says of it
        if not is_measured and self.method != "HEAD" and status not in _NO_BODY:
            if self.version == "1.0":
                self.ends_connection = True
            else:
                self._has_chunks = True
                lines.append(b"transfer-encoding: chunked\r\n")
        if is_last_word:
            self.ends_connection = True
        elif self.ends_connection:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _framed(self, data: bytes, *, is_last: bool) -> bytes:
        """A part of the body as it goes on the wire."""
        if self.method == "HEAD":
            return b""
        if not self._has_chunks:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk + b"0\r\n\r\n" if is_last else chunk

    def _complete(self) -> None:
        self.is_complete = True
        self.arrived()
        self._connection.answered(self)


@cache
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")
