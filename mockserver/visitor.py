"""What an httpx client sees of the hub, though there is no socket between them.

Every step of an answer becomes what the same step would have done over a socket: bytes, the end of the body, or the
exception that httpx raises there. Nothing waits here; a client that does is woken for everything new, and by its own
read timeout, which is on the hub's clock like everything else.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import httpx

from mockserver.request_headers import read_headers
from mockserver.state.delivery import Body, Close, End, Flood, Head, Reset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.keeper import Keeper
    from mockserver.state.delivery import Headers, Step
    from mockserver.state.exchanges import Exchange
    from mockserver.state.lane import Lane

_HTTP_1: Final = {"http_version": b"HTTP/1.1"}


class Line:
    """What a transport has instead of its connections: the way to the hub.

    `root` is the path of the base URL that the hub stands for; it is taken off every request's path.
    """

    def __init__(self, keeper: Keeper, root: str) -> None:
        self.keeper = keeper
        self.root = root
        self.is_noisy = False
        """Whether bytes stand on it that belong to no answer."""


class Visitor:
    """One request of an httpx client, and what the client has seen of the answer and not yet taken."""

    _exchange: Exchange | None = None
    _lane: Lane | None = None
    _arrived = b""
    _wake: Callable[[], object] | None = None
    _status = 0
    _headers: Headers = ()
    _whole: bytes | None = None
    """The whole body, of an answer that came at once."""
    _flood = b""
    _error: httpx.TransportError | None = None
    _length: int | None = None
    _left: int | None = None
    _is_over = False

    def __init__(self, line: Line, request: httpx.Request) -> None:
        self.keeper = line.keeper
        self._line = line
        self._state = line.keeper.state
        self._request = request
        self._path = request.url.path.removeprefix(line.root)
        self._chunks: deque[bytes] = deque()

    @property
    def limit(self) -> float:
        """The most bytes of a body that the hub reads; it answers one that is longer without reading it all."""
        return self._state.limits["http_body_bytes"]

    def ask(self, body: bytes) -> None:
        """Sends the request.

        Raises:
            httpx.ConnectError: the hub is stopped.
        """
        with self.keeper as now:
            if self.keeper.is_closed:
                raise httpx.ConnectError("the hub is stopped")
            self._state = self.keeper.state
            if self._line.is_noisy:
                self._line.is_noisy = False
                self._fail(httpx.RemoteProtocolError("illegal status line"))
                return
            if self._request.method != "POST":
                headers = {name.lower(): value for name, value in self._request.headers.raw}
                self._see(*self._state.messages.no_post(self._request.method, headers))
                return
            lane = self._lane = self._state.arriving(self._path, self._arrive)
            if lane is None:
                self._post(body, now)
            else:
                lane.start(now)
                lane.feed(body, now, is_whole=True)

    def leave(self) -> None:
        """Goes, whether everything was seen or not."""
        self._is_over = True
        if self._exchange is not None or self._lane is not None:
            self._part()

    @contextmanager
    def waiting(self, is_there: Callable[[], bool], wake: Callable[[], object]) -> Iterator[None]:
        """Has `wake` called, in any thread, for everything new and when a deadline has moved.

        A client whose patience is over before what it waits for `is_there` leaves, and so does one that is cancelled.
        """
        patience = self._request.extensions.get("timeout", {}).get("read")
        with self.keeper as now:
            self._wake = wake
            self.keeper.alarms.add(wake)
            timer = (
                None if patience is None else self.keeper.timers.at(now + patience, partial(self._give_up, is_there))
            )
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
        return self._status != 0 or self._error is not None

    def response(self, streamed: Callable[[Visitor], httpx.SyncByteStream | httpx.AsyncByteStream]) -> httpx.Response:
        """The response, once it has begun; `streamed` makes its stream, where its body is still to come.

        Raises:
            httpx.TransportError: an error came instead.
        """
        if not self._status and self._error is not None:
            raise self._error
        stream = streamed(self) if self._whole is None else httpx.ByteStream(self._whole)
        return httpx.Response(self._status, headers=_headers(self._headers), stream=stream, extensions=_HTTP_1)

    def has_more(self) -> bool:
        """Whether `chunk` need not wait."""
        return self._is_over or bool(self._chunks or self._flood)

    @property
    def is_flooded(self) -> bool:
        """Whether there will always be more, until the client leaves."""
        return bool(self._flood)

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

    # -- what happens at the hub, with its keeper held

    def _arrive(self, step: Step, now: float) -> None:
        """A step of the request on its way to the hub."""
        if isinstance(step, Body):
            self._arrived += step.data
        elif isinstance(step, End):
            self._leave_lane()
            self._post(self._arrived, now)
        elif self.keeper.is_closed:
            self._see(*self._state.messages.stopping())
            self._part()
        else:
            self._play(step)

    def _leave_lane(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            self._state.arrived(lane)

    def _post(self, body: bytes, now: float) -> None:
        content_type, access_key, origin = read_headers(self._request.headers.raw)
        exchange = self._state.post(
            self._path, body, now, content_type=content_type, access_key=access_key, origin=origin
        )
        if exchange.answer is not None and not exchange.plan.faults:
            self._see(*self._state.messages.of(exchange))
        else:
            self._exchange = exchange
            self._state.play(exchange, self._play, now)

    def _see(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        self._status = status
        self._headers = headers
        self._is_over = True
        self._whole = body if self._request.method != "HEAD" else b""
        if self._wake is not None:
            self._wake()

    def _play(self, step: Step) -> None:
        """A step of the answer, in its time."""
        if isinstance(step, Body):
            self._read(step.data)
        elif not self._is_over:
            self._see_step(step)
        if isinstance(step, End | Close | Reset):
            self._part()
        if self._wake is not None:
            self._wake()

    def _see_step(self, step: Step) -> None:
        match step:
            case Head():
                self._begin(step)
            case Flood(data):
                self._read_flood(data)
            case End() if not self._left:
                self._is_over = True
            case End() | Close():
                self._fail(httpx.RemoteProtocolError(self._what_is_missing()))
            case Reset():
                self._fail(httpx.ReadError("[Errno 104] Connection reset by peer"))

    def _begin(self, head: Head) -> None:
        self._status = head.status
        self._headers = head.headers
        announced = dict(head.headers).get(b"content-length")
        self._length = self._left = None if announced is None else int(announced)
        self._is_over = self._left == 0

    def _read(self, data: bytes) -> None:
        if not self._status:
            return  # it is no HTTP: what comes behind it decides
        if self._left is not None:
            # More than was announced stands where the next answer on the connection should.
            self._line.is_noisy = self._line.is_noisy or len(data) > self._left
            data = data[: self._left]
            self._left -= len(data)
            self._is_over = self._left == 0
        if data:
            self._chunks.append(data)

    def _read_flood(self, data: bytes) -> None:
        if not self._status:
            self._fail(httpx.RemoteProtocolError("Receive buffer too long"))
        elif self._left is not None:
            self._read(data * (self._left // len(data) + 1))
        else:
            self._flood = data

    def _what_is_missing(self) -> str:
        if not self._status:
            return "Server disconnected without sending a response."
        why = "peer closed connection without sending complete message body"
        if self._length is None or self._left is None:
            return f"{why} (incomplete chunked read)"
        return f"{why} (received {self._length - self._left} bytes, expected {self._length})"

    def _fail(self, error: httpx.TransportError) -> None:
        self._error = error
        self._is_over = True

    def _give_up(self, is_there: Callable[[], bool], _: float) -> None:
        """The client's patience is over; what came before that it may still take."""
        if not is_there():
            self._fail(httpx.ReadTimeout("The read operation timed out"))
            self._part()
        if self._wake is not None:
            self._wake()

    def _part(self) -> None:
        """The connection is of no use any more: everything was seen, or the client has gone."""
        exchange, self._exchange = self._exchange, None
        with self.keeper as now:
            self._leave_lane()
            if exchange is not None:
                self._state.leave(exchange, now)


@lru_cache(maxsize=64)
def _headers(headers: Headers) -> httpx.Headers:
    """Headers as httpx has them; a response takes a copy, and most answers of a program have the same."""
    return httpx.Headers(headers)
