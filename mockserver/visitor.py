"""What an httpx client sees of the steps of an answer, though there is no socket between them.

Every step becomes what the same step would have done over a socket: bytes, the end of the body, or the exception that
httpx raises there. Nothing waits here; a client that does is woken for everything new, and by its own read timeout,
which is on the hub's clock like everything else.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from mockserver.state.delivery import Body, Close, End, Flood, Head, Reset
from mockserver.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.keeper import Keeper
    from mockserver.state.delivery import Step


class Visitor:
    """One request of an httpx client, and what the client has seen of the answer and not yet taken.

    `root` is the path of the base URL that the hub stands for; it is taken off the request's path.

    Raises:
        httpx.ConnectError: the hub is stopped.
    """

    def __init__(self, keeper: Keeper, request: httpx.Request, root: str) -> None:
        if keeper.is_closed:
            raise httpx.ConnectError("the hub is stopped")
        self.keeper = keeper
        self._request = request
        self._root = root
        self._visit = Visit(keeper, self._play)
        self._wake: Callable[[], object] | None = None
        self._head: Head | None = None
        self._chunks: deque[bytes] = deque()
        self._flood = b""
        self._error: httpx.TransportError | None = None
        self._length: int | None = None
        self._left: int | None = None
        self._is_over = False

    @property
    def limit(self) -> float:
        """The most bytes of a body that the hub reads."""
        return self.keeper.state.limits["http_body_bytes"]

    def ask(self, body: bytes | None) -> None:
        """Sends the request, with None for a body over the limit."""
        request = self._request
        if request.method == "POST":
            self._visit.post(request.url.path.removeprefix(self._root), request.headers.raw, body)
        else:
            self._visit.refuse_method()

    def leave(self) -> None:
        """Goes, whether everything was seen or not."""
        if not self._is_over:
            self._is_over = True
            self._visit.leave()

    @contextmanager
    def waiting(self, wake: Callable[[], object]) -> Iterator[None]:
        """Has `wake` called, in any thread, for everything new and when a deadline has moved."""
        patience = self._request.extensions.get("timeout", {}).get("read")
        with self.keeper as now:
            self._wake = wake
            self.keeper.alarms.add(wake)
            timer = None if patience is None else self.keeper.timers.at(now + patience, self._give_up)
        try:
            yield
        except BaseException:
            self.leave()
            raise
        finally:
            with self.keeper:
                self._wake = None
                self.keeper.alarms.discard(wake)
                if timer is not None:
                    timer.cancel()

    # -- what the client takes

    def has_begun(self) -> bool:
        """Whether `response` need not wait."""
        return self._head is not None or self._error is not None

    def response(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
        """The response, once it has begun.

        Raises:
            httpx.TransportError: an error came instead.
        """
        if self._head is None:
            raise self._error or httpx.ReadError("")
        status, headers = self._head.status, list(self._head.headers)
        return httpx.Response(status, headers=headers, stream=stream, extensions={"http_version": b"HTTP/1.1"})

    def has_more(self) -> bool:
        """Whether `chunk` need not wait."""
        return self._is_over or bool(self._chunks or self._flood)

    def chunk(self) -> bytes:
        """The next bytes of the body, none at its end.

        Raises:
            httpx.TransportError: the body ends before its end.
        """
        if self._chunks:
            return self._chunks.popleft()
        if self._error is not None:
            raise self._error
        return self._flood

    # -- what the hub plays, with its keeper held

    def _play(self, step: Step) -> None:
        if self._is_over:
            return
        match step:
            case Head():
                self._begin(step)
            case Body(data) if data:
                self._add(data)
            case Flood(data):
                self._add(data, for_ever=True)
            case End() if not self._left:
                self._is_over = True
            case Close():
                self._fail(httpx.RemoteProtocolError(self._missing()))
            case Reset():
                self._fail(httpx.ReadError("[Errno 104] Connection reset by peer"))
        if self._wake is not None:
            self._wake()

    def _begin(self, head: Head) -> None:
        length = dict(head.headers).get(b"content-length")
        if length is not None and not length.isdigit():
            self._fail(httpx.RemoteProtocolError("bad Content-Length"))
            return
        self._head = head
        if self._request.method == "HEAD":
            self._length = 0
        elif length is not None:
            self._length = int(length)
        self._left = self._length
        self._is_over = self._left == 0

    def _add(self, data: bytes, *, for_ever: bool = False) -> None:
        if self._head is None:
            self._fail(httpx.RemoteProtocolError(f"illegal status line: {data[:40]!r}"))
        elif self._left is not None:
            data = (data * (self._left // len(data) + 1) if for_ever else data)[: self._left]
            self._left -= len(data)
            self._is_over = self._left == 0
            self._chunks.append(data)
        elif for_ever:
            self._flood = data
        else:
            self._chunks.append(data)

    def _missing(self) -> str:
        if self._head is None:
            return "Server disconnected without sending a response."
        if self._length is None or self._left is None:
            return "peer closed connection without sending complete message body (incomplete chunked read)"
        got = self._length - self._left
        return (
            "peer closed connection without sending complete message body "
            f"(received {got} bytes, expected {self._length})"
        )

    def _fail(self, error: httpx.TransportError) -> None:
        self._error = error
        self._is_over = True

    def _give_up(self, _: float) -> None:
        if not self.has_more():
            self._visit.leave()
            self._fail(httpx.ReadTimeout("The read operation timed out"))
        if self._wake is not None:
            self._wake()
